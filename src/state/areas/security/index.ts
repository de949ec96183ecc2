import { defineArea } from '../base/define-area.ts';
import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { captureSecurity } from './capture.ts';
import { checkSecurity } from './check.ts';
import { SECURITY_WRITES } from './kinds.ts';
import { planSecurity } from './plan.ts';
import { type SecurityContent, securityContent } from './schema.ts';
import { validateSecurity } from './validate.ts';

/** Who may do what: sudo, polkit, authorities, the firewall, ssh. Restored only where it is asked for. */
export const securityArea = defineArea<SecurityContent>({
  name: 'security',
  version: 1,
  schema: securityContent,
  writes: SECURITY_WRITES,
  capture: captureSecurity,
  plan: planSecurity,
  check: checkSecurity,
  validate: validateSecurity,
  activate,
});

/** sshd reads its settings again, and keeps the sessions that are open. A firewall changes with the next boot, or by hand. */
function activate(system: System, changed: ReadonlySet<string>): Problem[] {
  if (!system.isLive || ![...changed].some((path) => path.startsWith('/etc/ssh/sshd_config'))) return [];
  const result = system.run('systemctl', ['try-reload-or-restart', 'ssh.service']);
  if (!result || result.status === 0) return [];
  return [{ what: 'systemctl try-reload-or-restart ssh.service', why: result.stderr.trim() || 'it failed' }];
}
