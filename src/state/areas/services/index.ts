import { defineArea } from '../base/define-area.ts';
import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { captureServices } from './capture.ts';
import { checkServices } from './check.ts';
import { SERVICES_WRITES } from './places.ts';
import { planServices } from './plan.ts';
import { type ServicesContent, servicesContent } from './schema.ts';
import { ETC } from './units.ts';
import { validateServices } from './validate.ts';

/** What starts with the machine and no package decided: units, drop-ins, scripts, and what is enabled or not. */
export const servicesArea = defineArea<ServicesContent>({
  name: 'services',
  version: 1,
  schema: servicesContent,
  writes: SERVICES_WRITES,
  capture: captureServices,
  plan: planServices,
  check: checkServices,
  validate: validateServices,
  activate,
});

/** systemd reads its files again; nothing is started, that is for the next boot. */
function activate(system: System, changed: ReadonlySet<string>): Problem[] {
  if (!system.isLive || ![...changed].some((path) => path.startsWith(`${ETC}/`))) return [];
  const result = system.run('systemctl', ['daemon-reload']);
  if (!result || result.status === 0) return [];
  return [{ what: 'systemctl daemon-reload', why: result.stderr.trim() || 'it failed' }];
}
