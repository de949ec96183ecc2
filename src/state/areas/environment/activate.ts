import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { isZone, LOCALTIME, readTimeZone } from './time-zone.ts';

/** Kernel settings hold from now on; all else is read by the next session. */
export function activateEnvironment(system: System, changed: ReadonlySet<string>): Problem[] {
  const files = [...changed].filter((path) => /^\/etc\/sysctl(\.conf$|\.d\/[^/]+\.conf$)/.test(path)).sort();
  return files.flatMap((path): Problem[] => {
    const said = system.run('sysctl', ['-e', '-q', '-p', path]);
    if (said?.status === 0) return [];
    return [
      {
        what: path,
        why: said ? said.stderr.trim().slice(0, 300) : 'sysctl is not installed; it holds from the next start',
      },
    ];
  });
}

export function validateEnvironment(system: System): Problem[] {
  const zone = readTimeZone(system);
  if (zone === undefined || system.readLink(LOCALTIME) === undefined || isZone(system, zone)) return [];
  return [{ what: LOCALTIME, why: `the time zone ${zone} is not known here` }];
}
