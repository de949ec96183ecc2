import { fits } from './pattern.ts';

interface Glob<Node> {
  readonly pieces: readonly string[];
  readonly node: Node;
}

/** Names with `*` of one node of the tree, by the last or first byte that a name must have: most names fit none. */
export class Globs<Node> {
  readonly #byEnd = new Map<number, Glob<Node>[]>();
  readonly #byStart = new Map<number, Glob<Node>[]>();
  readonly #others: Glob<Node>[] = [];

  /** The node of such a name, made where there is none. */
  nodeOf(pieces: readonly string[], make: () => Node): Node {
    const list = this.#listOf(pieces);
    const known = list.find((glob) => glob.pieces.join('*') === pieces.join('*'));
    if (known) return known.node;
    const node = make();
    list.push({ pieces, node });
    return node;
  }

  /** Adds the nodes of all that fit a name. */
  collect(name: string, into: Node[]): void {
    const byEnd = this.#byEnd.get(name.charCodeAt(name.length - 1));
    if (byEnd) fitting(byEnd, name, into);
    const byStart = this.#byStart.get(name.charCodeAt(0));
    if (byStart) fitting(byStart, name, into);
    if (this.#others.length > 0) fitting(this.#others, name, into);
  }

  #listOf(pieces: readonly string[]): Glob<Node>[] {
    const tail = pieces.at(-1)!;
    const first = pieces[0]!;
    if (tail === '' && first === '') return this.#others;
    const lists = tail === '' ? this.#byStart : this.#byEnd;
    const key = tail === '' ? first.charCodeAt(0) : tail.charCodeAt(tail.length - 1);
    const list = lists.get(key) ?? [];
    lists.set(key, list);
    return list;
  }
}

function fitting<Node>(globs: readonly Glob<Node>[], name: string, into: Node[]): void {
  for (const { pieces, node } of globs) if (fits(pieces, name)) into.push(node);
}
