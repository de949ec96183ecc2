import type { Owners } from '../base/types.ts';

/** A path, or `file://` and a path, with the home that it begins with where that home lies on the target. */
export function mapHomePath(value: string, owners: Owners): string {
  const [, scheme = '', path = ''] = /^(file:\/\/)?(\/.*)?$/s.exec(value) ?? [];
  if (!path) return value;
  const names = path.split('/');
  for (let count = names.length; count > 1; count--) {
    const home = names.slice(0, count).join('/');
    const to = owners.home(home);
    if (to !== home) return [`${scheme}${to}`, ...names.slice(count)].join('/');
  }
  return value;
}
