/** The face of the tools room. */
export { type ExportReaders, type ExportResult, exportSnapshot } from './export-snapshot.ts';
export { type ListedEntry, listEntries } from './list-entries.ts';
export { type OpenedSnapshot, openSnapshotFile, openSnapshotOf } from './opened-snapshot.ts';
export { type PruneResult, pruneState, type Retention } from './prune-state.ts';
export { readDescriptors } from './read-descriptors.ts';
export { namesOfShownPath } from './shown-path.ts';
export { verifyState } from './verify-state.ts';
export type { Damage, VerifyResult } from './verify-types.ts';
export { writeNewFile } from './write-new-file.ts';
