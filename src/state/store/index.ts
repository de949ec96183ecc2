/** The face of the store room. */
export { storeSink, storeSource } from './ports.ts';
export { Store } from './store.ts';
export type { HeldState, KeyName, PackSize, SnapshotFile, StoreOptions } from './types.ts';
