import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';

/** Has the daemons that run read what was changed. No connection that is up is taken down here. */
export function activateNetwork(system: System, changed: ReadonlySet<string>): Problem[] {
  const isChanged = (...folders: readonly string[]): boolean =>
    [...changed].some((path) => folders.some((folder) => path === folder || path.startsWith(`${folder}/`)));
  const problems: Problem[] = [];
  const run = (tool: string, ...args: readonly string[]): void => {
    const done = system.run(tool, args);
    if (!done || done.status === 0) return;
    const why = (done.stderr || done.stdout).trim().slice(0, 500) || `it ended with ${done.status}`;
    problems.push({ what: [tool, ...args].join(' '), why });
  };
  const isActive = (unit: string): boolean => system.run('systemctl', ['is-active', '--quiet', unit])?.status === 0;
  const byNetplan = isChanged('/etc/netplan');
  if (byNetplan) run('netplan', 'generate');
  const networkManagerRuns = system.run('nmcli', ['-t', '-f', 'RUNNING', 'general'])?.stdout.trim() === 'running';
  if (networkManagerRuns && isChanged('/etc/NetworkManager/NetworkManager.conf', '/etc/NetworkManager/conf.d')) {
    run('nmcli', 'general', 'reload', 'conf');
  }
  if (networkManagerRuns && (byNetplan || isChanged('/etc/NetworkManager/system-connections'))) {
    run('nmcli', 'connection', 'reload');
  }
  if ((byNetplan || isChanged('/etc/systemd/network')) && isActive('systemd-networkd')) run('networkctl', 'reload');
  if (isChanged('/etc/systemd/resolved.conf', '/etc/systemd/resolved.conf.d') && isActive('systemd-resolved')) {
    run('systemctl', 'restart', 'systemd-resolved');
  }
  return problems;
}
