import { ResettleError } from '../../../common/errors.ts';
import type { StateId } from '../../../common/ids.ts';
import { unwrapStateKey, unwrapStateKeyByPassphrase } from '../../../state/format/index.ts';
import type { KeyName, Store } from '../../../state/store/index.ts';
import type { Home } from '../../home/home.ts';
import type { Identity } from '../../identity/identity.ts';
import { readRecoveryFile } from '../../membership/recovery-file.ts';
import { readSourceState, storeLineage } from '../source/source-state.ts';

/** What a person gave to open a store with; where it is nothing, this machine's own keys are tried. */
export interface Secrets {
  readonly passphrase?: string | undefined;
  /** A file of `fleet init --recovery-out`, and its passphrase. */
  readonly recovery?: { readonly file: string; readonly passphrase: string } | undefined;
}

export interface OpenedKey {
  readonly key: Uint8Array;
  /** `source`: this machine made the state, and kept its key. */
  readonly by: 'passphrase' | 'recovery' | 'source' | 'machine';
}

export type TryKey = (store: Store, state: StateId) => Promise<OpenedKey | undefined>;

/** The keys of this machine. */
export interface OwnKeys {
  readonly home: Home;
  readonly identity: Identity;
}

/**
 * What opens the states of a store with these secrets; undefined for a state that they do not open. `own` is undefined
 * where this machine has no keys.
 */
export async function keyOpener(secrets: Secrets, own: OwnKeys | undefined): Promise<TryKey> {
  const { passphrase, recovery } = secrets;
  if (recovery) {
    const { recoveryIdentity } = await readRecoveryFile(recovery.file, recovery.passphrase);
    return byFile('recovery', 'recovery', (file) => unwrapStateKey(file, recoveryIdentity));
  }
  if (passphrase !== undefined) {
    return byFile('passphrase', 'passphrase', (file) => unwrapStateKeyByPassphrase(file, passphrase));
  }
  if (!own) return async () => undefined;
  const { home, identity } = own;
  const machine = byFile(identity.peerId, 'machine', (file) => unwrapStateKey(file, identity.ageIdentity));
  return async (store, state) => {
    const made = readSourceState(home, storeLineage(store.id));
    if (made?.stateId === state) return { key: made.key, by: 'source' };
    return machine(store, state);
  };
}

function byFile(name: KeyName, by: OpenedKey['by'], unwrap: (file: Uint8Array) => Promise<Uint8Array>): TryKey {
  return async (store, state) => {
    const file = await store.readKey(state, name);
    if (!file) return undefined;
    try {
      return { key: await unwrap(file), by };
    } catch (error) {
      if (error instanceof ResettleError && error.code === 'refused') return undefined;
      throw error;
    }
  };
}

/** Throws `refused`, saying which key files there are. */
export async function refuseUnopened(
  store: Store,
  states: readonly StateId[],
  secrets: Secrets,
  nameOf: (key: KeyName) => string,
): Promise<never> {
  const names = new Set<KeyName>();
  for (const state of states) for (const name of await store.keyNames(state)) names.add(name);
  const given = secrets.recovery
    ? 'the recovery key'
    : secrets.passphrase === undefined
      ? 'no key of this machine'
      : 'the passphrase';
  const opens = given.startsWith('no') ? `${given} opens` : `${given} does not open`;
  const which = states.length === 1 ? `state ${states[0]}` : `any of the ${states.length} states`;
  throw new ResettleError(
    'refused',
    `${opens} ${which} in ${store.dir}; there are keys for ${[...names].map(nameOf).join(', ') || 'nobody'}`,
    {
      hint: names.has('passphrase')
        ? 'give the passphrase with --passphrase-file F'
        : 'restore on a machine that it was captured for, or with --recovery-file F',
    },
  );
}
