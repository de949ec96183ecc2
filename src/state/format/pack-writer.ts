import { createSecretKey, type KeyObject } from 'node:crypto';
import type { RandomBytes } from '../../common/clock.ts';
import { type PackId, packId, type StateId } from '../../common/ids.ts';
import { PACK_FRAMES_MAX, PACK_MAX_BYTES } from '../../common/limits.ts';
import { compress, compressAside, LEVEL_MIN } from './compression.ts';
import { digest } from './digest.ts';
import { KIND, type Kind, sealInto, TAG_BYTES } from './frame-cipher.ts';
import { packKey, SALT_BYTES } from './keys.ts';
import {
  COMPRESSION,
  HEAD_BYTES,
  HEAD_PLAIN_BYTES,
  LAST_FRAME_MIN_BYTES,
  PACK_HEADER_BYTES,
  PACK_MAGIC,
} from './pack-layout.ts';
import { padmeBytes } from './padme.ts';

/** A frame's body made ready: compressed where that gains. The same body fits or does not fit any pack. */
export interface FrameBody {
  readonly kind: typeof KIND.content | typeof KIND.manifest;
  readonly body: Uint8Array;
  readonly compression: number;
  readonly plainBytes: number;
}

/** Compresses what is to be sealed, where that gains. `plain` must stay as it is until the frame was added. */
export function frameBody(kind: FrameBody['kind'], plain: Uint8Array, level = LEVEL_MIN): FrameBody {
  return bodyOf(kind, plain, compress(plain, level));
}

/** The same beside the calling thread. */
export async function frameBodyAside(kind: FrameBody['kind'], plain: Uint8Array, level: number): Promise<FrameBody> {
  return bodyOf(kind, plain, await compressAside(plain, level));
}

function bodyOf(kind: FrameBody['kind'], plain: Uint8Array, compressed: Uint8Array | undefined): FrameBody {
  return {
    kind,
    body: compressed ?? plain,
    compression: compressed ? COMPRESSION.zstd : COMPRESSION.none,
    plainBytes: plain.length,
  };
}

/** Padmé adds less than 1/32 to what is 64 KiB or longer. */
const zeros = new Uint8Array(PACK_MAX_BYTES / 32);
const head = Buffer.alloc(HEAD_PLAIN_BYTES);

/** Seals frames, one after another, into a buffer that holds `maxBytes`. One pack, one salt, never continued. */
export class PackWriter {
  readonly #out: Uint8Array;
  readonly #key: KeyObject;
  readonly #maxBytes: number;
  #position = PACK_HEADER_BYTES;
  #frames = 0;

  constructor(out: Uint8Array, stateKey: Uint8Array, state: StateId, random: RandomBytes, maxBytes = PACK_MAX_BYTES) {
    const salt = random(SALT_BYTES);
    out.set(PACK_MAGIC, 0);
    out.set(salt, PACK_MAGIC.length);
    this.#out = out;
    this.#maxBytes = maxBytes;
    this.#key = createSecretKey(packKey(stateKey, salt, state));
  }

  get frames(): number {
    return this.#frames;
  }

  /** Whether that body fits, with the padding frame behind it. */
  fits(frame: FrameBody): boolean {
    const end = this.#position + HEAD_BYTES + frame.body.length + TAG_BYTES + LAST_FRAME_MIN_BYTES;
    return padmeBytes(end) <= this.#maxBytes && this.#frames + 2 <= PACK_FRAMES_MAX;
  }

  /** Seals one frame and returns its number. Call `fits` first. */
  add(frame: FrameBody): number {
    return this.#add(frame.kind, frame.compression, frame.body, frame.plainBytes, false);
  }

  /** Adds the padding frame; the pack is whole then. */
  finish(): { id: PackId; sizeBytes: number } {
    const sizeBytes = padmeBytes(this.#position + LAST_FRAME_MIN_BYTES);
    const padding = sizeBytes - this.#position - LAST_FRAME_MIN_BYTES;
    this.#add(KIND.padding, COMPRESSION.none, zeros.subarray(0, padding), padding, true);
    const id = packId(digest(this.#out.subarray(0, sizeBytes)).toString('hex'));
    return { id, sizeBytes };
  }

  #add(kind: Kind, compression: number, body: Uint8Array, plainBytes: number, last: boolean): number {
    const number = this.#frames++;
    head[0] = kind;
    head[1] = compression;
    head[2] = last ? 1 : 0;
    head.writeUInt32LE(body.length + TAG_BYTES, 4);
    head.writeUInt32LE(plainBytes, 8);
    this.#position += sealInto(this.#out, this.#position, this.#key, KIND.head, 2 * number, false, head);
    this.#position += sealInto(this.#out, this.#position, this.#key, kind, 2 * number + 1, last, body);
    return number;
  }
}
