import type { Extent } from '../format/index.ts';
import type { GivenHead } from './apply-metadata.ts';
import type { Action } from './decision-log.ts';

/** How a file is brought to the target. `park`: it stays in the temporary folder, for hard links to it. */
export type FilePlacing = Extract<Action, 'create' | 'replace' | 'keep-both'> | 'park';
const PLACINGS: readonly FilePlacing[] = ['create', 'replace', 'keep-both', 'park'];

/** What is needed to place a file. */
export interface PlannedFile extends GivenHead {
  /** The number of its entry, which its unfinished file is named by. */
  readonly entry: number;
  readonly folder: number;
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  /** Bytes of its holes; 0 where they are not all known yet. */
  readonly holeBytes: number;
  readonly group: number;
  readonly placing: FilePlacing;
  /** The number of its decision in the plan. */
  readonly decision: number;
  /** Where its extras wait, or 0. */
  readonly extrasAt: number;
}

/** An extent with all that is needed to place its file. `length` is 0 for a file that needs no pack. */
export interface ExtentRecord extends PlannedFile {
  /** For a file that needs no pack: 1 where all of its bytes are in its unfinished file. */
  readonly frame: number;
  readonly offset: number;
  readonly length: number;
  readonly fileOffset: number;
  readonly hash: Uint8Array;
}

const FIXED_BYTES = 112;
const HASH_AT = 80;

/** Bytes of the record of a file with that name. */
export const recordBytes = (name: Uint8Array) => FIXED_BYTES + 1 + name.length;

/** Writes a record at `at`. */
export function writeRecord(
  out: Buffer,
  at: number,
  file: PlannedFile,
  fileOffset: number,
  { segment, offset, length, hash }: Pick<Extent, 'segment' | 'offset' | 'length'> & Partial<Pick<Extent, 'hash'>>,
): void {
  out.writeUInt32LE(file.entry, at);
  out.writeUInt32LE(file.folder, at + 4);
  out.writeUInt32LE(segment, at + 8);
  out.writeUInt32LE(offset, at + 12);
  out.writeUInt32LE(length, at + 16);
  out.writeUInt16LE(file.mode, at + 20);
  out[at + 22] = PLACINGS.indexOf(file.placing);
  out.writeDoubleLE(fileOffset, at + 24);
  out.writeDoubleLE(file.sizeBytes, at + 32);
  out.writeUInt32LE(file.uid, at + 40);
  out.writeUInt32LE(file.gid, at + 44);
  out.writeBigInt64LE(file.mtimeNs, at + 48);
  out.writeUInt32LE(file.group, at + 56);
  out.writeUInt32LE(file.extrasAt, at + 60);
  out.writeUInt32LE(file.decision, at + 64);
  out.writeDoubleLE(file.holeBytes, at + 72);
  if (hash) out.set(hash, at + HASH_AT);
  out[at + FIXED_BYTES] = file.name.length;
  out.set(file.name, at + FIXED_BYTES + 1);
}

/** Bytes of the record that lies at `at`. */
export const recordBytesAt = (records: Buffer, at: number) => FIXED_BYTES + 1 + records[at + FIXED_BYTES]!;

export const frameOfRecord = (records: Buffer, at: number) => records.readUInt32LE(at + 8);

export function readRecord(records: Buffer, at: number): ExtentRecord {
  const nameAt = at + FIXED_BYTES + 1;
  return {
    entry: records.readUInt32LE(at),
    folder: records.readUInt32LE(at + 4),
    frame: records.readUInt32LE(at + 8),
    offset: records.readUInt32LE(at + 12),
    length: records.readUInt32LE(at + 16),
    mode: records.readUInt16LE(at + 20),
    placing: PLACINGS[records[at + 22]!]!,
    fileOffset: records.readDoubleLE(at + 24),
    sizeBytes: records.readDoubleLE(at + 32),
    uid: records.readUInt32LE(at + 40),
    gid: records.readUInt32LE(at + 44),
    mtimeNs: records.readBigInt64LE(at + 48),
    group: records.readUInt32LE(at + 56),
    extrasAt: records.readUInt32LE(at + 60),
    decision: records.readUInt32LE(at + 64),
    holeBytes: records.readDoubleLE(at + 72),
    hash: records.subarray(at + HASH_AT, at + HASH_AT + 32),
    name: records.subarray(nameAt, nameAt + records[at + FIXED_BYTES]!),
  };
}
