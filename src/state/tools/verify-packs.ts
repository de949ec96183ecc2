import { setImmediate as nextTurn } from 'node:timers/promises';
import { asBuffer, hexOf } from '../../common/bytes.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import type { PackId, StateId } from '../../common/ids.ts';
import { REPORT_ITEMS_MAX } from '../../common/limits.ts';
import { damaged } from '../format/damaged.ts';
import { KIND } from '../format/frame-cipher.ts';
import { digest } from '../format/index.ts';
import { type Frame, readPack } from '../format/pack-reader.ts';
import { segmentData } from '../format/segment.ts';
import { isUnreadable, reasonOf } from '../fs/errno.ts';
import type { Store } from '../store/index.ts';
import type { Piece } from './piece-buckets.ts';
import type { Contents } from './verify-manifests.ts';
import type { VerifyEvents } from './verify-types.ts';

/**
 * Reads each pack once: its size, its name's hash, and where `contents` are known the hash of each piece of a file in it.
 * A pack that is damaged costs those files only whose pieces do not open any more. At most REPORT_ITEMS_MAX are named.
 */
export async function verifyPacks(
  store: Store,
  state: StateId,
  packs: ReadonlyMap<PackId, number>,
  contents: Contents | undefined,
  on: VerifyEvents,
): Promise<void> {
  const totalBytes = [...packs.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0);
  const told = new Set<string>();
  let bytes = 0;
  let index = 0;
  for (const [pack, sizeBytes] of packs) {
    await nextTurn();
    on.signal.throwIfAborted();
    const buffer = await store.borrow(on.signal);
    try {
      const { whole, reason } = await load(store, state, pack, sizeBytes, buffer);
      if (reason !== undefined) on.onDamage({ what: 'pack', state, pack, reason });
      if (contents) {
        for (const piece of damagedPieces(contents, index, whole)) {
          const file = contents.file(piece.folder, piece.name);
          const key = `${file.snapshot} ${file.path}`;
          if (told.has(key) || told.size >= REPORT_ITEMS_MAX) continue;
          told.add(key);
          on.onDamage({ what: 'file', state, pack, ...file, reason: piece.reason });
        }
      }
    } finally {
      store.giveBack(buffer);
    }
    bytes += sizeBytes;
    index += 1;
    on.onProgress({ phase: 'packs', bytes, totalBytes, files: 0, totalFiles: 0 });
  }
}

/** The bytes of a pack, as far as there are any, and why they are not as they should be. */
async function load(
  store: Store,
  state: StateId,
  pack: PackId,
  sizeBytes: number,
  buffer: Uint8Array,
): Promise<{ whole: Uint8Array; reason?: string }> {
  let size: number;
  try {
    size = await store.loadPack(state, pack, buffer);
  } catch (error) {
    if (error instanceof ResettleError && error.code === 'not-found') return nothing('it is missing');
    if (error instanceof ResettleError && error.code === 'damaged') return nothing(error.message);
    if (isUnreadable(error)) return nothing(reasonOf(error));
    throw error;
  }
  const whole = buffer.subarray(0, size);
  if (size !== sizeBytes) return { whole, reason: `it has ${size} bytes instead of ${sizeBytes}` };
  if (hexOf(digest(whole)) !== pack) return { whole, reason: 'its bytes are not what its name says' };
  return { whole };
}

const nothing = (reason: string) => ({ whole: new Uint8Array(0), reason });

interface DamagedPiece extends Piece {
  readonly reason: string;
}

/** Every piece of a file in that pack that cannot be had from its bytes. */
function* damagedPieces(contents: Contents, index: number, whole: Uint8Array): Generator<DamagedPiece, void> {
  const { stateKey, stateId } = contents.keys;
  for (const run of contents.pieces.take(index)) {
    yield* damagedOf(run, new FramesInOrder(readPack(whole, stateKey, stateId)));
  }
}

/** The same of pieces that are ordered by frame. */
function* damagedOf(pieces: Iterable<Piece>, frames: FramesInOrder): Generator<DamagedPiece, void> {
  let check: (piece: Piece) => string | undefined = () => undefined;
  let checked = -1;
  for (const piece of pieces) {
    if (piece.frame !== checked) {
      checked = piece.frame;
      check = checkerOf(() => openContent(frames.at(piece.frame)));
    }
    const reason = check(piece);
    if (reason !== undefined) yield { ...piece, reason };
  }
}

/** The frames of a pack as far as it can be read, asked for by ascending number. */
class FramesInOrder {
  readonly #frames: Iterator<Frame, void>;
  #current: Frame | undefined;
  #failure: unknown = damaged('its pack has fewer frames than the manifest says');

  constructor(frames: Iterator<Frame, void>) {
    this.#frames = frames;
  }

  at(number: number): Frame {
    try {
      while (this.#current === undefined || this.#current.number < number) {
        const { value } = this.#frames.next();
        if (!value) break;
        this.#current = value;
      }
    } catch (error) {
      this.#failure = error;
    }
    if (this.#current?.number === number) return this.#current;
    throw this.#failure;
  }
}

/** Checks pieces of one frame against what it opens to. Several snapshots have the same piece: it is hashed once. */
function checkerOf(openData: () => Uint8Array): (piece: Piece) => string | undefined {
  let data: Uint8Array;
  try {
    data = openData();
  } catch (error) {
    const reason = messageOf(error);
    return () => reason;
  }
  const checked = new Map<string, string | undefined>();
  return ({ offset, length, hash }) => {
    const key = `${offset} ${length} ${hexOf(hash)}`;
    if (!checked.has(key)) {
      const bytes = data.subarray(offset, offset + length);
      const same = bytes.length === length && digest(bytes).equals(asBuffer(hash));
      checked.set(key, same ? undefined : 'a piece of it has another hash than the manifest says');
    }
    return checked.get(key);
  };
}

function openContent(frame: Frame): Uint8Array {
  if (frame.kind !== KIND.content) throw damaged('it lies in a frame that holds no content');
  return segmentData(frame.plain());
}
