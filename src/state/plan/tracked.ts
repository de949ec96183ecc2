import type { BigIntStats } from 'node:fs';
import { type FolderPath, readPath } from '../format/block.ts';
import { decodeCbor, decodeFirstCbor, readBytes, readTuple, readUint } from '../format/cbor-reader.ts';
import { CborWriter } from '../format/cbor-writer.ts';
import { damaged } from '../format/damaged.ts';
import { type ExtentCaps, readEntry } from '../format/entry.ts';
import type { Entry } from '../format/index.ts';
import type { BlockSpoolWriter } from '../fs/block-spool.ts';

/**
 * Entries with what a stat said of them. The scratch files of a capture and the rows of the stat cache hold the same
 * records, so that what is unchanged is copied, not made again:
 *
 *     u32 bytes of the record | u32 part | u8 flags | u8 bytes of the name | name
 *     | u64 device | u64 inode | i64 mtime | i64 ctime | f64 size | entry as CBOR, further pieces of a file behind it
 *
 * An extent's `pack` counts in the list of packs of the part; with part 0 it is 0 for a segment of this capture, whose
 * number stands in `segment`, or 1 more than a pack's number in the cache.
 */
const FIXED_BYTES = 10;
const STAT_BYTES = 40;

/** The content of this file is to be read. */
export const READ = 1;
/** A file with several names. */
export const LINKED = 2;
/** Behind the entry stands the one of the last capture, whose extents may be used again where the bytes are the same. */
export const BEFORE = 4;

const CAPS: ExtentCaps = { packs: 2 ** 32, segments: 2 ** 32 };

/** Of an item that has no stat of its own: it matches none. */
const NO_STAT = Buffer.alloc(STAT_BYTES);

/** Writes records one behind the other into memory that is used again. */
export class TrackedWriter {
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #length = 0;
  count = 0;

  get bytes(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
    this.count = 0;
  }

  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** `stats` undefined, or `settled` false: the record will match no stat, so that the item is looked at again. */
  add(
    name: Uint8Array,
    flags: number,
    part: number,
    stats: BigIntStats | undefined,
    settled: boolean,
    cbor: Uint8Array,
  ): void {
    const at = this.#begin(name, flags, part, cbor.length);
    const stat = at + FIXED_BYTES + name.length;
    if (stats) {
      this.#buffer.writeBigUInt64LE(stats.dev, stat);
      this.#buffer.writeBigUInt64LE(stats.ino, stat + 8);
      this.#buffer.writeBigInt64LE(BigInt.asIntN(64, stats.mtimeNs), stat + 16);
      this.#buffer.writeBigInt64LE(settled ? BigInt.asIntN(64, stats.ctimeNs) : 0n, stat + 24);
      this.#buffer.writeDoubleLE(Number(stats.size), stat + 32);
    } else {
      this.#buffer.set(NO_STAT, stat);
    }
    this.#buffer.set(cbor, stat + STAT_BYTES);
  }

  /** Takes over name and stat of a record, with another part and entry. */
  again(record: TrackedRecord, flags: number, part: number, cbor: Uint8Array): void {
    const at = this.#begin(record.name, flags, part, cbor.length);
    const stat = at + FIXED_BYTES + record.name.length;
    this.#buffer.set(record.stat, stat);
    this.#buffer.set(cbor, stat + STAT_BYTES);
  }

  copy(record: TrackedRecord): void {
    this.#room(record.bytes.length);
    this.#buffer.set(record.bytes, this.#length);
    this.#length += record.bytes.length;
    this.count += 1;
  }

  #begin(name: Uint8Array, flags: number, part: number, cborBytes: number): number {
    const length = FIXED_BYTES + name.length + STAT_BYTES + cborBytes;
    this.#room(length);
    const at = this.#length;
    const buffer = this.#buffer;
    buffer.writeUInt32LE(length, at);
    buffer.writeUInt32LE(part, at + 4);
    buffer[at + 8] = flags;
    buffer[at + 9] = name.length;
    buffer.set(name, at + FIXED_BYTES);
    this.#length = at + length;
    this.count += 1;
    return at;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** One record, a view of the memory that it was read from. */
export class TrackedRecord {
  readonly bytes: Buffer;
  readonly #nameEnd: number;

