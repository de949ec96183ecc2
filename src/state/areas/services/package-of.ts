import type { System } from '../base/system.ts';

const INFO = '/var/lib/dpkg/info';
const known = new WeakMap<System, Map<string, string>>();

/** The package that brought a unit; undefined where none did. */
export function packageOf(system: System, path: string): string | undefined {
  const packages = known.get(system) ?? readPackages(system);
  known.set(system, packages);
  return packages.get(path.replace(/^\/usr\/lib\//, '/lib/'));
}

function readPackages(system: System): Map<string, string> {
  const packages = new Map<string, string>();
  for (const name of system.list(INFO)) {
    if (!name.endsWith('.list')) continue;
    const text = system.text(`${INFO}/${name}`) ?? '';
    if (!text.includes('/systemd/system/')) continue;
    for (const line of text.split('\n')) {
      if (line.includes('/lib/systemd/system/')) {
        packages.set(line.replace(/^\/usr\/lib\//, '/lib/'), name.slice(0, -'.list'.length).replace(/:\w+$/, ''));
      }
    }
  }
  return packages;
}
