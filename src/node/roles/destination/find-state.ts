import type { Clock } from '../../../common/clock.ts';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import { type AssociationId, type PeerIdText, type StateId, stateId } from '../../../common/ids.ts';
import type { Association, Roster } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';
import { findMachine, nameOf, ownMembership } from '../../membership/machines.ts';
import { type AskedPoint, askHolders } from './ask-holders.ts';
import { awaitAssociations, noAssociation } from './associations-for.ts';
import { checkSnapshot } from './check-snapshot.ts';
import { type KnownOfState, knownOfState } from './newest.ts';
import type { Patience } from './patience.ts';
import type { OwnPoint } from './point-access.ts';

/** Which of several states a person means. */
export interface Wanted {
  /** The source: a name or a prefix of a peer id. */
  readonly from?: string | undefined;
  readonly state?: string | undefined;
  readonly snapshot?: number | undefined;
}

/** One point, and which snapshots of the state it has. */
export interface HolderOfState {
  readonly asked: AskedPoint;
  readonly snapshots: readonly number[];
}

/** A state for this machine, and who may have it. */
export interface Found {
  readonly state: StateId;
  readonly association: Association;
  readonly sourceName: string;
  readonly known: KnownOfState;
  /** Those that answered that they have something of it. */
  readonly holders: readonly HolderOfState[];
  /** Points that did not answer, and may have it. */
  readonly unreachable: readonly AskedPoint[];
}

export interface FindOptions {
  readonly fleet: FleetView;
  readonly point: OwnPoint | undefined;
  /** The association whose ticket this machine joined with: whose state it is was said with that. */
  readonly ticketFor?: AssociationId | undefined;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly onNote: (message: string) => void;
  readonly patience: Patience;
}

/**
 * The one state that `restore` shall take: asks members for the association, points for what they hold.
 * Throws `not-found`, `refused` (somebody else's), `unconfirmed` and `ambiguous` (a person must say whose).
 */
export async function findState(options: FindOptions, wanted: Wanted, signal: AbortSignal): Promise<Found> {
  const { fleet, ticketFor, onNote } = options;
  ownMembership(fleet.roster(), fleet.self);
  const wantedState = wanted.state === undefined ? undefined : stateId(wanted.state);
  await fleet.refresh(signal);
  const all = await awaitAssociations(options, { once: wantedState !== undefined, ticketFor, onNote }, signal);
  const source = wanted.from === undefined ? undefined : sourceNamed(fleet.roster(), all, wanted.from);
  const mine = all.filter(({ body }) => source === undefined || body.source === source);
  if (mine.length === 0 && wantedState === undefined) throw noAssociation(fleet.roster(), fleet.self, wanted.from);
  const asked = await askPatiently(options, mine, wantedState, signal);
  const found = statesOf(fleet, asked, mine);
  if (found.length === 0) throw nothingHeld(fleet, asked, mine, wantedState);
  const one = oneOf(await borneOut(found, signal));
  confirm(options, one, source !== undefined || wantedState !== undefined);
  return one;
}

/**
 * Where nobody who answers has it, or says of the wanted one that it is for another machine, those who do not answer are
 * waited for: whoever holds it has said so in an event that this machine may not have yet.
 */
async function askPatiently(
  { fleet, point, patience }: FindOptions,
  mine: readonly Association[],
  state: StateId | undefined,
  signal: AbortSignal,
): Promise<readonly AskedPoint[]> {
  for (;;) {
    const asked = await askHolders(fleet, point, mine, state, signal);
    const silent = asked.filter(({ problem }) => problem?.code === 'failed');
    const isOthers = state !== undefined && asked.some(({ problem }) => problem?.code === 'refused');
    if (silent.length === 0 || isOthers || asked.some(({ holdings }) => holdings.length > 0)) return asked;
    const names = silent.map(({ access }) => access.name).join(', ');
    if (!(await patience.wait(`no answer from ${names}`, signal))) return asked;
  }
}

/** A machine whose state is meant for this one may have left the fleet since: it is found by its associations too. */
function sourceNamed(roster: Roster, associations: readonly Association[], text: string): PeerIdText {
  const sources = [...new Set(associations.map(({ body }) => body.source))];
  const named = sources.filter((peer) => nameOf(roster, peer) === text);
  const fitting = named.length > 0 ? named : sources.filter((peer) => text !== '' && peer.startsWith(text));
  return fitting.length === 1 ? fitting[0]! : findMachine(roster, text).peerId;
}

