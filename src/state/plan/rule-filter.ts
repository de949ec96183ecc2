import { LEFT_BY_RULE_EXAMPLES } from '../../common/limits.ts';
import type { PathRule } from '../catalogue/compile.ts';
import { RuleWalk, type WalkState } from '../catalogue/rule-walk.ts';
import type { FolderPath } from '../format/index.ts';
import { showPath } from '../fs/show-path.ts';
import { distinctRoots, namesOfPath, pathOfNames } from './roots.ts';

/** What areas take of a machine's files, and by which rules: plain data, fit for a worker's message. */
export interface RuleFilter {
  /** Roots of areas: absolute paths as the captured machine has them, as bytes. One that is not there is left out. */
  readonly roots: readonly Uint8Array[];
  /** What `~` of a pattern stands for: homes, captured or not. */
  readonly homes: readonly Uint8Array[];
  readonly rules: readonly PathRule[];
}

/** What a scan goes over. */
export interface Selection {
  /** In order, none inside another. */
  readonly roots: readonly FolderPath[];
  /** Undefined: everything beneath the roots. */
  readonly walk?: RuleWalk | undefined;
  /** Given by hand, inside a root: they have to be there too, and are taken whole. */
  readonly inner?: readonly FolderPath[];
}

/** `paths` are those given by hand. Throws `usage` for one that is no absolute path. */
export function select(paths: readonly Uint8Array[], filter: RuleFilter | undefined): Selection {
  const roots = distinctRoots([...paths, ...(filter?.roots ?? [])]);
  if (!filter) return { roots };
  const walk = new RuleWalk(filter.rules, { ...filter, whole: paths });
  const isRoot = (path: FolderPath) => roots.some((root) => pathOfNames(root).equals(pathOfNames(path)));
  return { roots, walk, inner: paths.map(namesOfPath).filter((path) => !isRoot(path)) };
}

/** Where no rule holds: all is taken. */
export const EVERYTHING: WalkState = { isTaken: true, by: undefined, mayHoldTaken: true };

/** What one rule left out of a capture. */
export interface LeftByRule {
  /** Id of a rule of the catalogue. */
  readonly rule: string;
  readonly kind: PathRule['kind'];
  /** A folder counts as one, whatever is in it. */
  items: number;
  /** Some of them, for people. */
  readonly examples: string[];
}

/** Counts what rules leave out. */
export class LeftByRules {
  readonly #byRule = new Map<string, LeftByRule>();

  add(path: FolderPath, name: Uint8Array, { by }: WalkState): void {
    // Beneath a root something always holds; a home, a root and a path that was given leave nothing out.
    if (!by || by.kind === 'home' || by.kind === 'root' || by.kind === 'path') return;
    const { rule, kind } = by;
    let left = this.#byRule.get(rule);
    if (!left) {
      left = { rule, kind, items: 0, examples: [] };
      this.#byRule.set(rule, left);
    }
    left.items += 1;
    if (left.examples.length < LEFT_BY_RULE_EXAMPLES) left.examples.push(showPath(pathOfNames([...path, name])));
  }

  /** Those that left out most first. */
  get(): LeftByRule[] {
    return [...this.#byRule.values()].sort((a, b) => b.items - a.items || (a.rule < b.rule ? -1 : 1));
  }
}
