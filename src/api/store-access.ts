import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, ResettleError } from '../common/errors.ts';
import { stateId } from '../common/ids.ts';
import { STORE_STATES_TRIED_MAX } from '../common/limits.ts';
import { defaultHomeDir, Home } from '../node/home/home.ts';
import { openIdentity } from '../node/identity/identity.ts';
import {
  keyOpener,
  type OpenedKey,
  type OwnKeys,
  refuseUnopened,
  type Secrets,
} from '../node/roles/folder/open-key.ts';
import type { HeldState, Store } from '../state/store/index.ts';
import { type OpenedSnapshot, openSnapshotFile } from '../state/tools/index.ts';

/** A state of a store, with its key where the secrets open it. */
export interface HeldWithKey {
  readonly held: HeldState;
  readonly key: OpenedKey | undefined;
  /** Why its key file could not be read, where that is damaged. */
  readonly problem: string | undefined;
}

export interface OpenedChoice {
  readonly held: HeldState;
  readonly key: OpenedKey;
  readonly snapshot: OpenedSnapshot;
}

/** The states of a store, or the one that is named. Throws `not-found`. */
export async function statesOf(store: Store, wanted: string | undefined): Promise<HeldState[]> {
  const all = await store.states();
  if (wanted === undefined) return all;
  const id = stateId(wanted);
  const states = all.filter((held) => held.stateId === id);
  if (states.length > 0) return states;
  throw new ResettleError('not-found', `there is no state ${id} in ${store.dir}`, {
    hint: all.length > 0 ? `there are ${all.map((held) => held.stateId).join(', ')}` : 'it holds none',
  });
}

/**
 * Tries the key of each state: with what a person gave, else with the keys of the HOME that there is. Makes no HOME.
 * Throws `refused` where a secret was given that opens none of them.
 */
export async function withKeys(
  store: Store,
  states: readonly HeldState[],
  secrets: Secrets,
  homeDir: string | undefined,
): Promise<HeldWithKey[]> {
  const given = secrets.passphrase !== undefined || secrets.recovery !== undefined;
  if (given && states.length > STORE_STATES_TRIED_MAX) {
    throw new ResettleError('ambiguous', `${store.dir} holds ${states.length} states`, {
      hint: 'name the one that you mean: --state ID',
    });
  }
  const tryKey = await keyOpener(secrets, given ? undefined : await ownKeys(homeDir));
  const opened: HeldWithKey[] = [];
  for (const held of states) {
    try {
      opened.push({ held, key: await tryKey(store, held.stateId), problem: undefined });
    } catch (error) {
      if (!(error instanceof ResettleError) || error.code !== 'damaged') throw error;
      opened.push({ held, key: undefined, problem: messageOf(error) });
    }
  }
  const ids = states.map((held) => held.stateId);
  if (given && states.length > 0 && opened.every(({ key, problem }) => !key && problem === undefined)) {
    await refuseUnopened(store, ids, secrets, (name) => name);
  }
  return opened;
}

/** The keys of a HOME that is there. */
async function ownKeys(homeDir: string | undefined): Promise<OwnKeys | undefined> {
  const dir = homeDir ?? defaultHomeDir();
  if (!existsSync(join(dir, 'identity.key'))) return undefined;
  const home = new Home(dir);
  return { home, identity: await openIdentity(home) };
}

/**
 * The one snapshot that is meant, opened: of the named state, or of the only one that opens; the named number, or the
 * newest. Throws `not-found`, `refused`, `ambiguous`, `damaged`.
 */
export async function chooseSnapshot(
  store: Store,
  wanted: { readonly state?: string | undefined; readonly snapshot?: number | undefined } & Secrets,
  homeDir: string | undefined,
): Promise<OpenedChoice> {
  const states = (await statesOf(store, wanted.state)).filter(({ snapshots }) => snapshots.length > 0);
  if (states.length === 0) {
    throw new ResettleError('not-found', `there is no snapshot in ${store.dir}`, { hint: 'capture to it first' });
  }
  const all = await withKeys(store, states, wanted, homeDir);
  const opened = all.flatMap(({ held, key }) => (key ? [{ held, key }] : []));
  const problem = all.find((one) => one.problem !== undefined)?.problem;
  if (opened.length > 1) {
    throw new ResettleError('ambiguous', `${store.dir} holds ${opened.length} states that can be opened`, {
      hint: `name the one that you mean with --state ID: ${opened.map(({ held }) => held.stateId).join(', ')}`,
    });
  }
  const [choice] = opened;
  if (!choice) {
    if (problem !== undefined) throw new ResettleError('damaged', problem, { hint: 'use another copy of this store' });
    return refuseUnopened(
      store,
      states.map(({ stateId: id }) => id),
      wanted,
      (name) => name,
    );
  }
  return { ...choice, snapshot: await openSnapshot(store, choice.held, choice.key, wanted.snapshot) };
}

async function openSnapshot(
  store: Store,
  { stateId: id, snapshots }: HeldState,
  { key }: OpenedKey,
  wanted: number | undefined,
): Promise<OpenedSnapshot> {
  const number = wanted ?? snapshots.at(-1)!;
  const descriptor = await store.readDescriptor(id, number);
  if (!descriptor) {
    throw new ResettleError('not-found', `state ${id} has no snapshot ${number} in ${store.dir}`, {
      hint: `it has ${snapshots.join(', ')}`,
    });
  }
  const opened = await openSnapshotFile(descriptor, key);
  if (opened.header.stateId !== id || opened.header.snapshot !== number) {
    throw new ResettleError('damaged', `what ${store.dir} has as snapshot ${number} is another snapshot`, {
      hint: 'somebody has exchanged files: use another copy',
    });
  }
  return opened;
}
