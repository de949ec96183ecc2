import type { PrivateKey } from '@libp2p/interface';
import { hexOf } from '../../../common/bytes.ts';
import type { RandomBytes } from '../../../common/clock.ts';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import type { PeerIdText, StateId } from '../../../common/ids.ts';
import { SHARE_HOLDERS_MAX } from '../../../common/limits.ts';
import { chooseShareTerms, type ShareTerms } from '../../../common/share-terms.ts';
import { SharesClient } from '../../../protocols/shares/shares.ts';
import { keyCheckValue, wrapStateKey } from '../../../state/format/index.ts';
import { combineShares, type Deal, dealShares, readDeal, shareHash } from '../../../state/keys/index.ts';
import type { Association } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { Home } from '../../home/home.ts';
import type { Log } from '../../log.ts';
import { leavingMembers } from '../../migrations/leaving.ts';
import { askCandidates, candidatesFor, type Willing } from './candidates.ts';
import { type Dealt, type Retired, readDealt, writeDealt } from './dealt-file.ts';
import { shareHoldersOf } from './ticket-of.ts';

export interface DistributeOptions {
  readonly fleet: Pick<FleetView, 'self' | 'roster' | 'events' | 'connectTo' | 'refresh'>;
  readonly home: Home;
  /** The source's: it signs the deal. */
  readonly privateKey: PrivateKey;
  readonly random: RandomBytes;
  readonly log: Log;
  /** In place, with a ticket key. */
  readonly association: Association;
  readonly state: StateId;
  readonly stateKey: Uint8Array;
  /** Members that hold the state, or shall: they get no share. */
  readonly stateHolders: ReadonlySet<PeerIdText>;
  /** True where a recovery recipient or a recovery code opens the state too: then it may go without shares. */
  readonly hasOtherWay: boolean;
  /** Members that were seen on the network are asked first. */
  readonly isNear?: (peer: PeerIdText) => boolean;
}

/** Shares as they were given, and checked: any `needed` of them bring the sealed key back. */
export interface GivenShares extends ShareTerms {
  readonly holders: readonly {
    readonly peerId: PeerIdText;
    /** BLAKE3 of the share given, 64 hex digits: what the holder's own `share/kept` event must say. */
    readonly proof: string;
    /** It answered now; else its event from before says that it has the share. */
    readonly confirmed: boolean;
  }[];
}

/** New deals that are tried when a holder fails between its yes and the share. */
const DEALS_MAX = 3;

/**
 * Gives shares of the state key, sealed to the ticket key, to members of the fleet; again the same shares where it was
 * done before and they are all right. Undefined where too few members can keep one and there is another way to the key.
 * Throws `usage` where there is none.
 */
export async function distributeShares(
  options: DistributeOptions,
  signal: AbortSignal,
): Promise<GivenShares | undefined> {
  const { fleet, home, random, association, state } = options;
  const before = readDealt(home, association.id);
  const leaving = leavingMembers({ roster: fleet.roster(), events: (id) => fleet.events(id) });
  const candidates = candidatesFor({
    roster: fleet.roster(),
    self: fleet.self,
    stateHolders: options.stateHolders,
    copies: association.body,
    leaving,
    known: new Set(before?.shares.map(({ peer }) => peer)),
    isNear: options.isNear ?? (() => false),
    random,
  });
  const wished = association.body.shares;
  const about = { association: association.id, state, wanted: wished?.total ?? SHARE_HOLDERS_MAX };
  const asked = await askCandidates(fleet, candidates, about, signal);
  // A share more that goes with its machine makes more of the others necessary.
  const stay = (peer: PeerIdText): boolean => !leaving.has(peer);
  const staying = asked.willing.filter(({ member }) => stay(member.peerId));
  const isEnough = chooseShareTerms(staying.length, wished) !== undefined;
  let willing = isEnough ? staying : asked.willing;
  const usable = candidates.map(({ peerId }) => peerId).filter((peer) => !isEnough || stay(peer));
  const again = before && (await giveAgain(options, before, { willing, eligible: new Set(usable) }, signal));
  if (again) return again;
  const problems = [...asked.problems];
  const retired = retiredOf(before, state);
  for (let attempt = 0; attempt < DEALS_MAX; attempt += 1) {
    const terms = chooseShareTerms(willing.length, wished);
    if (!terms) break;
    const chosen = willing.slice(0, terms.total);
    const { given, failed, deal } = await giveNew(options, terms, chosen, retired, signal);
    if (given) return given;
    for (const { member } of chosen) if (!failed.has(member.peerId)) retired.push({ peer: member.peerId, deal });
    problems.push(...failed.values());
    willing = willing.filter(({ member }) => !failed.has(member.peerId));
  }
  if (before?.state === state)
    writeDealt(home, association.id, { ...before, retired: retired.filter(isNotOf(before)) });
  if (options.hasOtherWay) return undefined;
  throw tooFew(willing.length, wished, problems);
}

