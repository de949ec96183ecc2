import { join } from 'node:path';
import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { readHostKeys } from './host-keys.ts';
import { HostsFile } from './hosts-file.ts';
import { hostnameOf } from './own-name.ts';

/** `before`: the machine before the changes; what was wrong then is left out. */
export function validateHostname(system: System, before?: System): Problem[] {
  const known = new Set((before ? problemsOf(before) : []).map(({ what, why }) => `${what} ${why}`));
  return problemsOf(system).filter(({ what, why }) => !known.has(`${what} ${why}`));
}

function problemsOf(system: System): Problem[] {
  const problems: Problem[] = [];
  if (system.text('/etc/hostname')?.trim() && hostnameOf(system) === undefined) {
    problems.push({ what: '/etc/hostname', why: 'it holds no host name' });
  }
  const { badLines } = HostsFile.parse(system.text('/etc/hosts') ?? '');
  if (badLines.length > 0)
    problems.push({ what: '/etc/hosts', why: `${badLines.length} lines are no address with names` });
  return [...problems, ...keyProblems(system)];
}

/** ssh-keygen opens each private half and says whether the public one is of it. */
function keyProblems(system: System): Problem[] {
  if (!system.asRoot) return [];
  const keys = readHostKeys(system, []).filter(({ path }) => path.endsWith('_key'));
  return keys.flatMap(({ path }): Problem[] => {
    const made = system.run('ssh-keygen', ['-y', '-P', '', '-f', join(system.root, path)]);
    if (!made) return [];
    if (made.status !== 0)
      return [{ what: path, why: made.stderr.trim().slice(0, 300) || 'ssh-keygen cannot open it' }];
    const half = (text: string | undefined): string => text?.trim().split(/\s+/).slice(0, 2).join(' ') ?? '';
    const there = half(system.text(`${path}.pub`));
    return there === '' || there === half(made.stdout) ? [] : [{ what: `${path}.pub`, why: `it is not of ${path}` }];
  });
}
