import type { Claim, PathRule, Places } from './compile.ts';
import { RuleWalk } from './rule-walk.ts';

/** Which rule decided about a path, in words. */
export interface Explanation {
  readonly isTaken: boolean;
  /** What holds. */
  readonly because: string;
  /** What was said of the path or of a folder above it too, what would hold next first. */
  readonly others: readonly string[];
}

/** Says for `plan --explain PATH` which pattern of which rule decided about an absolute path, as bytes. */
export function explainPath(rules: readonly PathRule[], places: Places, path: Uint8Array): Explanation {
  const walk = new RuleWalk(rules, places);
  const { isTaken } = walk.at(path);
  const [first, ...others] = walk.claims(path);
  const because = first ? describe(first) : 'no area takes it, and no rule includes it';
  return { isTaken, because, others: others.map(describe) };
}

const DOES = {
  include: 'includes',
  exclude: 'excludes',
  never: 'never takes',
  whole: 'takes',
} as const;

function describe({ rule, kind, pattern, action }: Claim): string {
  // Places are bytes as Latin-1; patterns are text as their file has it.
  const shown = rule === '' ? Buffer.from(pattern, 'latin1').toString('utf8') : pattern;
  if (kind === 'home') return `${shown} is a home: all in it is taken that no rule excludes`;
  if (kind === 'root') return `${shown} is what an area takes: all in it that no rule excludes`;
  if (kind === 'path') return `${shown} was given by hand: it is taken whole`;
  const sort = kind === 'general' ? 'general rule' : 'rule';
  return `${sort} "${rule}" ${DOES[action]} ${shown}`;
}
