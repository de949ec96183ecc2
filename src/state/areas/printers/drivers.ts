import type { System } from '../base/system.ts';
import { placeOf } from './programs.ts';
import type { Printer, Program } from './schema.ts';

/** What brings programs that queues need. */
export interface Driver {
  /** The package, or the program where nobody knows the package. */
  readonly name: string;
  readonly programs: readonly Program[];
  /** Names of the queues. */
  readonly queues: readonly string[];
}

/** Programs that captured queues need, together by what brings them. */
export function driversOf(printers: readonly Printer[]): Driver[] {
  const needs = printers.flatMap(({ name, programs }) => programs.map((program) => ({ queue: name, program })));
  const byName = Map.groupBy(needs, ({ program }) => program.package ?? program.name);
  return [...byName].map(([name, some]) => ({
    name,
    programs: [...new Map(some.map(({ program }) => [`${program.kind}/${program.name}`, program])).values()],
    queues: [...new Set(some.map(({ queue }) => queue))],
  }));
}

export const lacksOf = ({ programs }: Driver, system: System): Program[] =>
  programs.filter((program) => !placeOf(system, program));

export function missingDrivers(
  printers: readonly Printer[],
  system: System,
): { id: string; title: string; remedy: string }[] {
  return driversOf(printers).flatMap((driver) => {
    const lacks = lacksOf(driver, system);
    return lacks.length > 0
      ? [{ id: `driver:${driver.name}`, title: titleOf(driver), remedy: remedyOf(driver, lacks) }]
      : [];
  });
}

export const titleOf = ({ name }: Driver): string => `Printer driver ${name}`;

export function remedyOf({ name, queues }: Driver, lacks: readonly Program[]): string {
  const some = queues.length > 5 ? [...queues.slice(0, 5), `${queues.length - 5} more`] : queues;
  return `install ${name}: it brings ${lacks.map((program) => program.name).join(', ')} for ${some.join(', ')}`;
}
