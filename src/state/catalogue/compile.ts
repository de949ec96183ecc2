import { Globs } from './globs.ts';
import { type Pattern, parsePattern } from './pattern.ts';
import type { CatalogueRule } from './schema.ts';

/** What of a rule decides about paths: plain data, fit for a worker's message. */
export type PathRule = Pick<CatalogueRule, 'id' | 'kind' | 'include' | 'exclude' | 'never'>;

export type Action = 'include' | 'exclude' | 'never';

/** What a pattern says of the place that it names. */
export interface Claim {
  /** Empty where no rule says it: a home, a root of an area, a path that was given by hand. */
  readonly rule: string;
  readonly kind: CatalogueRule['kind'] | 'home' | 'root' | 'path';
  readonly pattern: string;
  /** `whole`: no rule holds there and beneath. */
  readonly action: Action | 'whole';
  readonly plain: number;
  readonly partial: number;
}

/** A node of the tree of patterns' names. */
export interface PatternNode {
  readonly names: Map<string, PatternNode>;
  /** Undefined where no name has a `*`. */
  globs: Globs<PatternNode> | undefined;
  /** The node behind a `**`, which stays on the way down. */
  deep: PatternNode | undefined;
  isDeep: boolean;
  readonly claims: Claim[];
  /** A home begins here. */
  isHome: boolean;
  /** Something beneath is taken though a folder above it is excluded: an include, a root, a home, a path given by hand. */
  holdsTaken: boolean;
  /** The same for what `never` does not hold back. */
  holdsWhole: boolean;
}

/** Patterns as trees: those from `/` on, and those of every home. */
export interface CompiledRules {
  readonly top: PatternNode;
  readonly home: PatternNode;
}

export interface Places {
  /** Homes, absolute, as bytes: `~` of the patterns. */
  readonly homes: readonly Uint8Array[];
  /** Paths that areas take: what is beneath is taken unless a rule says otherwise. */
  readonly roots?: readonly Uint8Array[];
  /** Paths that were given by hand: taken whole. */
  readonly whole?: readonly Uint8Array[];
}

/** Builds the trees. The order of rules and of their patterns does not matter. */
export function compileRules(rules: readonly PathRule[], places: Places): CompiledRules {
  const compiled = { top: newNode(), home: newNode() };
  for (const rule of rules) {
    for (const action of ['include', 'exclude', 'never'] as const) {
      for (const text of rule[action]) addPattern(compiled, rule, action, text);
    }
  }
  for (const path of places.homes) {
    const node = addPlace(compiled.top, path, 'home', 'include');
    node.isHome = true;
  }
  for (const path of places.roots ?? []) addPlace(compiled.top, path, 'root', 'include');
  for (const path of places.whole ?? []) addPlace(compiled.top, path, 'path', 'whole');
  return compiled;
}

function addPattern(compiled: CompiledRules, { id, kind }: PathRule, action: Action, text: string): void {
  const pattern = parsePattern(text);
  const { plain, partial } = pattern;
  const claim: Claim = { rule: id, kind, pattern: text, action, plain, partial };
  follow(pattern.isOfHomes ? compiled.home : compiled.top, pattern.names, action === 'include', false).claims.push(
    claim,
  );
}

function addPlace(top: PatternNode, path: Uint8Array, kind: 'home' | 'root' | 'path', action: 'include' | 'whole') {
  const names = namesOfPlace(path);
  const node = follow(
    top,
    names.map((name) => ({ pieces: [name] })),
    true,
    action === 'whole',
  );
  const pattern = `/${names.join('/')}`;
  node.claims.push({ rule: '', kind, pattern, action, plain: names.length, partial: 0 });
  return node;
}

/** Names of a path as the bytes that they are. */
export function namesOfPlace(path: Uint8Array): string[] {
  return Buffer.from(path)
    .toString('latin1')
    .split('/')
    .filter((name) => name !== '' && name !== '.');
}

/** The node that names lead to, made where it is not there; on the way it is written down what lies beneath. */
function follow(from: PatternNode, names: Pattern['names'], takes: boolean, isWhole: boolean): PatternNode {
  let node = from;
  const mark = () => {
    node.holdsTaken ||= takes;
    node.holdsWhole ||= isWhole;
  };
  for (const name of names) {
    mark();
    node = stepOf(node, name);
  }
  return node;
}

function stepOf(node: PatternNode, name: Pattern['names'][number]): PatternNode {
  if (name === 'deep') {
    node.deep ??= { ...newNode(), isDeep: true };
    return node.deep;
  }
  const { pieces } = name;
  if (pieces.length === 1) {
    const plain = pieces[0]!;
    const next = node.names.get(plain) ?? newNode();
    node.names.set(plain, next);
    return next;
  }
  node.globs ??= new Globs();
  return node.globs.nodeOf(pieces, newNode);
}

function newNode(): PatternNode {
  return {
    names: new Map(),
    globs: undefined,
    deep: undefined,
    isDeep: false,
    claims: [],
    isHome: false,
    holdsTaken: false,
    holdsWhole: false,
  };
}
