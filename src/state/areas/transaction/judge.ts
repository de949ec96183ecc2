import type { AreaName } from '../base/names.ts';
import type { System } from '../base/system.ts';
import type { Area, Problem } from '../base/types.ts';
import type { AreaFailure } from './types.ts';
import { guarded } from './wake.ts';

/** Judges the machine by its areas' own means, beside what they said of it before anything was changed. */
export class Judge {
  readonly #system: System;
  readonly #changed: ReadonlySet<string>;
  readonly #areas: readonly Area[];
  readonly #before = new Map<AreaName, readonly Problem[]>();

  /** `changed`: the paths that will be. Asks at once what is wrong already: a machine that was not right is no reason to take something back. */
  constructor(system: System, areas: readonly Area[], changed: ReadonlySet<string>) {
    this.#system = system;
    this.#changed = changed;
    this.#areas = areas.filter(({ validate }) => validate);
    for (const area of this.#areas) this.#before.set(area.name, this.#ask(area));
  }

  /** What was wrong before. */
  get wasWrong(): AreaFailure[] {
    return [...this.#before].flatMap(([area, problems]) => (problems.length > 0 ? [{ area, problems }] : []));
  }

  /** Areas of these that find something wrong that was right before. */
  failures(names: ReadonlySet<AreaName>): AreaFailure[] {
    return this.#areas
      .filter(({ name }) => names.has(name))
      .flatMap((area): AreaFailure[] => {
        const known = new Set(this.#before.get(area.name)!.map(key));
        const problems = this.#ask(area).filter((problem) => !known.has(key(problem)));
        return problems.length > 0 ? [{ area: area.name, problems }] : [];
      });
  }

  #ask(area: Area): readonly Problem[] {
    return guarded(() => area.validate!(this.#system, this.#changed));
  }
}

const key = ({ what, why }: Problem) => `${what}\0${why}`;
