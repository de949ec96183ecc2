import type { PackId, StateId } from '../../common/ids.ts';
import type { PackSink, PackSource, SealedPack } from '../../common/ports.ts';
import { damaged } from '../format/damaged.ts';
import type { Store } from './store.ts';

/** Puts packs into one state of a store, as a capture without a network does. */
export function storeSink(store: Store, state: StateId): PackSink {
  return {
    async put(pack: SealedPack, signal: AbortSignal) {
      const buffer = await store.borrow(signal);
      buffer.set(pack.bytes);
      await store.storePack(state, pack.id, buffer, pack.bytes.length);
    },
  };
}

/** Gives the packs of one state of a store, as a restore without a network needs them. */
export function storeSource(store: Store, state: StateId): PackSource {
  return {
    async get(id: PackId, sizeBytes: number, into: Uint8Array) {
      const size = await store.loadPack(state, id, into);
      if (size !== sizeBytes) throw damaged(`pack ${id.slice(0, 12)} has ${size} bytes instead of ${sizeBytes}`);
    },
  };
}
