import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';

/** Units, device rules and the console's keyboard are read again; logind's settings hold from the next start. */
export function activateTtys(system: System, changed: ReadonlySet<string>): Problem[] {
  const has = (start: string) => [...changed].some((path) => path.startsWith(start));
  return [
    ...(has('/etc/systemd/system/') ? asked(system, 'systemctl', ['daemon-reload']) : []),
    ...(has('/etc/udev/rules.d/') ? asked(system, 'udevadm', ['control', '--reload']) : []),
    // Elsewhere than on a console it has nothing to set; the next start does it.
    ...(has('/etc/default/keyboard') || has('/etc/default/console-setup') ? ignored(system, 'setupcon', []) : []),
  ];
}

function asked(system: System, tool: string, args: readonly string[]): Problem[] {
  const said = system.run(tool, args);
  if (said?.status === 0) return [];
  const why = said ? said.stderr.trim().slice(0, 300) : 'it is not installed';
  return [{ what: [tool, ...args].join(' '), why: `${why}; it holds from the next start` }];
}

function ignored(system: System, tool: string, args: readonly string[]): Problem[] {
  system.run(tool, args);
  return [];
}
