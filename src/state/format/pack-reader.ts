import { createSecretKey, type KeyObject } from 'node:crypto';
import { asBuffer } from '../../common/bytes.ts';
import type { StateId } from '../../common/ids.ts';
import { PACK_FRAMES_MAX, PACK_MAX_BYTES, SEGMENT_PLAIN_MAX_BYTES } from '../../common/limits.ts';
import { decompress } from './compression.ts';
import { damaged } from './damaged.ts';
import { KIND, type Kind, open, TAG_BYTES } from './frame-cipher.ts';
import { packKey } from './keys.ts';
import { COMPRESSION, HEAD_BYTES, PACK_HEADER_BYTES, PACK_MAGIC } from './pack-layout.ts';

/** One content or manifest frame of a pack. */
export interface Frame {
  readonly number: number;
  readonly kind: typeof KIND.content | typeof KIND.manifest;
  /** Opens and decompresses the body. Throws `damaged`. */
  plain(): Uint8Array;
}

/** The head of a frame, opened. */
export interface Head {
  kind: Kind;
  compression: number;
  last: boolean;
  bodyBytes: number;
  plainBytes: number;
}

/** Reads the plaintext of a head. Throws `damaged` for what no writer writes. */
export function readHead(plain: Buffer): Head {
  const [kind, compression, last] = [plain[0]!, plain[1]!, plain[2]!];
  const head: Head = {
    kind: kind as Kind,
    compression,
    last: last === 1,
    bodyBytes: plain.readUInt32LE(4),
    plainBytes: plain.readUInt32LE(8),
  };
  const known = kind === KIND.content || kind === KIND.manifest || kind === KIND.padding;
  const honest =
    known &&
    last <= 1 &&
    head.last === (kind === KIND.padding) &&
    plain[3] === 0 &&
    plain.readUInt32LE(12) === 0 &&
    head.bodyBytes >= TAG_BYTES &&
    (compression === COMPRESSION.none
      ? head.plainBytes === head.bodyBytes - TAG_BYTES
      : compression === COMPRESSION.zstd && kind !== KIND.padding) &&
    (head.last || head.plainBytes <= SEGMENT_PLAIN_MAX_BYTES);
  if (!honest) throw damaged('the head of a frame says what no writer writes');
  return head;
}

/** Opens and decompresses the body of a frame that is not the last; `into`: see `readPack`. Throws `damaged`. */
export function openBody(key: KeyObject, number: number, head: Head, body: Uint8Array, into?: Buffer): Uint8Array {
  const opened = open(key, head.kind, 2 * number + 1, false, body, into);
  return head.compression === COMPRESSION.zstd ? decompress(opened, head.plainBytes) : opened;
}

/**
 * Yields the frames of a pack in order. Heads and the padding are always verified, bodies when `plain()` is called.
 * The pack is whole only when the generator has ended: its last frame has verified then. `into`: memory of
 * SEGMENT_PLAIN_MAX_BYTES, in which the plaintext of content is good until the next one. Throws `damaged`.
 */
export function* readPack(
  pack: Uint8Array,
  stateKey: Uint8Array,
  state: StateId,
  into?: Buffer,
): Generator<Frame, void> {
  if (pack.length > PACK_MAX_BYTES || pack.length < PACK_HEADER_BYTES) throw damaged('a pack has no such size');
  if (!asBuffer(pack.subarray(0, PACK_MAGIC.length)).equals(PACK_MAGIC)) throw damaged('this is not a pack');
  const key = createSecretKey(packKey(stateKey, pack.subarray(PACK_MAGIC.length, PACK_HEADER_BYTES), state));
  let position = PACK_HEADER_BYTES;
  for (let number = 0; number < PACK_FRAMES_MAX; number++) {
    if (position + HEAD_BYTES > pack.length) throw damaged('a pack ends before its last frame');
    const sealedHead = pack.subarray(position, position + HEAD_BYTES);
    const head = readHead(open(key, KIND.head, 2 * number, false, sealedHead));
    position += HEAD_BYTES;
    const end = position + head.bodyBytes;
    if (end > pack.length) throw damaged('a pack ends within a frame');
    const body = pack.subarray(position, end);
    position = end;
    if (head.last) {
      const zeros = open(key, head.kind, 2 * number + 1, true, body);
      if (zeros.some((byte) => byte !== 0)) throw damaged('the padding of a pack is not zeros');
      if (position !== pack.length) throw damaged('a pack goes on after its last frame');
      return;
    }
    yield {
      number,
      kind: head.kind as Frame['kind'],
      plain: () => openBody(key, number, head, body, head.kind === KIND.content ? into : undefined),
    };
  }
  throw damaged(`a pack has more than ${PACK_FRAMES_MAX} frames`);
}
