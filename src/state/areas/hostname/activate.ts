import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { hostnameOf } from './own-name.ts';

/** The running kernel gets the name, and sshd its keys. */
export function activateHostname(system: System, changed: ReadonlySet<string>): Problem[] {
  const problems: Problem[] = [];
  const name = hostnameOf(system);
  if (changed.has('/etc/hostname') && name !== undefined) {
    const done = system.run('hostname', [name]) ?? system.run('hostnamectl', ['set-hostname', '--transient', name]);
    if (done?.status !== 0) {
      problems.push({
        what: `the name ${name}`,
        why: `${done?.stderr.trim().slice(0, 300) || 'it could not be set'}; it holds after the next start`,
      });
    }
  }
  if ([...changed].some((path) => path.startsWith('/etc/ssh/'))) {
    for (const unit of ['ssh.service', 'sshd.service']) {
      if (system.run('systemctl', ['is-active', '--quiet', unit])?.status !== 0) continue;
      const done = system.run('systemctl', ['reload-or-restart', unit]);
      if (done?.status !== 0)
        problems.push({ what: unit, why: done?.stderr.trim().slice(0, 300) || 'it was not reloaded' });
      break;
    }
  }
  return problems;
}
