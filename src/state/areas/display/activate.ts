import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { SERVICE } from './session.ts';

/** The accounts service keeps what it once read; monitors and timeouts are read by the next session. */
export function activateDisplay(system: System, changed: ReadonlySet<string>): Problem[] {
  if (![...changed].some((path) => path.startsWith(`${SERVICE}/`))) return [];
  const said = system.run('systemctl', ['try-restart', 'accounts-daemon.service']);
  if (said === undefined || said.status === 0) return [];
  return [{ what: 'accounts-daemon.service', why: said.stderr.trim().slice(0, 300) }];
}
