import { z } from 'zod';
import type { AssociationId, PackId, PeerIdText, StateId } from '../../../common/ids.ts';
import { DESCRIPTOR_PACKS_MAX_BYTES, SPREAD_SNAPSHOTS_MAX } from '../../../common/limits.ts';
import { parseBy } from '../../../common/parse-by.ts';
import type { LeaseTerms } from './leases/leases.ts';

const HASH = z.string().regex(/^[0-9a-f]{64}$/);
/** Eight key files, and as many again while they are replaced. */
const KEY_NOTES_MAX = 16;
const count = z.number().int().nonnegative();

/** STORE/states/<id>/state.json: what a point may know of a state. A hint: who may do what is decided by signed records. */
const StateInfoSchema = z.object({
  version: z.literal(1),
  state: HASH,
  association: HASH,
  source: z.string().max(64),
  status: z.enum(['receiving', 'held']),
  lease: z
    .object({ id: HASH, peer: z.string().max(64), copy: z.boolean(), bytes: count, baseBytes: count })
    .nullable()
    .catch(null),
  /** Earlier versions marked what was left unfinished by a lease without an id. */
  unfinished: z.boolean().catch(true),
  spread: z
    .array(z.object({ snapshot: count, packs: z.string().max(DESCRIPTOR_PACKS_MAX_BYTES * 2) }))
    .max(SPREAD_SNAPSHOTS_MAX)
    .catch([]),
  keys: z
    .array(z.object({ name: z.string().max(64), hash: HASH }))
    .max(KEY_NOTES_MAX)
    .catch([]),
  keep: z.object({ committedAtMs: count, acknowledgedAtMs: count.nullable() }).nullable().catch(null),
  scrub: z.object({ after: HASH.nullable(), doneAtMs: count.nullable(), bad: count }).nullable().catch(null),
});

/** Of a key file, when it was brought. */
export interface KeyNote {
  readonly name: string;
  /** BLAKE3, 64 hex digits. */
  readonly hash: string;
}

/** Since when a state is kept, in time that this point observed. */
export interface KeepMarks {
  /** Since the newest snapshot was committed here. */
  readonly committedAtMs: number;
  /** Since this point knows that the destination has restored it; null: it has not. */
  readonly acknowledgedAtMs: number | null;
}

export interface ScrubMarks {
  /** Packs up to this id have been read in the scrub that is under way. */
  readonly after: PackId | null;
  /** When the last one ended, in time that this point observed. */
  readonly doneAtMs: number | null;
  /** Packs, descriptors and key files that were missing or damaged then. */
  readonly bad: number;
}

export interface StateInfo {
  readonly version: 1;
  readonly state: StateId;
  readonly association: AssociationId;
  readonly source: PeerIdText;
  /** `receiving` until the first commit, then `held`. */
  readonly status: 'receiving' | 'held';
  /** The living lease, if there is one. */
  readonly lease: LeaseTerms | null;
  /** There are packs that no descriptor refers to. */
  readonly unfinished: boolean;
  /** Of snapshots that are spread over several points: which packs this one shall hold, as in a commit, in base64. */
  readonly spread: readonly { readonly snapshot: number; readonly packs: string }[];
  /** Several of one name while it is replaced. */
  readonly keys: readonly KeyNote[];
  readonly keep: KeepMarks | null;
  readonly scrub: ScrubMarks | null;
}

/** The hint if it is one, else undefined. What is damaged in it is left out. */
export function parseStateInfo(value: unknown): StateInfo | undefined {
  const parsed = parseBy(StateInfoSchema, value);
  return parsed.success ? (parsed.data as unknown as StateInfo) : undefined;
}

/** What is known of a state that nothing has been stored of. */
export function newStateInfo(state: StateId, association: AssociationId, source: PeerIdText): StateInfo {
  return {
    version: 1,
    state,
    association,
    source,
    status: 'receiving',
    lease: null,
    unfinished: false,
    spread: [],
    keys: [],
    keep: null,
    scrub: null,
  };
}
