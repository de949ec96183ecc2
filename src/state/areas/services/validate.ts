import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { unitOfPath } from './places.ts';
import { unitProblem } from './unit-file.ts';

/** Units as systemd reads them: a file that it would pass over is a problem. */
export function validateServices(system: System, changed?: ReadonlySet<string>): Problem[] {
  return [...(changed ?? [])].flatMap((path): Problem[] => {
    const of = unitOfPath(path);
    const text = of && system.facts(path)?.kind === 'file' ? system.text(path) : undefined;
    const why = text === undefined ? undefined : unitProblem(of?.isDropIn ? '' : (of?.unit ?? ''), text);
    return why === undefined ? [] : [{ what: path, why }];
  });
}
