import { PlannedSystem } from './planned-system.ts';
import type { System } from './system.ts';

/**
 * A machine as it was before an unfinished restore made these folders: they are root's until it ends, and would look like
 * somebody else's to the run that goes on.
 */
export function asBefore(system: System, made: readonly string[]): System {
  const before = new PlannedSystem(system);
  for (const path of made) if (system.facts(path)?.uid === 0) before.plan({ kind: 'remove', path });
  return before;
}
