import { promisify } from 'node:util';
import { constants, type ZstdOptions, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
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
/** The lowest level of a direct stream, where nothing is kept: bytes are worth less than time there. */
export const LEVEL_DIRECT_MIN = 0;
export const LEVEL_MAX = 9;

const zstdCompressAsync = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);

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

/** Most content shrinks to less than half: one chunk of that size costs half the fresh memory, and two are joined. */
const optionsFor = (plain: Uint8Array, level: number) => ({
  params: { [constants.ZSTD_c_compressionLevel]: level },
  chunkSize: (plain.length >> 1) + 1024,
});

const ifWorth = (compressed: Uint8Array, plain: Uint8Array): Uint8Array | undefined =>
  compressed.length < plain.length * WORTH_RATIO ? compressed : undefined;

/** zstd, or undefined where that gains nothing. */
export function compress(plain: Uint8Array, level: number): Uint8Array | undefined {
  if (level === 0 || !looksCompressible(plain)) return undefined;
  const options = optionsFor(plain, level);
  const compressed = zstdCompressSync(plain, options);
  noteNativeBytes(options.chunkSize);
  return ifWorth(compressed, plain);
}

/** The same beside the calling thread, in Node's own pool. `plain` must stay as it is until it has settled. */
export async function compressAside(plain: Uint8Array, level: number): Promise<Uint8Array | undefined> {
  if (level === 0 || !looksCompressible(plain)) return undefined;
  const options = optionsFor(plain, level);
  const compressed = await zstdCompressAsync(plain, options);
  noteNativeBytes(options.chunkSize);
  return ifWorth(compressed, plain);
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
