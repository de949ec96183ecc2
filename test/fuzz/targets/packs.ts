/** Packs: whole ones, and ones whose heads and bodies the input gives, sealed as their owner would. */
import { createSecretKey } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import type { StateId } from '../../../src/common/ids.ts';
import { PACK_MAX_BYTES } from '../../../src/common/limits.ts';
import { decompress } from '../../../src/state/format/compression.ts';
import { KIND, sealInto, TAG_BYTES } from '../../../src/state/format/frame-cipher.ts';
import { packKey, SALT_BYTES } from '../../../src/state/format/keys.ts';
import { PACK_MAGIC } from '../../../src/state/format/pack-layout.ts';
import { readPack } from '../../../src/state/format/pack-reader.ts';
import { frameBody, PackWriter } from '../../../src/state/format/pack-writer.ts';
import type { Random } from '../../faults/scenario.ts';
import { type Target, target } from '../target.ts';
import { flag, randomBytesOf, someBytes, word } from './some.ts';

const STATE = 'ab'.repeat(32) as StateId;
const STATE_KEY = new Uint8Array(32).fill(7);

const OUT = new Uint8Array(64 * 1024);

function pack(random: Random): Buffer {
  const writer = new PackWriter(OUT, STATE_KEY, STATE, randomBytesOf(random), OUT.length);
  for (let left = random.integer(4); left > 0; left--) {
    const plain = flag(random)
      ? Buffer.alloc(random.integer(4000), random.pick(['a', 'resettle ']))
      : someBytes(random, 900);
    const frame = frameBody(flag(random) ? KIND.content : KIND.manifest, plain);
    if (writer.fits(frame)) writer.add(frame);
  }
  return Buffer.from(OUT.subarray(0, writer.finish().sizeBytes));
}

function readWholePack(bytes: Uint8Array): number {
  let frames = 0;
  for (const frame of readPack(bytes, STATE_KEY, STATE)) {
    frame.plain();
    frames += 1;
  }
  return frames;
}

/**
 * A pack of which the input gives heads and bodies, sealed as its owner would. Each frame in it: head of 16 bytes, u16
 * length of the body, body.
 */
function sealedFrames(bytes: Uint8Array): Uint8Array {
  const salt = Buffer.alloc(SALT_BYTES, 3);
  const secret = createSecretKey(packKey(STATE_KEY, salt, STATE));
  const parts: Uint8Array[] = [PACK_MAGIC, salt];
  const input = Buffer.from(bytes);
  for (let at = 0, number = 0; at + 18 <= input.length && number < 1100; number++) {
    const head = input.subarray(at, at + 16);
    const body = input.subarray(at + 18, at + 18 + input.readUInt16LE(at + 16));
    parts.push(sealed(secret, KIND.head, 2 * number, false, head));
    parts.push(sealed(secret, head[0] as 1, 2 * number + 1, head[2] === 1, body));
    at += 18 + body.length;
  }
  return Buffer.concat(parts).subarray(0, PACK_MAX_BYTES);
}

function sealed(
  secret: ReturnType<typeof createSecretKey>,
  kind: 0 | 1,
  number: number,
  last: boolean,
  plain: Uint8Array,
) {
  const out = new Uint8Array(plain.length + TAG_BYTES);
  sealInto(out, 0, secret, kind, number, last, plain);
  return out;
}

function openFrames(random: Random): Buffer {
  const frames: Buffer[] = [];
  const add = (kind: number, compression: number, last: number, body: Buffer, plainBytes: number) => {
    const head = Buffer.alloc(18);
    head.set([kind, compression, last]);
    head.writeUInt32LE(body.length + TAG_BYTES, 4);
    head.writeUInt32LE(plainBytes, 8);
    head.writeUInt16LE(body.length, 16);
    frames.push(head, body);
  };
  for (let left = random.integer(4); left > 0; left--) {
    const plain = Buffer.alloc(random.integer(3000), word(random));
    if (flag(random)) add(KIND.content, 1, 0, zstdCompressSync(plain), plain.length);
    else add(KIND.manifest, 0, 0, plain, plain.length);
  }
  const padding = Buffer.alloc(random.integer(40));
  add(KIND.padding, 0, 1, padding, padding.length);
  return Buffer.concat(frames);
}

export const PACKS: readonly Target[] = [
  target({
    ...{ name: 'pack', shape: 'bytes', refusals: ['damaged'] },
    valid: pack,
    decode: readWholePack,
  }),
  target({
    ...{ name: 'pack-within', shape: 'bytes', refusals: ['damaged'] },
    valid: openFrames,
    decode: (bytes) => readWholePack(sealedFrames(bytes)),
  }),
  target({
    ...{ name: 'zstd', shape: 'bytes', refusals: ['damaged'] },
    valid: (random) => {
      const plain = Buffer.alloc(random.integer(3000), word(random));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(plain.length);
      return Buffer.concat([length, zstdCompressSync(plain)]);
    },
    decode: (bytes) => {
      const input = Buffer.from(bytes);
      const length = input.length < 4 ? 0 : input.readUInt32LE(0) % (2 * 1024 * 1024);
      return decompress(input.subarray(4), length);
    },
  }),
];
