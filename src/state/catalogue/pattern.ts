/** A pattern's names from `/` or from a home on, as the walk needs them; texts are the bytes of names, as Latin-1. */
export interface Pattern {
  /** As the rule's file has it. */
  readonly text: string;
  /** It begins at every home. */
  readonly isOfHomes: boolean;
  readonly names: readonly PatternName[];
  /** Of the names, those without `*`; a home counts as one. */
  readonly plain: number;
  /** Of the names, those with `*` and other characters beside it. */
  readonly partial: number;
}

/** `deep`: any number of folders. Otherwise what stands between the `*` of a name: one piece only is the name itself. */
export type PatternName = 'deep' | { readonly pieces: readonly string[] };

/** Bytes of a name as a string of one character a byte: fit for maps, and no byte is lost. */
export const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Reads a pattern that the schema let pass. `**` at the end means the same as `*`: what is beneath comes with it. */
export function parsePattern(text: string): Pattern {
  const isOfHomes = text.startsWith('~');
  const parts = text.split('/').slice(1);
  const names: PatternName[] = [];
  for (const [at, part] of parts.entries()) {
    if (part === '') continue;
    if (part === '**' && at < parts.length - 1) {
      if (names.at(-1) !== 'deep') names.push('deep');
    } else {
      names.push({ pieces: bytesOf(part.replace(/\*+/g, '*')).split('*') });
    }
  }
  const isPlain = (name: PatternName) => name !== 'deep' && name.pieces.length === 1;
  const isPartial = (name: PatternName) =>
    name !== 'deep' && name.pieces.length > 1 && name.pieces.some((p) => p !== '');
  return {
    text,
    isOfHomes,
    names,
    plain: names.filter(isPlain).length + (isOfHomes ? 1 : 0),
    partial: names.filter(isPartial).length,
  };
}

/** Whether a name is one that pieces with anything between them mean. */
export function fits(pieces: readonly string[], name: string): boolean {
  const last = pieces.length - 1;
  const first = pieces[0]!;
  const tail = pieces[last]!;
  if (last === 0) return name === first;
  let at = first.length;
  const end = name.length - tail.length;
  if (end < at || !name.endsWith(tail) || !name.startsWith(first)) return false;
  for (let index = 1; index < last; index++) {
    const found = name.indexOf(pieces[index]!, at);
    if (found === -1) return false;
    at = found + pieces[index]!.length;
  }
  return at <= end;
}