  /** `from` a buffer of records, at the beginning of one. */
  constructor(from: Buffer, at: number) {
    const length = at + FIXED_BYTES <= from.length ? from.readUInt32LE(at) : 0;
    const nameEnd = FIXED_BYTES + (from[at + 9] ?? 0);
    if (length < nameEnd + STAT_BYTES || at + length > from.length) throw damaged('a record of a capture is cut short');
    this.bytes = from.subarray(at, at + length);
    this.#nameEnd = nameEnd;
  }

  get part(): number {
    return this.bytes.readUInt32LE(4);
  }

  get flags(): number {
    return this.bytes[8]!;
  }

  get name(): Buffer {
    return this.bytes.subarray(FIXED_BYTES, this.#nameEnd);
  }

  get stat(): Buffer {
    return this.bytes.subarray(this.#nameEnd, this.#nameEnd + STAT_BYTES);
  }

  /** 0 where the record has no stat. */
  get ino(): bigint {
    return this.stat.readBigUInt64LE(8);
  }

  get cbor(): Buffer {
    return this.bytes.subarray(this.#nameEnd + STAT_BYTES);
  }

  get sizeBytes(): number {
    return this.bytes.readDoubleLE(this.#nameEnd + 32);
  }

  /** Whether the item is as it was: size, times, inode and device. */
  matches(stats: BigIntStats): boolean {
    const at = this.#nameEnd;
    const { bytes } = this;
    return (
      bytes.readBigInt64LE(at + 24) === stats.ctimeNs &&
      bytes.readBigInt64LE(at + 16) === stats.mtimeNs &&
      bytes.readBigUInt64LE(at + 8) === stats.ino &&
      bytes.readBigUInt64LE(at) === stats.dev &&
      bytes.readDoubleLE(at + 32) === Number(stats.size)
    );
  }

  /** The entry, and further pieces of a file behind it. Throws `damaged`. */
  entries(): Entry[] {
    const entries: Entry[] = [];
    let rest: Uint8Array = this.cbor;
    while (rest.length > 0) {
      const [value, behind] = decodeFirstCbor(rest, 'a record of a capture');
      entries.push(readEntry(value, CAPS));
      rest = behind;
    }
    return entries;
  }
}

/** Says in every record of a body that its extents count in that part's list of packs. */
export function assignPart(body: Buffer, part: number): void {
  for (let at = 0; at < body.length; at += body.readUInt32LE(at)) body.writeUInt32LE(part, at + 4);
}

export function* readRecords(body: Buffer): Generator<TrackedRecord, void> {
  for (let at = 0; at < body.length; ) {
    const record = new TrackedRecord(body, at);
    yield record;
    at += record.bytes.length;
  }
}

/** Where a block of the last snapshot lies: it is the same one again. */
export interface PartPlace {
  readonly part: number;
  /** Counts the blocks of the part from 0. */
  readonly position: number;
}

/** The entries of one folder, or a run of them. */
export interface TrackedBlock {
  readonly path: FolderPath;
  /** The first entry's name; empty for the first block of a folder. With the path it names the block. */
  readonly key: Uint8Array;
  readonly count: number;
  /** Nothing in it changed; then there are no records. */
  readonly same: PartPlace | undefined;
  readonly body: Buffer;
}

const header = new CborWriter(4096);
const HEADER_MAX = 2 ** 32;

/** Writes a block to a scratch file, its head and its records one behind the other; returns the bytes of the head. */
export function spoolBlock(spool: BlockSpoolWriter, block: TrackedBlock): number {
  header.reset();
  header.array(5).array(block.path.length);
  for (const name of block.path) header.bytes(name);
  header.bytes(block.key).uint(block.count);
  header.uint(block.same?.part ?? 0).uint(block.same?.position ?? 0);
  spool.add(header.view());
  spool.add(block.body);
  return header.length;
}

/** The block of a head and records. Throws `damaged`. */
export function decodeTrackedBlock(head: Buffer, body: Buffer): TrackedBlock {
  const [path, key, count, part, position] = readTuple(decodeCbor(head, 'a scratch file'), 'a block', 5);
  const inPart = readUint(part, 'a part', HEADER_MAX);
  return {
    path: readPath(path),
    key: readBytes(key, 'a key', 0, 255),
    count: readUint(count, 'a count', HEADER_MAX),
    same: inPart === 0 ? undefined : { part: inPart, position: readUint(position, 'a position', HEADER_MAX) },
    body,
  };
}
