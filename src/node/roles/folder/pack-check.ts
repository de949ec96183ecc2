import type { PackId, StateId } from '../../../common/ids.ts';
import { PACK_MAX_BYTES, VERIFY_TURN_BYTES } from '../../../common/limits.ts';
import type { Progress } from '../../../common/ports.ts';
import type { PackSize, Store } from '../../../state/store/index.ts';
import { onDisk } from './disk.ts';

/** Between two looks at whether the person has ended it. */
const PACKS_PER_TURN = VERIFY_TURN_BYTES / PACK_MAX_BYTES;

/**
 * Reads the packs of earlier captures before a new one refers to them. A disk may have lost what it was given; while the
 * source is there, that can be sealed anew. A pack is read once.
 */
export class PackCheck {
  readonly #store: Store;
  readonly #state: StateId;
  readonly #whole = new Set<PackId>();
  /** Not as their names say. */
  readonly damaged = new Set<PackId>();
  readBytes = 0;

  constructor(store: Store, state: StateId) {
    this.#store = store;
    this.#state = state;
  }

  /** Which of these are whole. Phase `check`. */
  async wholeOf(
    packs: readonly PackSize[],
    onProgress: (progress: Progress) => void,
    signal: AbortSignal,
  ): Promise<ReadonlySet<PackId>> {
    const fresh = packs.filter(({ id }) => !this.#whole.has(id) && !this.damaged.has(id));
    const totalBytes = fresh.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const before = this.readBytes;
    for (let at = 0; at < fresh.length; at += PACKS_PER_TURN) {
      signal.throwIfAborted();
      const turn = fresh.slice(at, at + PACKS_PER_TURN);
      const bad = new Set(await onDisk(this.#store.dir, this.#store.verifyPacks(this.#state, turn)));
      for (const { id, sizeBytes } of turn) {
        (bad.has(id) ? this.damaged : this.#whole).add(id);
        this.readBytes += sizeBytes;
      }
      onProgress({ phase: 'check', bytes: this.readBytes - before, totalBytes, files: 0, totalFiles: 0 });
    }
    return this.#whole;
  }
}
