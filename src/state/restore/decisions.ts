import { damaged } from '../format/damaged.ts';
import { GroupMarks } from '../format/group-marks.ts';
import type { GivenHead } from './apply-metadata.ts';
import {
  type Decision,
  type DecisionWriter,
  type FolderDecision,
  type FormerMetadata,
  type ItemDecision,
  type Numbered,
  readDecisions,
} from './decision-log.ts';

/** Gives the decision of every folder and item, in the order of the manifest. */
export interface Decisions {
  folder(parent: number, name: Uint8Array, isBase: boolean, given: GivenHead | undefined): Numbered<FolderDecision>;
  /** `item`: as it was captured. */
  item(item: Omit<ItemDecision, 'action'>): Numbered<ItemDecision>;
  /** Whether a hard link of that group is made. */
  needs(group: number): boolean;
  close(): void;
}

/** Where nothing is in the way, everything is made: decided, and written down, on the way. */
export class FreshDecisions implements Decisions {
  readonly #writer: DecisionWriter;
  readonly #base: FormerMetadata;

  /** `base`: what the empty target has. */
  constructor(writer: DecisionWriter, base: FormerMetadata) {
    this.#writer = writer;
    this.#base = base;
  }

  folder(parent: number, name: Uint8Array, isBase: boolean, given: GivenHead | undefined): Numbered<FolderDecision> {
    const former = isBase ? this.#base : undefined;
    const action = isBase ? 'merge' : 'create';
    const decision = { kind: 'folder', action, parent, name, isBase, given, former } as const;
    return { ...decision, number: this.#writer.folder(decision) };
  }

  item(item: Omit<ItemDecision, 'action'>): Numbered<ItemDecision> {
    const decision = { ...item, action: 'create' } as const;
    return { ...decision, number: this.#writer.item(decision) };
  }

  needs(): boolean {
    return true;
  }

  close(): void {}
}

/** Reads what was decided before anything was changed. */
export class PlannedDecisions implements Decisions {
  readonly #decisions: Generator<Numbered<Decision>, void>;
  readonly #needed = new GroupMarks();

  constructor(plan: string) {
    for (const decision of readDecisions(plan)) {
      if (decision.kind === 'hardlink' && isMade(decision)) this.#needed.add(decision.group);
    }
    this.#decisions = readDecisions(plan);
  }

  folder(parent: number): Numbered<FolderDecision> {
    const decision = this.#next();
    if (decision.kind !== 'folder' || decision.parent !== parent) throw notThisPlan();
    return decision;
  }

  item({ kind, folder }: Omit<ItemDecision, 'action'>): Numbered<ItemDecision> {
    const decision = this.#next();
    if (decision.kind !== kind || decision.folder !== folder) throw notThisPlan();
    return decision as Numbered<ItemDecision>;
  }

  needs(group: number): boolean {
    return this.#needed.has(group);
  }

  close(): void {
    this.#decisions.return();
  }

  #next(): Numbered<Decision> {
    const next = this.#decisions.next();
    if (next.done) throw notThisPlan();
    return next.value;
  }
}

const notThisPlan = () => damaged('the plan of this restore is not one of this snapshot');

/** Whether something is brought into its place. */
export const isMade = ({ action }: Pick<ItemDecision, 'action'>) =>
  action === 'create' || action === 'replace' || action === 'keep-both';
