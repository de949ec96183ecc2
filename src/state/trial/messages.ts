import type { AssociationId, PeerIdText, StateId } from '../../common/ids.ts';
import type { PackReference } from '../format/index.ts';
import type { ThreadError } from '../threads/thread-error.ts';

/** A snapshot as a holder gave it, what it must be, and the numbers by which packs are drawn. */
export interface TrialSnapshot {
  readonly descriptor: Uint8Array;
  readonly keyFile: Uint8Array;
  /** `AGE-SECRET-KEY-1…` of this machine. */
  readonly ageIdentity: string;
  readonly expected: {
    readonly state: StateId;
    readonly source: PeerIdText;
    readonly association: AssociationId;
    readonly snapshot: number;
    /** 64 hex digits. */
    readonly descriptorHash: string;
  };
  /** Unpredictable numbers below 2^32; each draws one pack. */
  readonly draws: readonly number[];
}

export type ToTrialWorker =
  | { readonly type: 'snapshot'; readonly snapshot: TrialSnapshot }
  | { readonly type: 'pack'; readonly sizeBytes: number; readonly buffer: ArrayBuffer };

export type FromTrialWorker =
  | { readonly type: 'drawn'; readonly packs: readonly PackReference[] }
  | { readonly type: 'opened'; readonly frames: number; readonly buffer: ArrayBuffer }
  | { readonly type: 'no'; readonly error: ThreadError; readonly buffer?: ArrayBuffer };
