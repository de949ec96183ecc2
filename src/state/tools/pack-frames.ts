import { createSecretKey, type KeyObject } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import type { PackId, StateId } from '../../common/ids.ts';
import { PACK_FRAMES_MAX, PACK_MAX_BYTES, TOOL_OPEN_PACKS_MAX, TOOL_OPEN_SEGMENTS_MAX } from '../../common/limits.ts';
import { damaged } from '../format/damaged.ts';
import { KIND, open } from '../format/frame-cipher.ts';
import { packKey } from '../format/keys.ts';
import { HEAD_BYTES, PACK_HEADER_BYTES, PACK_MAGIC } from '../format/pack-layout.ts';
import { type Head, openBody, readHead } from '../format/pack-reader.ts';
import { segmentData } from '../format/segment.ts';
import { codeOf, isUnreadable, reasonOf } from '../fs/errno.ts';

interface OpenPack {
  readonly fd: number;
  readonly sizeBytes: number;
  readonly key: KeyObject;
  /** Of the frames found so far, in order: the opened head, and where the body lies. */
  readonly frames: { readonly head: Head; readonly bodyAt: number }[];
  nextHeadAt: number;
}

export interface StateKeys {
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
}

/**
 * Opens single frames of packs in a folder, in any order: what follows the order of paths, not of packs. A few packs and
 * segments stay open, those used last. Each frame is authentic, the pack around it is not looked at. Synchronous.
 * Throws `damaged`, naming the pack.
 */
export class PackFrames {
  readonly #pathOf: (pack: PackId) => string;
  readonly #keys: StateKeys;
  /** The pack used last stands last. */
  readonly #packs = new Map<PackId, OpenPack>();
  readonly #segments = new Map<string, Uint8Array>();

  constructor(pathOf: (pack: PackId) => string, keys: StateKeys) {
    this.#pathOf = pathOf;
    this.#keys = keys;
  }

  /** The plaintext of a manifest frame. */
  manifest(id: PackId, frame: number): Uint8Array {
    return this.#named(id, () => this.#plain(id, frame, KIND.manifest));
  }

  /** The data of a segment, from memory where it was used lately; it must not be changed. */
  segment(id: PackId, frame: number): Uint8Array {
    const key = `${id}/${frame}`;
    const known = this.#segments.get(key);
    const data = known ?? this.#named(id, () => segmentData(this.#plain(id, frame, KIND.content)));
    keepLast(this.#segments, key, data, TOOL_OPEN_SEGMENTS_MAX);
    return data;
  }

  close(): void {
    for (const { fd } of this.#packs.values()) closeSync(fd);
    this.#packs.clear();
    this.#segments.clear();
  }

  #named<T>(id: PackId, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof ResettleError && error.code !== 'damaged') throw error;
      if (!(error instanceof ResettleError) && !isUnreadable(error)) throw error;
      const why =
        error instanceof ResettleError ? error.message : codeOf(error) === 'ENOENT' ? 'it is missing' : reasonOf(error);
      throw damaged(`pack ${id} is damaged: ${why}`, error);
    }
  }

  #plain(id: PackId, frame: number, kind: typeof KIND.content | typeof KIND.manifest): Uint8Array {
    const pack = this.#packs.get(id) ?? this.#open(id);
    const dropped = keepLast(this.#packs, id, pack, TOOL_OPEN_PACKS_MAX);
    if (dropped) closeSync(dropped.fd);
    while (pack.frames.length <= frame) this.#findNext(pack);
    const { head, bodyAt } = pack.frames[frame]!;
    if (head.kind !== kind) throw damaged('a frame holds something else than the manifest says');
    return openBody(pack.key, frame, head, readExactly(pack.fd, bodyAt, head.bodyBytes));
  }

  #open(id: PackId): OpenPack {
    // Without waiting: what a stranger's disk calls a pack may be a FIFO.
    const fd = openSync(this.#pathOf(id), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) throw damaged('it is not a file');
      if (stats.size > PACK_MAX_BYTES || stats.size < PACK_HEADER_BYTES) throw damaged('a pack has no such size');
      const header = readExactly(fd, 0, PACK_HEADER_BYTES);
      if (!header.subarray(0, PACK_MAGIC.length).equals(PACK_MAGIC)) throw damaged('this is not a pack');
      const { stateKey, stateId } = this.#keys;
      const key = createSecretKey(packKey(stateKey, header.subarray(PACK_MAGIC.length), stateId));
      return { fd, sizeBytes: stats.size, key, frames: [], nextHeadAt: PACK_HEADER_BYTES };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #findNext(pack: OpenPack): void {
    const number = pack.frames.length;
    if (number >= PACK_FRAMES_MAX) throw damaged(`a pack has more than ${PACK_FRAMES_MAX} frames`);
    const bodyAt = pack.nextHeadAt + HEAD_BYTES;
    if (bodyAt > pack.sizeBytes) throw damaged('a pack ends before its last frame');
    const sealed = readExactly(pack.fd, pack.nextHeadAt, HEAD_BYTES);
    const head = readHead(open(pack.key, KIND.head, 2 * number, false, sealed));
    if (bodyAt + head.bodyBytes > pack.sizeBytes) throw damaged('a pack ends within a frame');
    if (head.last) throw damaged('a pack has fewer frames than the manifest says');
    pack.frames.push({ head, bodyAt });
    pack.nextHeadAt = bodyAt + head.bodyBytes;
  }
}

/** Puts an item last, and takes the first one out where there are too many then. */
function keepLast<K, V>(map: Map<K, V>, key: K, value: V, max: number): V | undefined {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return undefined;
  const [oldest, dropped] = map.entries().next().value!;
  map.delete(oldest);
  return dropped;
}

function readExactly(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let read = 0; read < length; ) {
    const count = readSync(fd, bytes, read, length - read, position + read);
    if (count === 0) throw damaged('it is shorter than it was');
    read += count;
  }
  return bytes;
}