function statesOf(fleet: FleetView, asked: readonly AskedPoint[], mine: readonly Association[]): Found[] {
  const byId = new Map<string, Association>(mine.map((one) => [one.id, one]));
  const unreachable = asked.filter(({ problem }) => problem?.code === 'failed');
  const found = new Map<string, Found & { readonly holders: HolderOfState[] }>();
  for (const one of asked) {
    for (const { association: id, state: text, snapshots } of one.holdings) {
      const association = byId.get(id);
      if (!association || snapshots.length === 0) continue;
      const state = stateId(text);
      const key = `${id} ${state}`;
      const before = found.get(key);
      if (before) {
        before.holders.push({ asked: one, snapshots });
        continue;
      }
      found.set(key, {
        state,
        association,
        sourceName: nameOf(fleet.roster(), association.body.source),
        known: knownOfState(fleet.events(association.id), state),
        holders: [{ asked: one, snapshots }],
        unreachable,
      });
    }
  }
  return [...found.values()];
}

/** Of several those that their source made, so that a point cannot make a choice hard by claiming what there is not. */
async function borneOut(found: readonly Found[], signal: AbortSignal): Promise<readonly Found[]> {
  if (found.length === 1) return found;
  const isMade = async (one: Found): Promise<boolean> => {
    for (const { asked, snapshots } of one.holders) {
      const { access } = asked;
      const snapshot = Math.max(...snapshots);
      try {
        const { descriptor } = await access.snapshot(one.state, snapshot, '', signal);
        await checkSnapshot(descriptor, one, snapshot, access.name);
        return true;
      } catch (error) {
        signal.throwIfAborted();
        // Who does not answer has not shown that it is false.
        if (!(error instanceof ResettleError) || error.code === 'failed') return true;
      }
    }
    return false;
  };
  const made = await Promise.all(found.map(isMade));
  const those = found.filter((_, index) => made[index]);
  return those.length > 0 ? those : found;
}

/**
 * Of one association's states the one that its source committed last: it begins a new one when fewer may read it. States
 * of several associations are for a person to choose from.
 */
function oneOf(found: readonly Found[]): Found {
  const [first, ...more] = found;
  if (more.length === 0) return first!;
  const last = found.reduce((a, b) => ((b.known.commit?.time ?? 0) > (a.known.commit?.time ?? 0) ? b : a));
  const isOneLine = found.every(({ association }) => association.id === last.association.id);
  if (isOneLine && found.every(({ known }) => known.commit !== undefined)) return last;
  const list = [...new Set(found.map(({ state, sourceName }) => `${sourceName} (${state})`))].join(', ');
  const sources = new Set(found.map(({ association }) => association.body.source));
  throw new ResettleError('ambiguous', `several states are held for this machine: ${list}`, {
    hint: sources.size > 1 ? 'name the machine whose state you want: --from MACHINE' : 'name the state: --state ID',
  });
}

/** Any member can make an association with this machine: so a person, an operator or a ticket says whose state it is. */
function confirm({ fleet, ticketFor }: FindOptions, { association, sourceName }: Found, named: boolean): void {
  const signer = fleet.roster().members.get(association.signer);
  if (named || signer?.role === 'operator' || association.signer === fleet.self || association.id === ticketFor) return;
  throw new ResettleError(
    'unconfirmed',
    `a state from ${sourceName} is held for this machine, and no operator has confirmed it`,
    { hint: `if that is the machine you want, say so: --from ${sourceName}` },
  );
}

function nothingHeld(
  fleet: FleetView,
  asked: readonly AskedPoint[],
  mine: readonly Association[],
  state: StateId | undefined,
): ResettleError {
  const problems = asked.flatMap(({ problem }) => problem ?? []);
  const refused = problems.find(({ code }) => code === 'refused');
  if (refused) return refused;
  const isHeldForOthers = state !== undefined && asked.some(({ holdings }) => holdings.length > 0);
  // A source may ask what is held of its own states: that does not make it their destination.
  if (isHeldForOthers) {
    return new ResettleError('refused', `state ${state} is for another machine`, {
      hint: 'restore it on the machine that it was captured for',
    });
  }
  const roster = fleet.roster();
  const sources = [...new Set(mine.map(({ body }) => nameOf(roster, body.source)))].join(', ');
  const deleted = mine
    .flatMap(({ id }) => fleet.events(id))
    .filter(({ body }) => body.step === 'holder' && body.phase === 'deleted' && (!state || body.state === state));
  const reasons = [
    ...deleted.map(({ signer, time }) => `${nameOf(roster, signer)} deleted its copy on ${dayOf(time)}`),
    ...problems.map(messageOf),
  ];
  const what = state === undefined ? `a state from ${sources}` : `state ${state}`;
  return new ResettleError(
    'not-found',
    `no point that was reached holds ${what}${reasons.length > 0 ? `; ${reasons.join('; ')}` : ''}`,
    { hint: 'check with "resettle points" that the point is running, and that the capture was completed' },
  );
}

const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);
