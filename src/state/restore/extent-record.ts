import type { Extent, Metadata } from '../format/index.ts';
import type { CheckedFile } from './manifest-checker.ts';

/** An extent with all that is needed to place its file. `length` is 0 for a file that needs no pack. */
export interface ExtentRecord extends Metadata {
  readonly entry: number;
  readonly folder: number;
  readonly frame: number;
  readonly offset: number;
  readonly length: number;
  readonly fileOffset: number;
  readonly sizeBytes: number;
  readonly group: number;
  readonly hash: Uint8Array;
  readonly name: Uint8Array;
}

const FIXED_BYTES = 96;
const HASH_AT = 64;

/** Bytes of the record of a file with that name. */
export const recordBytes = (name: Uint8Array) => FIXED_BYTES + 1 + name.length;

/** Writes a record at `at`; `extent` is undefined for a file that needs no pack. */
export function writeRecord(
  out: Buffer,
  at: number,
  file: CheckedFile,
  fileOffset: number,
  extent: Extent | undefined,
): void {
  const { entry } = file;
  out.writeUInt32LE(file.number, at);
  out.writeUInt32LE(file.folder, at + 4);
  out.writeUInt32LE(extent?.segment ?? 0, at + 8);
  out.writeUInt32LE(extent?.offset ?? 0, at + 12);
  out.writeUInt32LE(extent?.length ?? 0, at + 16);
  out.writeUInt32LE(entry.mode, at + 20);
  out.writeDoubleLE(fileOffset, at + 24);
  out.writeDoubleLE(entry.sizeBytes, at + 32);
  out.writeUInt32LE(entry.uid, at + 40);
  out.writeUInt32LE(entry.gid, at + 44);
  out.writeBigInt64LE(entry.mtimeNs, at + 48);
  out.writeUInt32LE(entry.group, at + 56);
  if (extent) out.set(extent.hash, at + HASH_AT);
  out[at + FIXED_BYTES] = entry.name.length;
  out.set(entry.name, at + FIXED_BYTES + 1);
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
    mode: records.readUInt32LE(at + 20),
    fileOffset: records.readDoubleLE(at + 24),
    sizeBytes: records.readDoubleLE(at + 32),
    uid: records.readUInt32LE(at + 40),
    gid: records.readUInt32LE(at + 44),
    mtimeNs: records.readBigInt64LE(at + 48),
    group: records.readUInt32LE(at + 56),
    hash: records.subarray(at + HASH_AT, at + HASH_AT + 32),
    name: records.subarray(nameAt, nameAt + records[at + FIXED_BYTES]!),
  };
}
