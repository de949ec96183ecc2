import { defineArea } from '../base/define-area.ts';
import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { captureServices } from './capture.ts';
import { checkServices } from './check.ts';
import { SERVICES_WRITES, unitOfPath } from './places.ts';
import { planServices } from './plan.ts';
import { type ServicesContent, servicesContent } from './schema.ts';
import { unitProblem } from './unit-file.ts';
import { ETC } from './units.ts';

/** What starts with the machine and no package decided: units, drop-ins, scripts, and what is enabled or not. */
export const servicesArea = defineArea<ServicesContent>({
  name: 'services',
  version: 1,
  schema: servicesContent,
  writes: SERVICES_WRITES,
  capture: captureServices,
  plan: planServices,
  check: checkServices,
  validate,
  activate,
});

/** Units as systemd reads them: a file that it would pass over is a problem. */
function validate(system: System, changed?: ReadonlySet<string>): Problem[] {
  return [...(changed ?? [])].flatMap((path): Problem[] => {
    const of = unitOfPath(path);
    const text = of && system.facts(path)?.kind === 'file' ? system.text(path) : undefined;
    const why = text === undefined ? undefined : unitProblem(of?.isDropIn ? '' : (of?.unit ?? ''), text);
    return why === undefined ? [] : [{ what: path, why }];
  });
}

/** systemd reads its files again; nothing is started, that is for the next boot. */
function activate(system: System, changed: ReadonlySet<string>): Problem[] {
  if (!system.isLive || ![...changed].some((path) => path.startsWith(`${ETC}/`))) return [];
  const result = system.run('systemctl', ['daemon-reload']);
  if (!result || result.status === 0) return [];
  return [{ what: 'systemctl daemon-reload', why: result.stderr.trim() || 'it failed' }];
}