/** Shares that are of no more use once there is another deal: of the one before, and of those before that. */
function retiredOf(before: Dealt | undefined, state: StateId): Retired[] {
  if (before?.state !== state) return [];
  const deal = readDeal(before.deal).id;
  return [...before.retired, ...before.shares.map(({ peer }) => ({ peer, deal }))];
}

const isNotOf = (dealt: Dealt): ((one: Retired) => boolean) => {
  const { id } = readDeal(dealt.deal);
  return ({ deal }) => deal !== id;
};

/** Tells the holders that there is a snapshot of this state: shares of older states of the association may go. */
export async function forgetOlderShares(
  options: Pick<DistributeOptions, 'fleet' | 'home' | 'log' | 'association' | 'state'>,
  signal: AbortSignal,
): Promise<void> {
  const { fleet, home, association, state } = options;
  const dealt = readDealt(home, association.id);
  if (dealt?.state !== state) return;
  const deal = readDeal(dealt.deal);
  await Promise.all(
    dealt.shares.map(async ({ peer }) => {
      try {
        const name = fleet.roster().members.get(peer)?.name ?? peer;
        await settle(new SharesClient(await fleet.connectTo(peer, signal), name), deal, true, signal);
      } catch (error) {
        signal.throwIfAborted();
        options.log.info({ err: error, peer }, 'a share holder was not told to forget older shares');
      }
    }),
  );
}

/** The remembered deal once more, if nothing speaks against it. */
async function giveAgain(
  options: DistributeOptions,
  before: Dealt,
  now: { willing: readonly Willing[]; eligible: ReadonlySet<PeerIdText> },
  signal: AbortSignal,
): Promise<GivenShares | undefined> {
  const { association, state, stateKey, fleet } = options;
  if (before.state !== state || before.keyCheck !== hexOf(keyCheckValue(stateKey, state))) return undefined;
  const deal = readDeal(before.deal);
  const terms = chooseShareTerms(now.willing.length, association.body.shares);
  // More holders than before make it safer; so does a holder in place of one that must not be one any more.
  if (terms && terms.total > deal.total) return undefined;
  const wished = association.body.shares;
  if (wished && (wished.needed !== deal.needed || wished.total !== deal.total)) return undefined;
  if (!before.shares.every(({ peer }) => now.eligible.has(peer))) return undefined;
  const said = shareHoldersOf(fleet, association.id, state);
  const holders = await Promise.all(
    before.shares.map(async ({ peer, share }) => {
      const proof = shareHash(share);
      const client = now.willing.find(({ member }) => member.peerId === peer)?.client;
      const confirmed = client !== undefined && (await put(options, client, deal, share, signal)) === undefined;
      return { peerId: peer, proof, confirmed, kept: confirmed || said.get(peer)?.proof === proof };
    }),
  );
  const confirmed = holders.filter((holder) => holder.confirmed).length;
  if (!holders.every(({ kept }) => kept) || confirmed < deal.needed) return undefined;
  await checkRecombines(
    deal,
    before.shares.map(({ share }) => share),
    before.sealedHash,
  );
  const clients = now.willing.filter(({ member }) => before.shares.some(({ peer }) => peer === member.peerId));
  await settleAll(options, clients, deal, signal);
  const { needed, total } = deal;
  return { needed, total, holders: holders.map(({ kept: _, ...holder }) => holder) };
}

