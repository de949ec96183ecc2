import { ResettleError } from '../../../common/errors.ts';
import { stateId } from '../../../common/ids.ts';
import type {
  AskKeys,
  AskMissing,
  Holding,
  KeyFile,
  PointAnswer,
  WantSnapshot,
} from '../../../protocols/point/messages.ts';
import { joinPackIds, splitPackIds } from '../../../protocols/point/point.ts';
import type { Store } from '../../../state/store/index.ts';
import type { HeldStates } from './held-states.ts';
import type { Parties } from './parties.ts';

export interface AnswerParts {
  readonly store: Store;
  readonly held: HeldStates;
  readonly parties: Parties;
}

/** What is held for whoever asks; empty: everything. Throws `refused` where `wanted` is held for others. */
export function find({ held, parties }: AnswerParts, wanted: string, peer: string): Holding[] {
  const holdings: Holding[] = [];
  for (const one of held.all()) {
    const { state, snapshots, usage, newest } = one;
    if (snapshots.length === 0 || (wanted !== '' && state !== wanted)) continue;
    const association = parties.associationOf(one);
    if (association && (association.destination === peer || association.body.source === peer)) {
      const partial = newest === undefined || newest.spread || newest.missing > 0;
      holdings.push({
        state,
        association: association.id,
        snapshots: [...snapshots],
        bytes: usage.usedBytes,
        partial,
      });
    } else if (wanted !== '') {
      parties.party(state, peer, ['source', 'destination']);
    }
  }
  return holdings;
}

/** Of these packs, those that are not here. Throws `refused`. */
export async function missing(
  { store, held, parties }: AnswerParts,
  question: AskMissing,
  peer: string,
): Promise<Uint8Array> {
  const state = stateId(question.state);
  const ids = splitPackIds(question.packs);
  // Of a state that is not here, every pack is missing: that says nothing to a stranger.
  if (!held.get(state)) return question.packs;
  parties.party(state, peer, ['source', 'destination', 'claimant']);
  return joinPackIds(await store.missingPacks(state, ids));
}

/** As many as a commit brings. */
const KEYS_PER_STATE_MAX = 8;

/** The key files, as a copy has them. Throws `refused`, `not-found`. */
export async function keysOf({ store, parties }: AnswerParts, question: AskKeys, peer: string): Promise<KeyFile[]> {
  const state = stateId(question.state);
  parties.party(state, peer, ['holder']);
  const keys: KeyFile[] = [];
  for (const name of await store.keyNames(state)) {
    const bytes = name === 'passphrase' ? undefined : await store.readKey(state, name).catch(() => undefined);
    if (bytes && bytes.length > 0) keys.push({ name, bytes });
  }
  return keys.slice(0, KEYS_PER_STATE_MAX);
}

/** A descriptor, and for the destination a key file, which may be absent. Throws `refused`, `not-found`. */
export async function snapshotOf(
  { store, parties }: AnswerParts,
  { state: text, snapshot, key: keyName }: WantSnapshot,
  peer: string,
): Promise<Partial<PointAnswer>> {
  const state = stateId(text);
  if (keyName !== '' && keyName !== 'recovery' && keyName !== 'code') {
    throw new ResettleError('usage', `there is no key file of the name ${JSON.stringify(keyName.slice(0, 20))}`);
  }
  const { association } = parties.party(state, peer, ['source', 'destination']);
  const descriptor = await store.readDescriptor(state, snapshot);
  if (!descriptor) throw new ResettleError('not-found', `snapshot ${snapshot} of state ${state} is not here`);
  const { destination } = association;
  if (destination !== peer) return { descriptor };
  const key = await store.readKey(state, keyName === '' ? destination : keyName);
  return key ? { descriptor, key } : { descriptor };
}
