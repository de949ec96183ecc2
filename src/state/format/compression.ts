import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { noteNativeBytes } from '../threads/collect.ts';
import { damaged } from './damaged.ts';

const PROBE_PIECES = 4;
const PROBE_PIECE_BYTES = 4096;
/** Below this a probe costs as much as trying. */
const PROBE_FROM_BYTES = 64 * 1024;
/** Compression that saves less than 3 % is not worth the reader's time. */
const WORTH_RATIO = 0.97;
const PROBE_LEVEL = { [constants.ZSTD_c_compressionLevel]: 1 };
/** The lowest level that a capture uses: 7 % slower than level 1 for 7 % fewer bytes (docs/PERFORMANCE.md). */
export const LEVEL_MIN = 3;
export const LEVEL_MAX = 9;

const probe = Buffer.alloc(PROBE_PIECES * PROBE_PIECE_BYTES);

function looksCompressible(plain: Uint8Array): boolean {
  if (plain.length < PROBE_FROM_BYTES) return true;
  const stride = Math.floor((plain.length - PROBE_PIECE_BYTES) / (PROBE_PIECES - 1));
  for (let piece = 0; piece < PROBE_PIECES; piece++) {
    probe.set(plain.subarray(piece * stride, piece * stride + PROBE_PIECE_BYTES), piece * PROBE_PIECE_BYTES);
  }
  return (
    zstdCompressSync(probe, { params: PROBE_LEVEL, chunkSize: 2 * probe.length }).length < probe.length * WORTH_RATIO
  );
}

/** zstd, or undefined where that gains nothing. */
export function compress(plain: Uint8Array, level: number): Uint8Array | undefined {
  if (!looksCompressible(plain)) return undefined;
  // One chunk that holds the worst case, so that zlib never joins pieces.
  const chunkSize = plain.length + (plain.length >> 7) + 1024;
  const compressed = zstdCompressSync(plain, {
    params: { [constants.ZSTD_c_compressionLevel]: level },
    chunkSize,
  });
  noteNativeBytes(chunkSize);
  return compressed.length < plain.length * WORTH_RATIO ? compressed : undefined;
}

/** Exactly `plainBytes` bytes, or `damaged`; never more than that is allocated. */
export function decompress(compressed: Uint8Array, plainBytes: number): Uint8Array {
  let plain: Uint8Array;
  try {
    plain = zstdDecompressSync(compressed, { maxOutputLength: plainBytes + 1, chunkSize: plainBytes + 1024 });
  } catch (error) {
    throw damaged('a frame does not decompress', error);
  }
  noteNativeBytes(compressed.length + plain.length);
  if (plain.length !== plainBytes) throw damaged('a frame decompresses to another length than it says');
  return plain;
}
