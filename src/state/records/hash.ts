import { Blake3Hasher } from '@napi-rs/blake-hash';
import { asBuffer } from '../../common/bytes.ts';
import type { RecordHash } from './types.ts';

/** BLAKE3 of the parts, one after the other. */
export function blake3(...parts: readonly Uint8Array[]): Buffer {
  const hasher = new Blake3Hasher();
  for (const part of parts) hasher.update(asBuffer(part));
  return hasher.digestBuffer();
}

/** The name of a record: BLAKE3 of its signed payload. */
export function recordHashOf(payload: Uint8Array): RecordHash {
  return blake3(payload).toString('hex') as RecordHash;
}

/** Orders texts by code unit, the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
