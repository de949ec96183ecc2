import {
  type Claim,
  type CompiledRules,
  compileRules,
  namesOfPlace,
  type PathRule,
  type PatternNode,
  type Places,
} from './compile.ts';

/**
 * Where a walk stands among the rules. The claim that holds is one of the deepest place on the way that any pattern names:
 * of several there, the one with more plain names, then with more names of which a part is plain; a tie excludes. `never`
 * holds for all beneath it.
 */
export interface WalkState {
  readonly isTaken: boolean;
  /** What decided; undefined above all roots. */
  readonly by: Claim | undefined;
  /** It is not taken, but something beneath it may be. */
  readonly mayHoldTaken: boolean;
}

interface State extends WalkState {
  readonly nodes: readonly PatternNode[];
  /** No rule holds from here on. */
  readonly isWhole: boolean;
  /** What names come to that no pattern knows here. */
  rest: State | undefined;
}

const NO_NODES: readonly PatternNode[] = [];
const NO_CLAIMS: readonly Claim[] = [];

/** Says of each item of a walk whether the rules take it. Names are bytes as Latin-1 strings. */
export class RuleWalk {
  readonly #compiled: CompiledRules;
  readonly #top: State;
  /** Used again by each look. */
  readonly #found: PatternNode[] = [];

  constructor(rules: readonly PathRule[], places: Places) {
    this.#compiled = compileRules(rules, places);
    const { top, home } = this.#compiled;
    const nodes = top.isHome ? [top, home] : [top];
    this.#top = stateOf(undefined, withDeep(nodes, NO_NODES), claimsOf(nodes));
  }

  /** The state of a path, absolute, as bytes. */
  at(path: Uint8Array): WalkState {
    let state: WalkState = this.#top;
    for (const name of namesOfPlace(path)) state = this.enter(state, name);
    return state;
  }

  /** The state of a name in the folder of another state. */
  enter(from: WalkState, name: string): WalkState {
    const state = from as State;
    if (state.isWhole) return state;
    const reached = this.#reached(state.nodes, name);
    if (reached.length === 0) {
      state.rest ??= stateOf(state, state.nodes.filter(isDeep), NO_CLAIMS);
      return state.rest;
    }
    return stateOf(state, withDeep(reached, state.nodes), claimsOf(reached));
  }

  /** Every claim on a path or on what it lies in, the one that holds first: for `plan --explain`. */
  claims(path: Uint8Array): Claim[] {
    const { top, home } = this.#compiled;
    const found = [claimsOf(top.isHome ? [top, home] : [top])];
    let nodes = this.#top.nodes;
    for (const name of namesOfPlace(path)) {
      const reached = this.#reached(nodes, name);
      found.push(claimsOf(reached).sort(compareClaims));
      nodes = withDeep(reached, nodes);
    }
    const all = found.reverse().flat();
    const { by } = this.at(path);
    return by ? [by, ...all.filter((claim) => claim !== by)] : all;
  }

  /** Nodes that a name leads to: at a home, where the patterns of homes begin too. Most names lead to none. */
  #reached(from: readonly PatternNode[], name: string): readonly PatternNode[] {
    const reached = this.#found;
    reached.length = 0;
    for (const node of from) {
      const plain = node.names.get(name);
      if (plain) reached.push(plain);
      node.globs?.collect(name, reached);
    }
    if (reached.length === 0) return NO_NODES;
    return reached.some((node) => node.isHome) ? [...reached, this.#compiled.home] : [...reached];
  }
}

const isDeep = (node: PatternNode): boolean => node.isDeep;

const claimsOf = (nodes: readonly PatternNode[]): Claim[] => nodes.flatMap((node) => node.claims);

/** What was reached, the `**` behind it, and the `**` that go on from above. */
function withDeep(reached: readonly PatternNode[], above: readonly PatternNode[]): readonly PatternNode[] {
  return [...new Set([...reached, ...reached.flatMap(({ deep }) => (deep ? [deep] : [])), ...above.filter(isDeep)])];
}

function stateOf(from: State | undefined, nodes: readonly PatternNode[], claims: readonly Claim[]): State {
  const strongest = strongestOf(claims);
  if (strongest?.action === 'whole') {
    return { isTaken: true, by: strongest, mayHoldTaken: true, isWhole: true, nodes: NO_NODES, rest: undefined };
  }
  const isHeldBack = from?.by?.action === 'never';
  const by = isHeldBack ? from.by : (strongest ?? from?.by);
  const isTaken = by?.action === 'include';
  const mayHoldTaken = isTaken || nodes.some((node) => (by?.action === 'never' ? node.holdsWhole : node.holdsTaken));
  return { isTaken, by, mayHoldTaken, isWhole: false, nodes, rest: undefined };
}

function strongestOf(claims: readonly Claim[]): Claim | undefined {
  let strongest = claims[0];
  for (const claim of claims) if (compareClaims(claim, strongest!) < 0) strongest = claim;
  return strongest;
}

const RANK = { whole: 0, never: 1, exclude: 2, include: 3 } as const;

/** Of claims on one place, the one that holds first. Beyond what decides, an order that does not depend on the rules'. */
function compareClaims(a: Claim, b: Claim): number {
  return (
    Math.min(RANK[a.action], RANK.exclude) - Math.min(RANK[b.action], RANK.exclude) ||
    b.plain - a.plain ||
    b.partial - a.partial ||
    RANK[a.action] - RANK[b.action] ||
    compare(a.rule, b.rule) ||
    compare(a.pattern, b.pattern)
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