/** A new deal. `failed` has those that did not take their share after all, with what they said. */
async function giveNew(
  options: DistributeOptions,
  terms: ShareTerms,
  willing: readonly Willing[],
  retired: readonly Retired[],
  signal: AbortSignal,
): Promise<{ given: GivenShares | undefined; failed: ReadonlyMap<PeerIdText, string>; deal: string }> {
  const { association, state, stateKey, privateKey, random, home } = options;
  const sealed = await wrapStateKey(stateKey, association.body.ticketRecipient ?? '');
  const { deal, shares } = await dealShares(sealed, { association: association.id, state, terms, privateKey, random });
  const sealedHash = shareHash(sealed);
  await checkRecombines(deal, shares, sealedHash);
  const failed = new Map<PeerIdText, string>();
  await Promise.all(
    willing.map(async ({ member, client }, index) => {
      const problem = await put(options, client, deal, shares[index]!, signal);
      if (problem !== undefined) failed.set(member.peerId, problem);
    }),
  );
  if (failed.size > 0) return { given: undefined, failed, deal: deal.id };
  failpoint('share.given');
  const dealt: Dealt = {
    state,
    deal: deal.bytes,
    shares: willing.map(({ member }, index) => ({ peer: member.peerId, share: shares[index]! })),
    sealedHash,
    keyCheck: hexOf(keyCheckValue(stateKey, state)),
    retired,
  };
  writeDealt(home, association.id, dealt);
  failpoint('share.deal-noted');
  await settleAll(options, willing, deal, signal);
  const holders = willing.map(({ member: { peerId } }, index) => ({
    peerId,
    proof: deal.hashes[index]!,
    confirmed: true,
  }));
  return { given: { ...terms, holders }, failed, deal: deal.id };
}

/** Every share is tried with its neighbours: what the holders have opens the key, or nothing was given. */
async function checkRecombines(deal: Deal, shares: readonly Uint8Array[], sealedHash: string): Promise<void> {
  for (let first = 0; first < shares.length; first += 1) {
    const some = Array.from({ length: deal.needed }, (_, next) => shares[(first + next) % shares.length]!);
    if (shareHash(await combineShares(deal, some)) === sealedHash) continue;
    throw new ResettleError('damaged', 'the shares of the state key do not bring it back', {
      hint: 'run the capture again; if it happens again, check the memory and disk of this machine',
    });
  }
}

/** Undefined, or why the holder does not have the share. */
async function put(
  { log }: DistributeOptions,
  client: SharesClient,
  deal: Deal,
  share: Uint8Array,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await client.put({ deal: deal.bytes, share }, signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    log.info({ err: error }, 'a share was not taken');
    return messageOf(error);
  }
}

/** Who misses this keeps the share before as well, which does no harm. */
async function settleAll(
  { log }: DistributeOptions,
  clients: readonly Willing[],
  deal: Deal,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    clients.map(({ client }) =>
      settle(client, deal, false, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        log.info({ err: error }, 'a share was not settled');
      }),
    ),
  );
}

function settle(client: SharesClient, deal: Deal, forgetOlder: boolean, signal: AbortSignal): Promise<void> {
  const { association, state, id } = deal;
  return client.settle({ association, state, deal: id, forgetOlder }, signal);
}

function tooFew(found: number, wished: ShareTerms | null, problems: readonly string[]): ResettleError {
  const needed = wished ? `${wished.total} members` : 'two members at least';
  const reasons = problems.length === 0 ? '' : `; ${problems.slice(0, 5).join('; ')}`;
  // Who did not answer or would not may do it next time: the same command can succeed then.
  return new ResettleError(
    problems.length === 0 ? 'usage' : 'failed',
    `a move in place needs ${needed} that can keep a share of the key, and ${found} can${reasons}`,
    {
      hint:
        'they must be online, on other machines, and must not hold the state: start more agents, use fewer points, or ' +
        'associate with a recovery code ("--recovery-code-out F")',
    },
  );
}
