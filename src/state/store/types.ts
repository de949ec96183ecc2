import type { PackId, PeerIdText, StateId } from '../../common/ids.ts';

/** Whose key file: a peer's, or one of the three ways without a peer. */
export type KeyName = PeerIdText | 'recovery' | 'code' | 'passphrase';

/** Bytes that a state takes on the disk. */
export interface StateUsage {
  readonly packBytes: number;
  /** Bytes of all packs, descriptors, key files, and of what was set aside as damaged. */
  readonly usedBytes: number;
}

/** A state that a store holds. */
export interface HeldState extends StateUsage {
  readonly stateId: StateId;
  /** Whatever JSON the point keeps as its hint; undefined where there is none. */
  readonly info: unknown;
  /** Ascending. */
  readonly snapshots: number[];
}

export interface PackSize {
  readonly id: PackId;
  readonly sizeBytes: number;
}

/** The file of a descriptor. */
export interface SnapshotFile {
  readonly snapshot: number;
  readonly sizeBytes: number;
  /** When the file was written, by the clock of the machine that wrote it; milliseconds since 1970. */
  readonly writtenAtMs: number;
}

export interface StoreOptions {
  /** Make the folder a store if it is none. */
  readonly create?: boolean;
  /** Nothing is written, and nothing locked. */
  readonly readOnly?: boolean;
  /** Buffers of PACK_MAX_BYTES that `borrow` may lend at once. */
  readonly buffers?: number;
}
