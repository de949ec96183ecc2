import { PATH_MAX_CHARS } from '../../../common/limits.ts';
import type { Owners } from '../base/types.ts';

/** A path, or `file://` and a path, with the home that it begins with where that home lies on the target. */
export function mapHomePath(value: string, owners: Owners): string {
  const [, scheme = '', path = ''] = /^(file:\/\/)?(\/.*)?$/s.exec(value) ?? [];
  // What is longer is no path, and its parts would be looked up one by one.
  if (!path || path.length > PATH_MAX_CHARS) return value;
  const names = path.split('/');
  for (let count = names.length; count > 1; count--) {
    const home = names.slice(0, count).join('/');
    const to = owners.home(home);
    if (to !== home) return [`${scheme}${to}`, ...names.slice(count)].join('/');
  }
  return value;
}
