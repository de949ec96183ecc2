/** The face of the restore room. */
export { readSnapshotDetails, restoreSnapshot } from './restore-snapshot.ts';
export type { RestoreEvents, RestoreOptions, RestoreResult, SnapshotDetails } from './types.ts';
