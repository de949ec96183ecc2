import { isPlainPath } from '../base/change.ts';
import { ItemPlanner, isDone } from '../base/item-planner.ts';
import type { AreaName } from '../base/names.ts';
import { matchesPath } from '../base/path-patterns.ts';
import type { PlannedSystem } from '../base/planned-system.ts';
import type { System } from '../base/system.ts';
import type { Area, PlanBuilder, PrivilegedEffect, Wanted } from '../base/types.ts';
import { differenceOf } from './difference.ts';
import type { StepPlanner } from './step-planner.ts';
import type { AreasPlanItem } from './types.ts';

/** Plans one area's items as `ItemPlanner` does, refuses what has no good place, and notes steps and differences. */
export class CheckedPlanner implements PlanBuilder {
  readonly items: AreasPlanItem[] = [];
  readonly #area: AreaName;
  readonly #writes: readonly string[];
  readonly #inner: ItemPlanner;
  readonly #planned: PlannedSystem;
  readonly #steps: StepPlanner;

  constructor(area: Area, planned: PlannedSystem, steps: StepPlanner, allowPrivileged: boolean) {
    this.#area = area.name;
    this.#writes = area.writes;
    this.#inner = new ItemPlanner(area, planned, allowPrivileged);
    this.#planned = planned;
    this.#steps = steps;
  }

  get system(): System {
    return this.#planned;
  }

  want(item: Wanted): boolean {
    // What the area may not change at all is for the inner planner to refuse: nothing there is even looked at.
    const changes = item.changes.every(({ path }) => this.#mayWrite(path))
      ? item.changes.filter((change) => !isDone(this.#planned, change))
      : [];
    const reason = this.#planned.asRoot ? this.#steps.reasonAgainst(changes) : undefined;
    const difference = differenceOf(changes, this.#planned);
    if (reason !== undefined) this.#inner.withhold(item.id, item.title, reason, item.effect);
    const isWanted = reason === undefined && this.#inner.want(item);
    this.#take(difference);
    return isWanted;
  }

  get allowsPrivileged(): boolean {
    return this.#inner.allowsPrivileged;
  }

  byFiles(item: Omit<Wanted, 'changes'>): boolean {
    const isWanted = this.#inner.byFiles(item);
    this.#take();
    return isWanted;
  }

  keep(id: string, title: string, why: string): void {
    this.#inner.keep(id, title, why);
    this.#take();
  }

  ask(id: string, title: string, remedy: string): void {
    this.#inner.ask(id, title, remedy);
    this.#take();
  }

  withhold(id: string, title: string, why: string, effect?: PrivilegedEffect): void {
    this.#inner.withhold(id, title, why, effect);
    this.#take();
  }

  same(id: string, title: string): void {
    this.#inner.same(id, title);
    this.#take();
  }

  #mayWrite(path: string): boolean {
    return isPlainPath(path) && this.#writes.some((pattern) => matchesPath(pattern, path));
  }

  #take(difference: readonly string[] = []): void {
    const { changes, ...item } = this.#inner.items.at(-1)!;
    for (const change of changes) this.#steps.add(this.#area, change);
    this.items.push({ ...item, paths: changes.map(({ path }) => path), difference });
  }
}
