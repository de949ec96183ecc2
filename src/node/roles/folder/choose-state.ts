import { messageOf, ResettleError } from '../../../common/errors.ts';
import { stateId } from '../../../common/ids.ts';
import { NAME_TEXT_MAX, STORE_STATES_TRIED_MAX } from '../../../common/limits.ts';
import { formatBytes } from '../../../common/sizes.ts';
import { openDescriptor, type SnapshotHeader } from '../../../state/format/index.ts';
import type { Roster } from '../../../state/records/index.ts';
import { readSnapshotDetails, type SnapshotDetails } from '../../../state/restore/index.ts';
import type { HeldState, Store } from '../../../state/store/index.ts';
import type { Home } from '../../home/home.ts';
import type { Fleet } from '../../membership/fleet.ts';
import { nameOf } from '../../membership/machines.ts';
import type { Wanted } from '../destination/find-state.ts';
import { keyOpener, type OpenedKey, refuseUnopened, type Secrets } from './open-key.ts';

/** A snapshot of a store, its key opened and its signature verified. */
export interface ChosenSnapshot {
  readonly key: OpenedKey;
  readonly descriptor: Uint8Array;
  readonly header: SnapshotHeader;
  readonly details: SnapshotDetails;
}

type Opened = { readonly held: HeldState; readonly key: OpenedKey };
type Read = Opened & { readonly snapshot: ChosenSnapshot | Error };

/** So much of a peer id tells one machine from every other that somebody could make up in good time. */
const FINGERPRINT_CHARS = 20;

/**
 * The snapshot of a store that `restore` shall take: of the states that the secrets open, the one that is wanted. `from`
 * is a member's name, the name in the snapshot, or a prefix of the peer id that signed it.
 * Throws `not-found`, `refused` (no key opens it), `ambiguous`, `unconfirmed` (a stranger signed it), `damaged`.
 */
export async function chooseState(
  store: Store,
  { home, fleet }: { readonly home: Home; readonly fleet: Fleet },
  wanted: Wanted,
  secrets: Secrets,
): Promise<ChosenSnapshot> {
  const roster = fleet.log.roster();
  const self = fleet.identity.peerId;
  const states = await candidates(store, wanted);
  const tryKey = await keyOpener(secrets, { home, identity: fleet.identity });
  const opened: Opened[] = [];
  for (const held of states) {
    const key = await tryKey(store, held.stateId);
    if (key) opened.push({ held, key });
  }
  if (opened.length === 0) {
    const ids = states.map((held) => held.stateId);
    return refuseUnopened(store, ids, secrets, (key) => (key.startsWith('12D3') ? nameOf(roster, key as never) : key));
  }
  const read = await Promise.all(
    opened.map(async (one): Promise<Read> => ({ ...one, snapshot: await readOne(store, one, wanted) })),
  );
  const fitting = read.filter((one) => wanted.from === undefined || isFrom(one.snapshot, wanted.from, roster));
  if (fitting.length > 1) throw severalStates(store, fitting, roster);
  const chosen = (fitting[0] ?? (read.length === 1 ? read[0] : undefined))?.snapshot;
  if (chosen instanceof Error) throw chosen;
  if (!chosen || fitting.length === 0) {
    throw new ResettleError('not-found', `no state in ${store.dir} that can be opened is from ${wanted.from}`, {
      hint: `there are ${read.map((one) => shown(one, roster)).join(', ')}`,
    });
  }
  confirm(chosen, wanted, roster, self);
  return chosen;
}

async function candidates(store: Store, wanted: Wanted): Promise<HeldState[]> {
  const id = wanted.state === undefined ? undefined : stateId(wanted.state);
  const held = (await store.states()).filter(({ snapshots }) => snapshots.length > 0);
  const states = held.filter((one) => id === undefined || one.stateId === id);
  if (states.length === 0) {
    throw new ResettleError(
      'not-found',
      id === undefined ? `there is no snapshot in ${store.dir}` : `there is no snapshot of state ${id} in ${store.dir}`,
      { hint: held.length > 0 ? `there are ${held.map((one) => one.stateId).join(', ')}` : 'capture to it first' },
    );
  }
  if (states.length > STORE_STATES_TRIED_MAX) {
    throw new ResettleError('ambiguous', `${store.dir} holds ${states.length} states`, {
      hint: 'name the one that you want: --state ID',
    });
  }
  return states;
}

