/** The face of the store room. */
export { storeSink, storeSource } from './ports.ts';
export { Store } from './store.ts';
export type { HeldState, KeyName, PackSize, SnapshotFile, StateUsage, StoreOptions } from './types.ts';
