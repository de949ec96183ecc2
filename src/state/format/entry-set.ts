import { DIRECT_ENTRIES_MAX_BYTES, ENTRIES_MAX } from '../../common/limits.ts';
import { damaged } from './damaged.ts';

/** A set of entries of one plan, by number: one bit each. */
export class EntrySet {
  readonly #bits: Uint8Array;
  readonly #total: number;
  size = 0;

  /** `total`: how many entries the plan has. */
  constructor(total: number) {
    this.#total = total;
    this.#bits = new Uint8Array(Math.ceil(total / 8));
  }

  has(entry: number): boolean {
    return (this.#bits[entry >>> 3]! & (1 << (entry & 7))) !== 0;
  }

  add(entry: number): void {
    if (entry >= this.#total) throw new RangeError(`the plan has ${this.#total} entries, not ${entry}`);
    if (this.has(entry)) return;
    this.#bits[entry >>> 3]! |= 1 << (entry & 7);
    this.size += 1;
  }

  delete(entry: number): void {
    if (!this.has(entry)) return;
    this.#bits[entry >>> 3]! &= ~(1 << (entry & 7));
    this.size -= 1;
  }

  /** The set as lengths of runs, LEB128: those that are not in it, those that are, and so on, up to its last one. */
  encode(): Uint8Array {
    const out: number[] = [];
    let inside = false;
    let start = 0;
    for (let entry = 0; entry <= this.#total; entry++) {
      const has = entry < this.#total && this.has(entry);
      if (has === inside) continue;
      writeLength(out, entry - start);
      start = entry;
      inside = has;
    }
    return Uint8Array.from(out);
  }
}

/** What `EntrySet.encode` wrote, asked in ascending order. */
export class EncodedEntries {
  readonly #lengths: Lengths;
  #inside = true;
  /** Entries below this have been decided. */
  #end = 0;

  /** Throws `damaged`. */
  constructor(bytes: Uint8Array) {
    this.#lengths = new Lengths(bytes);
  }

  /** Whether that entry is in it; ask for none that is below an earlier one. Throws `damaged`. */
  has(entry: number): boolean {
    while (entry >= this.#end) {
      if (this.#lengths.atEnd) return false;
      this.#end += this.#lengths.next();
      this.#inside = !this.#inside;
      if (this.#end > ENTRIES_MAX + 1) throw damaged('a list of entries goes beyond any plan');
    }
    return this.#inside;
  }

  /** False where none from `first` to before `end` is in it; counts as asking for `first`. Throws `damaged`. */
  mayHave(first: number, end: number): boolean {
    if (first >= end) return false;
    return this.has(first) || (this.#end < end && !this.#lengths.atEnd);
  }
}

/** The runs of what `EntrySet.encode` wrote for a plan of that many entries. Throws `damaged`. */
export function* runsOf(bytes: Uint8Array, total: number): Generator<{ start: number; end: number }, void> {
  const lengths = new Lengths(bytes);
  let start = 0;
  for (let inside = false; !lengths.atEnd; inside = !inside) {
    const end = start + lengths.next();
    if (end > total) throw damaged('a list of entries goes beyond the plan');
    if (inside && end > start) yield { start, end };
    start = end;
  }
}

/** Lengths in LEB128, one behind the other. */
class Lengths {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    if (bytes.length > DIRECT_ENTRIES_MAX_BYTES) throw damaged('a list of entries is too long');
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  next(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw damaged('a list of entries is cut short');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw damaged('a list of entries holds a length that no plan has');
  }
}

function writeLength(out: number[], length: number): void {
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80);
  out.push(rest);
}