async function readOne(store: Store, { held, key }: Opened, wanted: Wanted): Promise<ChosenSnapshot | Error> {
  const number = wanted.snapshot ?? held.snapshots.at(-1)!;
  try {
    const descriptor = await store.readDescriptor(held.stateId, number);
    if (!descriptor) {
      throw new ResettleError('not-found', `state ${held.stateId} has no snapshot ${number} in ${store.dir}`, {
        hint: `it has ${held.snapshots.join(', ')}`,
      });
    }
    const header = await openDescriptor(descriptor);
    if (header.stateId !== held.stateId || header.snapshot !== number) {
      throw new ResettleError('damaged', `what ${store.dir} has as snapshot ${number} is another snapshot`, {
        hint: 'somebody has exchanged files: use another copy',
      });
    }
    const details = await readSnapshotDetails(descriptor, key.key);
    return { key, descriptor, header, details: { ...details, machineName: plainName(details.machineName) } };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A stranger chose it: nothing in it may move a terminal's cursor. */
const plainName = (name: string): string => name.slice(0, NAME_TEXT_MAX).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');

function isFrom(snapshot: ChosenSnapshot | Error, from: string, roster: Roster): boolean {
  if (snapshot instanceof Error) return false;
  const { source } = snapshot.header;
  const member = roster.members.get(source);
  return (member ? member.name : snapshot.details.machineName) === from || source.startsWith(from);
}

function shown({ held, snapshot }: Read, roster: Roster): string {
  const name =
    snapshot instanceof Error
      ? messageOf(snapshot)
      : (roster.members.get(snapshot.header.source)?.name ?? snapshot.details.machineName);
  return `${held.stateId} (${name}, ${formatBytes(held.usedBytes)})`;
}

function severalStates(store: Store, states: readonly Read[], roster: Roster): ResettleError {
  const list = states.map((one) => shown(one, roster)).join(', ');
  return new ResettleError('ambiguous', `${store.dir} holds several states that can be opened: ${list}`, {
    hint: 'name the one that you want: --state ID, or --from MACHINE',
  });
}

/**
 * Anybody can wrap a key to a machine whose public key he knows. So a state is taken from a member of this fleet, from
 * this machine, from whoever shares the passphrase, or from the signer that a person named by the fingerprint.
 */
function confirm({ key, header, details }: ChosenSnapshot, wanted: Wanted, roster: Roster, self: string): void {
  const { source } = header;
  if (key.by === 'source' && source !== self) {
    throw new ResettleError(
      'refused',
      `state ${header.stateId} is this machine's, but ${source} signed this snapshot`,
      {
        hint: 'somebody has exchanged files: use another copy',
      },
    );
  }
  if (source === self || key.by === 'passphrase' || roster.members.get(source)?.status === 'active') return;
  const { from } = wanted;
  if (from !== undefined && from.length >= FINGERPRINT_CHARS && source.startsWith(from)) return;
  throw new ResettleError(
    'unconfirmed',
    `this state was signed by ${source}, no member of this machine's fleet, who calls the machine ${JSON.stringify(details.machineName)}`,
    { hint: `if that is the old machine's peer id, say so: --from ${source}` },
  );
}

/** Whose state it is, for people. */
export function signerOf({ header }: ChosenSnapshot, roster: Roster, self: string): string {
  const member = roster.members.get(header.source);
  if (header.source === self) return `this machine (${header.source})`;
  if (member?.status === 'active') return `${member.name} (${header.source})`;
  return `${header.source}, no member of this machine's fleet`;
}
