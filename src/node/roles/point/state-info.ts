import { z } from 'zod';
import type { AssociationId, PeerIdText, StateId } from '../../../common/ids.ts';

const HASH = z.string().regex(/^[0-9a-f]{64}$/);

/** STORE/states/<id>/state.json: what a point may know of a state. A hint: who may do what is decided by signed records. */
const StateInfoSchema = z.object({
  version: z.literal(1),
  state: HASH,
  association: HASH,
  source: z.string().max(64),
  /** `receiving` until the first commit, then `held`. */
  status: z.enum(['receiving', 'held']),
  /** The living lease, if there is one. */
  lease: z.object({ bytes: z.number().int().nonnegative(), expiresAtMs: z.number().int() }).nullable(),
});

export interface StateInfo {
  readonly version: 1;
  readonly state: StateId;
  readonly association: AssociationId;
  readonly source: PeerIdText;
  readonly status: 'receiving' | 'held';
  readonly lease: { readonly bytes: number; readonly expiresAtMs: number } | null;
}

/** The hint if it is one, else undefined. */
export function parseStateInfo(value: unknown): StateInfo | undefined {
  const parsed = StateInfoSchema.safeParse(value);
  return parsed.success ? (parsed.data as StateInfo) : undefined;
}
