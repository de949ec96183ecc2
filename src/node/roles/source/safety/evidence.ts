import type { PeerIdText, StateId } from '../../../../common/ids.ts';
import { SAFE_WORD_MS } from '../../../../common/limits.ts';
import type { Association, Roster, SignedEvent } from '../../../../state/records/index.ts';
import { nameOf } from '../../../membership/machines.ts';
import { isRestored, leavingMembers } from '../../../migrations/leaving.ts';
import type { SourceOptions } from '../types.ts';
import type { Receipt } from './receipts.ts';
import { type HolderEvidence, type KeyEvidence, type Safety, type ShareEvidence, safety } from './safety.ts';

type Ground = Pick<SourceOptions, 'fleet' | 'clock' | 'keptShares'>;

/** Members that have, or should have, packs of a receipt's snapshot: those it was committed on, and all that signed for it. */
export function holdersOf(receipt: Receipt, events: readonly SignedEvent[]): PeerIdText[] {
  const signed = events.filter(({ body }) => body.step === 'holder' && isAbout(body, receipt) && body.phase === 'held');
  return [...new Set([...receipt.points, ...signed.map(({ signer }) => signer)])];
}

/** Holders that say that they hold it, and whether each has all of it. */
export function heldBy(receipt: Receipt, events: readonly SignedEvent[]): { peerId: PeerIdText; isWhole: boolean }[] {
  return events
    .filter(({ body }) => body.step === 'holder' && body.phase === 'held' && isAbout(body, receipt))
    .map(({ signer, body }) => ({ peerId: signer, isWhole: body.bytes === body.totalBytes }));
}

/** With what the destination has said of its trial since. */
export function withTrial(
  { clock }: Pick<SourceOptions, 'clock'>,
  receipt: Receipt,
  events: readonly SignedEvent[],
): Receipt {
  const trial = events.find(({ body }) => body.step === 'trial' && isAbout(body, receipt));
  if (!trial || trial.time === receipt.trial?.saidAtMs) return receipt;
  // When it was said is the word of another clock; how old it is counts from when it was heard.
  const heard = { peers: trial.body.peers, saidAtMs: trial.time, learnedAtMs: clock.now() };
  return { ...receipt, trial: heard };
}

/** Whether the source may be wiped, by what the receipt has seen and the records say. `packs` is the snapshot's number of them. */
export function judge(ground: Ground, association: Association, receipt: Receipt, packs: number): Safety {
  const { fleet, clock } = ground;
  const roster = fleet.roster();
  const events = fleet.events(association.id);
  const holders = holdersOf(receipt, events).map((peerId): HolderEvidence => {
    const member = roster.members.get(peerId);
    const read = receipt.reads.find((one) => one.peerId === peerId);
    const said = events.find(
      ({ signer, body }) => signer === peerId && body.step === 'holder' && isAbout(body, receipt),
    );
    const { phase } = said?.body ?? {};
    return {
      peerId,
      name: nameOf(roster, peerId),
      machine: member?.machine ?? null,
      isActive: member?.status === 'active',
      says: phase === 'held' || phase === 'damaged' || phase === 'deleted' ? phase : undefined,
      readAtMs: read?.atMs,
      has: (pack) => ((read?.packs[pack >> 3] ?? 0) & (1 << (pack & 7))) !== 0,
    };
  });
  return safety({
    nowMs: clock.now(),
    lifeMs: SAFE_WORD_MS,
    replicas: association.body.replicas,
    packs,
    wiped: { peerId: fleet.self, machine: roster.members.get(fleet.self)?.machine ?? null },
    holders,
    key: keyEvidence(ground, association, receipt, events),
    neededBy: neededBy(ground),
  });
}

function keyEvidence(
  { fleet }: Ground,
  association: Association,
  receipt: Receipt,
  events: readonly SignedEvent[],
): KeyEvidence {
  const roster = fleet.roster();
  const { body, destination } = association;
  if (body.mode === 'side-by-side') {
    return {
      way: 'trial',
      destination: destination === undefined ? undefined : nameOf(roster, destination),
      triedAtMs: receipt.trial?.learnedAtMs,
      tried: receipt.trial?.peers ?? [],
    };
  }
  if (body.ticketRecipient === null) {
    return { way: 'untried', what: body.codeRecipient === null ? "the fleet's recovery key" : 'the recovery code' };
  }
  const { shares } = receipt;
  return {
    way: 'shares',
    needed: shares?.needed ?? 2,
    givenAtMs: shares?.atMs,
    holders: shareEvidence({ fleet }, shares?.holders ?? [], receipt.state, events),
  };
}

function shareEvidence(
  { fleet }: Pick<Ground, 'fleet'>,
  holders: NonNullable<Receipt['shares']>['holders'],
  state: StateId,
  events: readonly SignedEvent[],
): ShareEvidence[] {
  const roster = fleet.roster();
  const leaving = leavingMembers({ roster, events: (id) => fleet.events(id) });
  return holders.map(({ peerId, proof }) => ({
    name: nameOf(roster, peerId),
    confirmed: keepers(events, state, [proof]).includes(peerId),
    lost: whyLost(roster, leaving, peerId),
  }));
}

/**
 * Whether too few of those who were given a share stay, or have signed that they keep it: dealt anew it may be enough. Not
 * once a share has gone to the destination.
 */
export function lacksShares(
  fleet: Ground['fleet'],
  { shares, state }: Receipt,
  events: readonly SignedEvent[],
): boolean {
  const isReleased = events.some(
    ({ body }) => body.step === 'share' && body.phase === 'released' && body.state === state,
  );
  if (shares === null || isReleased || isRestored(events)) return false;
  const counting = shareEvidence({ fleet }, shares.holders, state, events).filter(({ lost }) => lost === undefined);
  return counting.length < shares.needed || counting.some(({ confirmed }) => !confirmed);
}

function whyLost(roster: Roster, leaving: ReadonlySet<PeerIdText>, peer: PeerIdText): string | undefined {
  if (roster.members.get(peer)?.status !== 'active') return 'is no active member';
  return leaving.has(peer) ? 'is to be wiped or given away itself, with its share of the key' : undefined;
}

/** Who has signed that it keeps one of these shares. */
function keepers(events: readonly SignedEvent[], state: StateId, hashes: readonly string[]): PeerIdText[] {
  return events
    .filter(({ body }) => body.step === 'share' && body.phase === 'kept' && body.state === state)
    .filter(({ body }) => body.proof !== null && hashes.includes(body.proof))
    .map(({ signer }) => signer);
}

/** Sources of states that are not restored yet, and for which the shares on machines that stay do not suffice without this one's. */
function neededBy({ fleet, keptShares }: Ground): string[] {
  const roster = fleet.roster();
  const leaving = leavingMembers({ roster, events: (id) => fleet.events(id) });
  const names = new Set<string>();
  for (const { association, state, needed, hashes } of keptShares?.() ?? []) {
    const move = roster.associations.get(association);
    const events = fleet.events(association);
    if (!move || move.ended || isRestored(events)) continue;
    const isStored = events.some(({ body }) => body.step === 'commit' && body.state === state);
    const others = keepers(events, state, hashes).filter((peer) => peer !== fleet.self);
    const staying = others.filter((peer) => whyLost(roster, leaving, peer) === undefined);
    if (isStored && staying.length < needed) names.add(nameOf(roster, move.body.source));
  }
  return [...names];
}

function isAbout(body: SignedEvent['body'], receipt: Receipt): boolean {
  return body.state === receipt.state && body.descriptorHash === receipt.descriptorHash;
}
