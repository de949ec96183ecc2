/** A type of GVariant's, with what its layout needs: https://docs.gtk.org/glib/gvariant-format-strings.html */
export interface GType {
  /** Its letters, as `a{sv}`. */
  readonly text: string;
  /** The first letter: a basic type, or `a`, `m`, `v`, `(`, `{`. */
  readonly kind: string;
  /** Of an array or a maybe the one inside; of a tuple or an entry all of them. */
  readonly inner: readonly GType[];
  /** 1, 2, 4 or 8 bytes. */
  readonly alignment: number;
  /** In bytes; undefined where values differ in length. */
  readonly fixedBytes: number | undefined;
}

/** As deep as glib itself goes into values. */
const DEPTH_MAX = 64;
const TEXT_MAX_CHARS = 1000;
const BASIC_BYTES: Readonly<Record<string, number>> = { b: 1, y: 1, n: 2, q: 2, i: 4, u: 4, h: 4, x: 8, t: 8, d: 8 };
const STRINGS = 'sog';

/** The type that a text names; undefined where it names none, or more than one. */
export function readType(text: string): GType | undefined {
  if (text.length === 0 || text.length > TEXT_MAX_CHARS) return undefined;
  const found = typeAt(text, 0, 0);
  return found && found.text.length === text.length ? found : undefined;
}

function typeAt(text: string, at: number, depth: number): GType | undefined {
  const kind = text[at];
  if (kind === undefined || depth > DEPTH_MAX) return undefined;
  const bytes = BASIC_BYTES[kind];
  if (bytes !== undefined) return { text: kind, kind, inner: [], alignment: bytes, fixedBytes: bytes };
  if (STRINGS.includes(kind)) return { text: kind, kind, inner: [], alignment: 1, fixedBytes: undefined };
  if (kind === 'v') return { text: kind, kind, inner: [], alignment: 8, fixedBytes: undefined };
  if (kind === 'a' || kind === 'm') {
    const inner = typeAt(text, at + 1, depth + 1);
    return (
      inner && { text: kind + inner.text, kind, inner: [inner], alignment: inner.alignment, fixedBytes: undefined }
    );
  }
  if (kind === '(' || kind === '{') return membersAt(text, at, kind, depth);
  return undefined;
}

function membersAt(text: string, at: number, kind: '(' | '{', depth: number): GType | undefined {
  const end = kind === '(' ? ')' : '}';
  const inner: GType[] = [];
  let next = at + 1;
  while (text[next] !== end) {
    const member = typeAt(text, next, depth + 1);
    if (!member) return undefined;
    inner.push(member);
    next += member.text.length;
  }
  const isEntry = inner.length === 2 && inner[0]?.inner.length === 0 && inner[0].kind !== 'v';
  if (kind === '{' && !isEntry) return undefined;
  const alignment = Math.max(1, ...inner.map((member) => member.alignment));
  return { text: text.slice(at, next + 1), kind, inner, alignment, fixedBytes: fixedBytesOf(inner, alignment) };
}

function fixedBytesOf(inner: readonly GType[], alignment: number): number | undefined {
  let end = 0;
  for (const { alignment: own, fixedBytes } of inner) {
    if (fixedBytes === undefined) return undefined;
    end = aligned(end, own) + fixedBytes;
  }
  // A tuple of nothing takes a byte.
  return Math.max(1, aligned(end, alignment));
}

export const aligned = (at: number, alignment: number): number => Math.ceil(at / alignment) * alignment;
