import { messageOf, ResettleError } from '../../../common/errors.ts';
import { AREA_UNIT_TIMEOUT_MS } from '../../../common/limits.ts';
import type { AreaName } from '../base/names.ts';
import type { System } from '../base/system.ts';
import type { Area, Problem } from '../base/types.ts';
import type { Journal } from './journal.ts';
import type { Phase } from './steps.ts';
import type { AreaFailure } from './types.ts';

/** Stops and starts units, and lets areas make a running machine take notice. On any other machine it does nothing. */
export class Waker {
  readonly #system: System;
  readonly #areas: readonly Area[];
  readonly #journal: Journal;

  constructor(system: System, areas: readonly Area[], journal: Journal) {
    this.#system = system;
    this.#areas = areas;
    this.#journal = journal;
  }

  /** Stops the units that must not run while these areas are changed, where they do. Throws `failed`. */
  stopUnits(areas: ReadonlySet<AreaName>): void {
    if (!this.#system.isLive) return;
    const wanted = this.#areas.filter(({ name }) => areas.has(name)).flatMap(({ stops }) => stops ?? []);
    const stopped = new Set(this.#stopped());
    const units = [...new Set(wanted)].filter((unit) => !stopped.has(unit) && this.#isActive(unit));
    if (units.length === 0) return;
    this.#journal.note({ did: 'stopping', units });
    const problem = this.#systemctl('stop', units);
    if (problem) throw new ResettleError('failed', `${units.join(', ')} cannot be stopped: ${problem.why}`);
  }

  /** Starts what was stopped, by an earlier run too. */
  startUnits(): AreaFailure[] {
    const units = this.#stopped();
    if (units.length === 0 || !this.#system.isLive) return [];
    const problem = this.#systemctl('start', units);
    if (!problem) this.#journal.noteIfPossible({ did: 'started', units });
    const area = this.#areas.find(({ stops }) => stops?.includes(units[0]!));
    return problem && area ? [{ area: area.name, problems: [problem] }] : [];
  }

  /** In the order of a restore. `paths`: what was changed, by area. */
  activate(paths: ReadonlyMap<AreaName, ReadonlySet<string>>): AreaFailure[] {
    if (!this.#system.isLive) return [];
    const areas = this.#areas.filter(({ name, activate }) => activate && (paths.get(name)?.size ?? 0) > 0);
    if (areas.length === 0) return [];
    this.#journal.noteIfPossible({ did: 'waking', areas: areas.map(({ name }) => name) });
    return areas.flatMap((area): AreaFailure[] => {
      const problems = guarded(() => area.activate!(this.#system, paths.get(area.name)!));
      return problems.length > 0 ? [{ area: area.name, problems }] : [];
    });
  }

  /** Areas that the machine took notice of, in this run or an earlier one. */
  get woken(): ReadonlySet<AreaName> {
    return new Set(this.#journal.entries.flatMap((entry) => (entry.did === 'waking' ? entry.areas : [])));
  }

  #stopped(): string[] {
    const units = new Set<string>();
    for (const entry of this.#journal.entries) {
      if (entry.did === 'stopping') for (const unit of entry.units) units.add(unit);
      if (entry.did === 'started') for (const unit of entry.units) units.delete(unit);
    }
    return [...units];
  }

  #isActive(unit: string): boolean {
    return this.#system.run('systemctl', ['is-active', '--quiet', unit])?.status === 0;
  }

  #systemctl(verb: 'stop' | 'start', units: readonly string[]): Problem | undefined {
    const result = this.#system.run('systemctl', [verb, ...units], { timeoutMs: AREA_UNIT_TIMEOUT_MS });
    if (result?.status === 0) return undefined;
    const said = result?.stderr.trim().slice(0, 300) || 'systemctl does not answer';
    return { what: units.join(', '), why: `systemctl ${verb}: ${said}` };
  }
}

/** What an area says of the machine; an error of its own counts as a problem. */
export function guarded(ask: () => readonly Problem[]): readonly Problem[] {
  try {
    return ask();
  } catch (error) {
    return [{ what: 'its own check', why: messageOf(error).slice(0, 300) }];
  }
}

/** What areas changed in some phases, that stands. */
export function changedPaths(journal: Journal, phases: readonly Phase[]): Map<AreaName, Set<string>> {
  const paths = new Map<AreaName, Set<string>>();
  for (const step of journal.plan.steps) {
    if (!phases.includes(step.phase)) continue;
    for (const { area } of step.layers.slice(0, journal.levelOf(step) + 1)) {
      paths.set(area, (paths.get(area) ?? new Set()).add(step.path));
    }
  }
  return paths;
}
