import { type Change, isPlainPath } from './change.ts';
import type { AreaName } from './names.ts';
import { matchesPath } from './path-patterns.ts';
import type { PlannedSystem } from './planned-system.ts';
import type { System } from './system.ts';
import {
  type Area,
  type PlanAction,
  type PlanBuilder,
  type PlanItem,
  PRIVILEGED_EFFECTS,
  type PrivilegedEffect,
  type Wanted,
} from './types.ts';

/** Collects what one area plans, on the machine as earlier areas will leave it. */
export class ItemPlanner implements PlanBuilder {
  readonly items: PlanItem[] = [];
  readonly allowsPrivileged: boolean;
  readonly #area: AreaName;
  readonly #writes: readonly string[];
  readonly #planned: PlannedSystem;

  constructor(area: Pick<Area, 'name' | 'writes'>, planned: PlannedSystem, allowPrivileged: boolean) {
    this.#area = area.name;
    this.#writes = area.writes;
    this.#planned = planned;
    this.allowsPrivileged = allowPrivileged;
  }

  get system(): System {
    return this.#planned;
  }

  want(item: Wanted): boolean {
    const { id, title, effect } = item;
    const foreign = item.changes.find(({ path }) => !this.#mayWrite(path));
    if (foreign) {
      this.withhold(id, title, `${foreign.path} is nothing that this area changes`, effect);
      return false;
    }
    const changes = item.changes.filter((change) => !isDone(this.#planned, change));
    if (changes.length === 0) {
      this.same(id, title);
      return true;
    }
    if (!this.#planned.asRoot) {
      this.withhold(id, title, 'it needs root', effect);
      return false;
    }
    if (!this.#allows(item)) return false;
    for (const change of changes) this.#planned.plan(change);
    this.#add(id, title, item.action, item.detail, effect, changes);
    return true;
  }

  byFiles(item: Omit<Wanted, 'changes'>): boolean {
    if (!this.#allows(item)) return false;
    this.#add(item.id, item.title, item.action, item.detail, item.effect);
    return true;
  }

  keep(id: string, title: string, why: string): void {
    this.#add(id, title, 'keep', why);
  }

  ask(id: string, title: string, remedy: string): void {
    this.#add(id, title, 'ask', remedy);
  }

  withhold(id: string, title: string, why: string, effect?: PrivilegedEffect): void {
    this.#add(id, title, 'withhold', why, effect);
  }

  same(id: string, title: string): void {
    this.#add(id, title, 'same', 'it is there as captured');
  }

  #allows({ id, title, effect }: Omit<Wanted, 'changes'>): boolean {
    if (!effect || this.allowsPrivileged) return true;
    this.withhold(id, title, `${PRIVILEGED_EFFECTS[effect]}; --allow-privileged brings it`, effect);
    return false;
  }

  #mayWrite(path: string): boolean {
    return isPlainPath(path) && this.#writes.some((pattern) => matchesPath(pattern, path));
  }

  #add(
    id: string,
    title: string,
    action: PlanAction,
    detail: string,
    effect?: PrivilegedEffect,
    changes: readonly Change[] = [],
  ): void {
    this.items.push({ area: this.#area, id, title, action, detail, ...(effect && { effect }), changes });
  }
}

/** Whether a change would change nothing. */
export function isDone(system: System, change: Change): boolean {
  const facts = system.facts(change.path);
  if (change.kind === 'remove') return facts === undefined;
  if (!facts) return false;
  if (change.kind === 'folder') return facts.kind === 'folder';
  if (change.kind === 'link') return facts.kind === 'link' && system.readLink(change.path) === change.target;
  const { mode, uid, gid } = change;
  const isSet = facts.kind !== 'link' && facts.mode === mode && facts.uid === uid && facts.gid === gid;
  if (change.kind === 'metadata') return isSet;
  return isSet && facts.kind === 'file' && system.read(change.path)?.equals(change.content) === true;
}
