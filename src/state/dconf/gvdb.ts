/**
 * GVDB, the file format of dconf's databases: a header, then a hash table of items that name their parents. Little or big
 * endian. Everything in it may be forged: offsets are checked, parents are followed a bounded number of steps, and what does
 * not fit is left out. Nothing is verified by hashes, since the table is walked, not searched.
 */
export interface Gvdb {
  readonly isLittle: boolean;
  /** Serialised variants by their full keys. */
  readonly values: ReadonlyMap<string, Buffer>;
}

/** Little-endian: `GVariant`. Swapped in fours: `raVGtnai`. */
const LITTLE = 'GVariant';
const BIG = 'raVGtnai';
const HEADER_BYTES = 24;
const ITEM_BYTES = 24;
/** Of a database of somebody's settings, some thousands. */
const ITEMS_MAX = 100_000;
/** A key as dconf takes it has some dozen parts. */
const PARENTS_MAX = 64;
const KEY_MAX_BYTES = 4096;
const NO_PARENT = 0xffff_ffff;
/** All keys together; and contents may not be given twice, or a small file would be gigabytes of values. */
const KEYS_MAX_BYTES = 8 * 1024 * 1024;

/** Undefined where it is no such file. */
export function readGvdb(file: Buffer): Gvdb | undefined {
  const signature = file.toString('latin1', 0, 8);
  if (file.length < HEADER_BYTES || (signature !== LITTLE && signature !== BIG)) return undefined;
  const isLittle = signature === LITTLE;
  const table = new Table(file, isLittle);
  return table.isRight ? { isLittle, values: table.values() } : undefined;
}

interface Item {
  readonly parent: number;
  readonly key: Buffer;
  /** `v` value, `H` hash table, `L` list of children. */
  readonly kind: string;
  readonly content: Buffer;
}

class Table {
  readonly isRight: boolean;
  readonly #file: Buffer;
  readonly #isLittle: boolean;
  readonly #itemsAt: number = 0;
  readonly #count: number = 0;

  constructor(file: Buffer, isLittle: boolean) {
    this.#file = file;
    this.#isLittle = isLittle;
    const start = this.#u32(16);
    const end = this.#u32(20);
    this.isRight = this.#u32(8) === 0 && start <= end && end <= file.length && end - start >= 8;
    if (!this.isRight) return;
    const bloomWords = this.#u32(start) & 0x07ff_ffff;
    const buckets = this.#u32(start + 4);
    this.#itemsAt = start + 8 + 4 * (bloomWords + buckets);
    this.#count = Math.min(ITEMS_MAX, Math.floor((end - this.#itemsAt) / ITEM_BYTES));
    this.isRight = this.#count >= 0;
  }

  values(): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    let keyBytes = 0;
    let contentBytes = 0;
    for (let index = 0; index < this.#count; index++) {
      const item = this.#item(index);
      const key = item?.kind === 'v' ? this.#fullKey(item) : undefined;
      if (!item || key === undefined) continue;
      keyBytes += key.length;
      contentBytes += item.content.length;
      if (keyBytes > KEYS_MAX_BYTES || contentBytes > this.#file.length) break;
      found.set(key, item.content);
    }
    return found;
  }

  #item(index: number): Item | undefined {
    if (index >= this.#count) return undefined;
    const at = this.#itemsAt + index * ITEM_BYTES;
    const keyAt = this.#u32(at + 8);
    const keyBytes = this.#isLittle ? this.#file.readUInt16LE(at + 12) : this.#file.readUInt16BE(at + 12);
    const start = this.#u32(at + 16);
    const end = this.#u32(at + 20);
    if (keyAt + keyBytes > this.#file.length || start > end || end > this.#file.length) return undefined;
    return {
      parent: this.#u32(at + 4),
      key: this.#file.subarray(keyAt, keyAt + keyBytes),
      kind: String.fromCharCode(this.#file[at + 14] ?? 0),
      content: this.#file.subarray(start, end),
    };
  }

  /** Parents' keys first. Undefined where they go round, or it is longer than keys are. */
  #fullKey(item: Item): string | undefined {
    const parts = [item.key];
    let bytes = item.key.length;
    let parent = item.parent;
    while (parent !== NO_PARENT) {
      const above = this.#item(parent);
      if (!above || parts.length >= PARENTS_MAX) return undefined;
      parts.push(above.key);
      bytes += above.key.length;
      if (bytes > KEY_MAX_BYTES) return undefined;
      parent = above.parent;
    }
    return Buffer.concat(parts.reverse()).toString('utf8');
  }

  #u32(at: number): number {
    return this.#isLittle ? this.#file.readUInt32LE(at) : this.#file.readUInt32BE(at);
  }
}
