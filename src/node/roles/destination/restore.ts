import { messageOf } from '../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../common/ids.ts';
import type { Association, AssociationTerms } from '../../../state/records/index.ts';
import { readSnapshotDetails } from '../../../state/restore/index.ts';
import type { Emit } from '../../events.ts';
import type { FleetView } from '../../fleet-view.ts';
import { Acknowledgement, type RestoreReceipt } from './acknowledge.ts';
import { type Applied, type ApplyOptions, applySnapshot, type RestoreWish } from './apply.ts';
import { findState, type Wanted } from './find-state.ts';
import { type Given, HolderSource } from './holders/holder-source.ts';
import type { Timing } from './holders/timing.ts';
import { type KeySecrets, openStateKey, type StateKeyWays } from './open-key.ts';
import { Patience } from './patience.ts';
import type { OwnPoint } from './point-access.ts';
import { type SettledSnapshot, settleSnapshot } from './settle-snapshot.ts';

export interface RestoreRequest extends Wanted, RestoreWish, KeySecrets {}

export interface RestoreDone extends Applied {
  readonly state: StateId;
  readonly snapshot: number;
  readonly association: string;
  readonly machine: PeerIdText;
  readonly machineName: string;
  /** Who gave the descriptor. */
  readonly point: PeerIdText;
  readonly pointName: string;
  /** Who gave packs, and how many bytes, those that came twice among them. */
  readonly holders: readonly Given[];
  /** False where nobody could say that there is no newer snapshot. */
  readonly confirmedNewest: boolean;
  /** Null where nothing was acknowledged: a dry run, or a snapshot that was acknowledged before. */
  readonly receipt: RestoreReceipt | null;
}

export interface DestinationOptions extends ApplyOptions {
  readonly fleet: FleetView;
  /** This agent's own point, which may hold the state as well as any other. */
  readonly point: OwnPoint | undefined;
  readonly keys: StateKeyWays;
  /** Compares this machine with the one that was captured, in place. Throws `refused`. */
  readonly guardMachine?: ((association: Association, state: StateId, emit: Emit) => void) | undefined;
  /** What the association says of users. Throws `refused` where it is sealed to others. */
  readonly termsOf?: ((association: Association) => Promise<AssociationTerms | undefined>) | undefined;
  /** Keeps trials from running meanwhile; returns what lets them go on. */
  readonly pauseTrials?: (() => () => void) | undefined;
  readonly timing?: Timing | undefined;
}

/** Restores the state that points hold for this machine. */
export async function restoreFromPoint(
  options: DestinationOptions,
  request: RestoreRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<RestoreDone> {
  const { fleet, keys, clock } = options;
  const resumeTrials = options.pauseTrials?.();
  try {
    const onNote = (message: string): void => emit({ event: 'note', message });
    const ticketFor = keys.ticket?.association();
    const patience = new Patience(clock, onNote, options.timing);
    const found = await findState({ fleet, point: options.point, ticketFor, clock, onNote, patience }, request, signal);
    const { state, association, sourceName } = found;
    // Who made it is settled before the key is opened.
    const settled = await settleSnapshot(found, fleet.roster(), request.snapshot, { onNote, patience }, signal);
    options.guardMachine?.(association, state, emit);
    const opened = await openStateKey(keys, request, { ...settled, association }, patience, signal);
    const details = await readSnapshotDetails(settled.descriptor, opened.key);
    tellWhat(settled, { sourceName, capturedAtNs: details.capturedAtNs, opened: opened.shown }, onNote);

    const word = new Acknowledgement(fleet, { association, header: settled.header }, request, onNote);
    const { applied, given } = await apply(
      options,
      { ...settled, association, key: opened.key },
      word,
      {
        ...request,
        mapUsers: await mappingsOf(options, association, request, onNote),
        identity: request.identity ?? (association.body.mode === 'in-place' ? 'same' : 'new'),
      },
      emit,
      signal,
    );
    const receipt = await word.restored(
      applied,
      given.map(({ peerId }) => peerId),
    );
    if (receipt && ticketFor === association.id) {
      await keys.ticket
        ?.spendTicket()
        .catch((error: unknown) => onNote(`the ticket was not removed: ${messageOf(error)}`));
    }
    return {
      ...applied,
      state,
      snapshot: settled.header.snapshot,
      association: association.id,
      machine: association.body.source,
      machineName: sourceName,
      point: settled.from.peerId,
      pointName: settled.from.name,
      holders: given,
      confirmedNewest: settled.confirmedNewest,
      receipt: receipt ?? null,
    };
  } finally {
    resumeTrials?.();
  }
}

/** Whose files become whose: as the person says, else as the association does. */
async function mappingsOf(
  { termsOf }: DestinationOptions,
  association: Association,
  { mapUsers }: Pick<RestoreRequest, 'mapUsers'>,
  onNote: (message: string) => void,
): Promise<RestoreRequest['mapUsers']> {
  if (mapUsers.length > 0 || !termsOf) return mapUsers;
  try {
    const said = (await termsOf(association))?.mapUsers ?? [];
    if (said.length > 0)
      onNote(`users as the association says: ${said.map(({ from, to }) => `${from}=${to}`).join(', ')}`);
    return said;
  } catch (error) {
    onNote(`${messageOf(error)}; if users have other names here, give --map-user`);
    return mapUsers;
  }
}

/** Brings it to its place, from whoever gives it, and says how that goes. */
async function apply(
  options: DestinationOptions,
  subject: SettledSnapshot & { readonly association: Association; readonly key: Uint8Array },
  word: Acknowledgement,
  request: RestoreRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<{ applied: Applied; given: Given[] }> {
  const { descriptor, header, association, key, holders } = subject;
  const source = new HolderSource({
    state: header.stateId,
    packs: header.packs,
    holders,
    clock: options.clock,
    onNote: (message) => emit({ event: 'note', message }),
    ...(options.timing && { timing: options.timing }),
  });
  try {
    const applied = await applySnapshot(
      options,
      {
        descriptor,
        stateKey: key,
        expected: { stateId: header.stateId, source: association.body.source, association: association.id },
        source: {
          get: (...pack) => {
            word.restoring();
            return source.get(...pack);
          },
        },
      },
      request,
      emit,
      signal,
    );
    await source.close();
    return { applied, given: source.given() };
  } catch (error) {
    source.abort(error instanceof Error ? error : new Error(String(error)));
    await word.failed(error, signal.aborted);
    throw error;
  }
}

function tellWhat(
  { header, from, confirmedNewest, isOlder }: SettledSnapshot,
  what: { readonly sourceName: string; readonly capturedAtNs: bigint; readonly opened: string },
  onNote: (message: string) => void,
): void {
  const when = new Date(Number(what.capturedAtNs / 1_000_000n)).toISOString();
  onNote(
    `snapshot ${header.snapshot} of ${what.sourceName}, captured ${when}, from ${from.name}, opened by ${what.opened}`,
  );
  if (isOlder) onNote('there is a newer snapshot: this one was asked for');
  else if (!confirmedNewest) {
    onNote('nobody else could say whether this is the newest snapshot: look at when it was captured');
  }
}
