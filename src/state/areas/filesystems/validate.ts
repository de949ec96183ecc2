import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { parseFstab } from './fstab.ts';

const FSTAB = '/etc/fstab';

/** What mount would not take of fstab. `before`: the machine before the changes; what was wrong then is left out. */
export function validateFilesystems(system: System, before?: System): Problem[] {
  const known = new Set(before ? problemsIn(before) : []);
  return problemsIn(system)
    .filter((why) => !known.has(why))
    .map((why) => ({ what: FSTAB, why }));
}

function problemsIn(system: System): string[] {
  const text = system.text(FSTAB) ?? '';
  const { badLines, entries } = parseFstab(text);
  const own = badLines.map(
    (line) => `the fields of this line are not whole: ${text.split('\n')[line - 1]?.slice(0, 100)}`,
  );
  const wrong = entries.filter(({ path }) => !path.startsWith('/') && path !== 'none' && path !== 'swap');
  return [...own, ...wrong.map(({ path }) => `${path.slice(0, 100)} is no mount point`), ...byFindmnt(system, text)];
}

/** The system's own judge. Whether disks and folders are there is its business only where the system runs. */
function byFindmnt(system: System, text: string): string[] {
  const { stdout = '', status } =
    system.run('findmnt', ['--verify', '--tab-file', '/dev/stdin'], { input: text }) ?? {};
  if (status === 0) return [];
  let place = '';
  return stdout.split('\n').flatMap((line) => {
    const error = /^\s+\[E\] (.*)$/.exec(line)?.[1];
    if (error === undefined) {
      if (/^\S/.test(line)) place = line.trim();
      return [];
    }
    return /^unreachable/.test(error) ? [] : [`${place}: ${error}`];
  });
}
