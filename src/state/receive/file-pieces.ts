import { DIGEST_BYTES } from '../format/digest.ts';

/** Bytes of a file as they came. */
export interface Piece {
  readonly fileOffset: number;
  readonly length: number;
  readonly hash: Uint8Array;
}

/** The pieces of one file under way: 44 bytes for each MiB. They come in file order, but for those that are read again. */
export class FilePieces {
  #offsets = new Float64Array(4);
  #lengths = new Uint32Array(4);
  #hashes = Buffer.alloc(4 * DIGEST_BYTES);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Where the last of them ends. */
  get end(): number {
    return this.#count === 0 ? 0 : this.#endOf(this.#count - 1);
  }

  get bytes(): number {
    return this.#lengths.subarray(0, this.#count).reduce((sum, length) => sum + length, 0);
  }

  /** A later piece takes the place of all that it goes over, be it in part: their bytes are not what their hash says. */
  set({ fileOffset, length, hash }: Piece): void {
    let at = this.#find(fileOffset);
    if (at > 0 && this.#endOf(at - 1) > fileOffset) at -= 1;
    let next = at;
    while (next < this.#count && this.#offsets[next]! < fileOffset + length) next += 1;
    if (next === at) this.#insert(at);
    else if (next > at + 1) this.#remove(at + 1, next);
    this.#offsets[at] = fileOffset;
    this.#lengths[at] = length;
    this.#hashes.set(hash, at * DIGEST_BYTES);
  }

  has({ fileOffset, length, hash }: Piece): boolean {
    const at = this.#find(fileOffset);
    if (at === this.#count || this.#offsets[at] !== fileOffset || this.#lengths[at] !== length) return false;
    return this.#hashes.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES).equals(hash);
  }

  #endOf(index: number): number {
    return this.#offsets[index]! + this.#lengths[index]!;
  }

  /** Index of the first piece that does not begin before. */
  #find(fileOffset: number): number {
    let low = 0;
    let high = this.#count;
    // Nearly always it is behind the last.
    if (high > 0 && this.#offsets[high - 1]! < fileOffset) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! < fileOffset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(at: number): void {
    if (this.#count === this.#offsets.length) this.#grow();
    this.#offsets.copyWithin(at + 1, at, this.#count);
    this.#lengths.copyWithin(at + 1, at, this.#count);
    this.#hashes.copyWithin((at + 1) * DIGEST_BYTES, at * DIGEST_BYTES, this.#count * DIGEST_BYTES);
    this.#count += 1;
  }

  #remove(from: number, to: number): void {
    this.#offsets.copyWithin(from, to, this.#count);
    this.#lengths.copyWithin(from, to, this.#count);
    this.#hashes.copyWithin(from * DIGEST_BYTES, to * DIGEST_BYTES, this.#count * DIGEST_BYTES);
    this.#count -= to - from;
  }

  #grow(): void {
    const size = this.#offsets.length * 2;
    const offsets = new Float64Array(size);
    const lengths = new Uint32Array(size);
    const hashes = Buffer.alloc(size * DIGEST_BYTES);
    offsets.set(this.#offsets);
    lengths.set(this.#lengths);
    hashes.set(this.#hashes);
    this.#offsets = offsets;
    this.#lengths = lengths;
    this.#hashes = hashes;
  }
}
