/** The face of the restore room. */
export { REPLACED } from './conflict-report.ts';
export { openSnapshot } from './open-snapshot.ts';
export { readSnapshotDetails, restoreSnapshot } from './restore-snapshot.ts';
export { type UnfinishedRestore, unfinishedRestore } from './session.ts';
export type {
  ConflictCounts,
  ConflictPolicy,
  OwnerNumbers,
  RestoreAction,
  RestoreEvents,
  RestoreItem,
  RestoreOptions,
  RestorePlace,
  RestoreResult,
  SnapshotDetails,
  UndoEvents,
  UndoOptions,
  UndoResult,
  UserMapping,
} from './types.ts';
export { BROUGHT_OTHERWISE } from './types.ts';
export { type FilesStanding, hasFiles, standingOfFiles, targetOf, undoRestore } from './undo-restore.ts';
