import { asBuffer } from '../../common/bytes.ts';
import { ENTRIES_MAX, SEGMENT_DATA_BYTES, SEGMENT_EXTENTS_MAX } from '../../common/limits.ts';
import { decodeCbor, readArray, readBytes, readTuple, readUint } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { damaged } from './damaged.ts';
import { DIGEST_BYTES } from './digest.ts';

/** Room for the header in front of the data: 4 bytes and at most 4096 extents of at most 55 bytes each. */
const HEADER_ROOM_BYTES = 256 * 1024;
const LENGTH_BYTES = 4;

/** A run of a file's bytes in a segment; data follow each other in the order of the extents. */
export interface SegmentExtent {
  readonly entry: number;
  readonly fileOffset: number;
  readonly length: number;
  readonly hash: Uint8Array;
}

/** Gathers data and its header in one buffer that is used again: no memory is taken per segment. */
export class SegmentBuilder {
  readonly #buffer = Buffer.allocUnsafeSlow(HEADER_ROOM_BYTES + SEGMENT_DATA_BYTES);
  readonly #extents = new CborWriter();
  readonly #list = new CborWriter(16);
  #count = 0;
  #dataBytes = 0;

  get dataBytes(): number {
    return this.#dataBytes;
  }

  get extents(): number {
    return this.#count;
  }

  /** Whether another extent of that length has its place. */
  fits(length: number): boolean {
    return this.#dataBytes + length <= SEGMENT_DATA_BYTES && this.#count < SEGMENT_EXTENTS_MAX;
  }

  /** Where the next extent's data is to be read to: call `add` when it is there. */
  room(length: number): Buffer {
    const start = HEADER_ROOM_BYTES + this.#dataBytes;
    return this.#buffer.subarray(start, start + length);
  }

  /** Takes what was read into `room` as an extent and returns its offset in the segment's data. */
  add(extent: SegmentExtent): number {
    const offset = this.#dataBytes;
    this.#extents.array(4).uint(extent.entry).uint(extent.fileOffset).uint(extent.length).bytes(extent.hash);
    this.#count += 1;
    this.#dataBytes += extent.length;
    return offset;
  }

  /** The segment's plaintext, in memory that is used again after `reset`. */
  plain(): Uint8Array {
    this.#list.reset();
    const listHead = this.#list.array(this.#count).view();
    const body = this.#extents.view();
    const headerBytes = listHead.length + body.length;
    const start = HEADER_ROOM_BYTES - headerBytes - LENGTH_BYTES;
    this.#buffer.writeUInt32LE(headerBytes, start);
    listHead.copy(this.#buffer, start + LENGTH_BYTES);
    body.copy(this.#buffer, start + LENGTH_BYTES + listHead.length);
    return this.#buffer.subarray(start, HEADER_ROOM_BYTES + this.#dataBytes);
  }

  reset(): void {
    this.#count = 0;
    this.#dataBytes = 0;
    this.#extents.reset();
  }
}

/** The data of a segment, its header skipped: what a restore that follows the manifest needs. Throws `damaged`. */
export function segmentData(plain: Uint8Array): Uint8Array {
  if (plain.length < LENGTH_BYTES) throw damaged('a segment is shorter than its header');
  const start = LENGTH_BYTES + asBuffer(plain).readUInt32LE(0);
  if (start > plain.length) throw damaged('a segment is shorter than its header');
  const data = plain.subarray(start);
  if (data.length > SEGMENT_DATA_BYTES) throw damaged('a segment holds too much data');
  return data;
}

/** Decodes a whole segment, header and all. Throws `damaged`. */
export function decodeSegment(plain: Uint8Array): { extents: SegmentExtent[]; data: Uint8Array } {
  const data = segmentData(plain);
  const header = decodeCbor(plain.subarray(LENGTH_BYTES, plain.length - data.length), 'the header of a segment');
  let total = 0;
  const extents = readArray(header, 'the header of a segment', SEGMENT_EXTENTS_MAX).map((item) => {
    const [entry, fileOffset, length, hash] = readTuple(item, 'an extent', 4);
    const extent: SegmentExtent = {
      entry: readUint(entry, 'an extent’s entry', ENTRIES_MAX),
      fileOffset: readUint(fileOffset, 'an extent’s offset'),
      length: readUint(length, 'an extent’s length', SEGMENT_DATA_BYTES),
      hash: readBytes(hash, 'an extent’s hash', DIGEST_BYTES, DIGEST_BYTES),
    };
    total += extent.length;
    return extent;
  });
  if (total !== data.length) throw damaged('the extents of a segment do not cover its data');
  return { extents, data };
}
