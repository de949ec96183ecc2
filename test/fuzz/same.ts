/**
 * Where two decoded values differ, as a path such as `.packs.3`; undefined where they are the same. Bytes are compared as
 * bytes, whichever class holds them, and a field that is undefined is one that is not there.
 */
export function difference(one: unknown, other: unknown, path = ''): string | undefined {
  // JSON has a zero with a sign; nothing here tells it from the other one.
  if (one === other || Object.is(one, other)) return undefined;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return differs(path, one, other);
  if (one instanceof Uint8Array || other instanceof Uint8Array) {
    const areBytes = one instanceof Uint8Array && other instanceof Uint8Array;
    return areBytes && Buffer.compare(one, other) === 0 ? undefined : differs(path, one, other);
  }
  if (one instanceof Map && other instanceof Map) return difference(sorted(one), sorted(other), path);
  if (one instanceof Set && other instanceof Set) return difference([...one], [...other], path);
  if (Array.isArray(one) !== Array.isArray(other)) return differs(path, one, other);
  return differenceOfFields(one as Fields, other as Fields, path);
}

type Fields = Readonly<Record<string, unknown>>;

function differenceOfFields(one: Fields, other: Fields, path: string): string | undefined {
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const found = difference(own(one, key), own(other, key), `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The order of a map's keys means nothing. */
const sorted = (map: ReadonlyMap<unknown, unknown>) => [...map].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
const own = (of: Fields, key: string): unknown => (Object.hasOwn(of, key) ? of[key] : undefined);
const shown = (value: unknown): string => String(value).slice(0, 60);
const differs = (path: string, one: unknown, other: unknown): string => `${path}: ${shown(one)} and ${shown(other)}`;
