import { Encrypter } from 'age-encryption';
import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import {
  type AssociationId,
  associationId,
  type PeerIdText,
  peerIdText,
  type StateId,
  stateId,
} from '../../../common/ids.ts';
import { SHARES_KEPT_MAX, SHARES_PER_SOURCE_MAX } from '../../../common/limits.ts';
import type {
  About,
  Put,
  Release,
  Retire,
  SealedShare,
  Settle,
  SharesAnswer,
  SharesRequest,
} from '../../../protocols/shares/messages.ts';
import type { SharesHost } from '../../../protocols/shares/shares.ts';
import { type Deal, indexOfShare, isReleaseSigned, openDeal, readDeal, shareHash } from '../../../state/keys/index.ts';
import { type EventBody, plainEvent } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { Home } from '../../home/home.ts';
import type { Log } from '../../log.ts';
import { nameOf } from '../../membership/machines.ts';
import { Nonces } from './nonces.ts';
import { type KeptShare, type ShareFile, ShareFiles } from './share-files.ts';
import { findAssociation, ticketOf } from './ticket-of.ts';

export interface ShareHolderOptions {
  readonly fleet: Pick<FleetView, 'self' | 'roster' | 'events' | 'append' | 'envelopeOf' | 'onChange'>;
  readonly home: Home;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** True where this machine, as a point, holds packs of the state, or is about to: then it gets no share of its key. */
  readonly holdsState: (state: StateId) => boolean | Promise<boolean>;
}

/** What of a file stays in memory. */
interface Entry {
  readonly association: AssociationId;
  readonly state: StateId;
  readonly source: PeerIdText;
  readonly releasedTo: PeerIdText | null;
  /** There is a share in it, not only the word to whom it went. */
  readonly hasShare: boolean;
}

/**
 * Keeps shares of the keys of states of others, and gives each to one machine only: the one that joined with the
 * association's ticket. A share alone opens nothing.
 */
export class ShareHolder implements SharesHost {
  readonly #options: ShareHolderOptions;
  readonly #files: ShareFiles;
  readonly #nonces: Nonces;
  readonly #entries = new Map<string, Entry>();
  #turn: Promise<unknown> = Promise.resolve();
  #stopListening: (() => void) | undefined;

  constructor(options: ShareHolderOptions) {
    this.#options = options;
    this.#files = new ShareFiles(options.home);
    this.#nonces = new Nonces(options.clock, options.random);
    for (const { association, state } of this.#files.list()) {
      try {
        const file = this.#files.read(association, state);
        if (file) this.#remember(file);
      } catch (error) {
        options.log.error({ err: error }, 'a share cannot be read');
      }
    }
  }

  /** Says in the records what a killed agent could not say any more, and goes on. Never rejects. */
  async start(): Promise<void> {
    this.#stopListening = this.#options.fleet.onChange(() => this.#eraseRestored());
    await this.#inTurn(async () => {
      for (const { association, state } of [...this.#entries.values()]) {
        const file = this.#files.read(association, state);
        if (file) await this.#publish(file);
      }
    }).catch((error: unknown) => this.#options.log.error({ err: error }, 'shares could not be looked through'));
    this.#eraseRestored();
  }

  stop(): void {
    this.#stopListening?.();
  }

  /** True where this machine keeps a share of the state's key: then it must never get a copy of the state. */
  keepsShareOf(state: StateId): boolean {
    return [...this.#entries.values()].some((entry) => entry.state === state && entry.hasShare);
  }

  /** The deals of which this machine keeps a share, by their ids and proofs; what cannot be read is not among them. */
  kept(): Pick<Deal, 'association' | 'state' | 'needed' | 'hashes'>[] {
    return [...this.#entries.values()].flatMap(({ association, state, hasShare }) => {
      if (!hasShare) return [];
      try {
        const file = this.#files.read(association, state);
        const share = file?.settled ?? file?.pending;
        return share ? [readDeal(share.deal)] : [];
      } catch (error) {
        this.#options.log.error({ err: error }, 'a share cannot be read');
        return [];
      }
    });
  }

  async onSharesRequest(request: SharesRequest, remotePeer: string): Promise<Partial<SharesAnswer>> {
    const remote = peerIdText(remotePeer);
    const set = Object.values(request).filter((part) => part !== undefined).length;
    if (set !== 1) throw new ResettleError('usage', 'a request asks for one thing');
    return await this.#inTurn(() => this.#answer(request, remote));
  }

  async #answer(request: SharesRequest, remote: PeerIdText): Promise<Partial<SharesAnswer>> {
    const { offer, put, settle, retire, nonce, release } = request;
    if (offer) await this.#checkOffer(associationId(offer.association), stateId(offer.state), remote);
    if (put) await this.#put(put, remote);
    if (settle) this.#settle(settle, remote);
    if (retire) this.#retire(retire, remote);
    if (nonce) return { nonce: this.#nonce(nonce, remote) };
    if (release) return { shares: await this.#release(release, remote) };
    return {};
  }

  // --- for the source ---

  async #checkOffer(id: AssociationId, state: StateId, remote: PeerIdText): Promise<void> {
    const { fleet, holdsState } = this.#options;
    const association = fleet.roster().associations.get(id);
    if (!association || association.body.source !== remote) {
      throw refused('you are not the source of that association', 'let both machines exchange their records first');
    }
    if (association.body.mode !== 'in-place' || association.body.ticketRecipient === null || association.ended) {
      throw refused('that association has no ticket, or has ended', 'make an association in place');
    }
    if (remote === fleet.self) throw refused('the source does not keep its own shares');
    if (await holdsState(state)) throw refused('this machine holds the state itself', 'choose another share holder');
    const entry = this.#entries.get(keyOf(id, state));
    if (entry?.releasedTo) throw refused('the share of that state was given to its destination already');
    if (entry) return;
    const own = [...this.#entries.values()].filter(({ source }) => source === remote).length;
    if (own >= SHARES_PER_SOURCE_MAX || this.#entries.size >= SHARES_KEPT_MAX) {
      throw refused(`this machine keeps ${own} shares of yours and ${this.#entries.size} in all, and no more`);
    }
  }

  async #put(put: Put, remote: PeerIdText): Promise<void> {
    const deal = await openDeal(put.deal, remote);
    await this.#checkOffer(deal.association, deal.state, remote);
    if (indexOfShare(deal, put.share) === undefined) {
      throw new ResettleError('damaged', 'the share is not of its deal', { hint: 'the sender is damaged or hostile' });
    }
    const before = this.#read(deal.association, deal.state);
    const share: KeptShare = { deal: put.deal, share: put.share };
    const known = before && [before.settled, before.pending].find((one) => one && isSame(one, share));
    const file: ShareFile = known
      ? before
      : {
          association: deal.association,
          state: deal.state,
          source: remote,
          settled: before?.settled ?? null,
          pending: share,
          releasedTo: null,
        };
    if (!known) this.#write(file);
    failpoint('share.kept');
    await this.#publish(file, share);
  }

  #settle({ association, state, deal, forgetOlder }: Settle, remote: PeerIdText): void {
    const file = this.#read(associationId(association), stateId(state));
    if (!file || file.source !== remote) throw notKept();
    if (file.releasedTo) return;
    const chosen = [file.pending, file.settled].find((one) => one && readDeal(one.deal).id === deal);
    if (!chosen) throw notKept();
    if (file.settled !== chosen || file.pending) this.#write({ ...file, settled: chosen, pending: null });
    if (!forgetOlder) return;
    for (const entry of [...this.#entries.values()]) {
      const isOlder = entry.association === file.association && entry.state !== file.state && !entry.releasedTo;
      if (isOlder && entry.source === remote) this.#erase(entry);
    }
  }

  /** What was given to a destination already stays as it is: it is said to whom it went. */
  #retire({ association, state, deal }: Retire, remote: PeerIdText): void {
    const file = this.#read(associationId(association), stateId(state));
    if (!file || file.source !== remote || file.releasedTo) return;
    const rest = (share: KeptShare | null): KeptShare | null =>
      share && readDeal(share.deal).id !== deal ? share : null;
    const [settled, pending] = [rest(file.settled), rest(file.pending)];
    if (!settled && !pending) this.#erase(file);
    else if (settled !== file.settled || pending !== file.pending) this.#write({ ...file, settled, pending });
  }

  // --- for the destination ---

  /** The association, its ticket and the destination's member record, where this peer may have the share. */
  #destination(id: AssociationId, remote: PeerIdText) {
    const { fleet } = this.#options;
    const association = findAssociation(fleet, id);
    if (!association || association.destination !== remote) {
      throw refused('you are not the destination of that association', 'use the ticket that was made for this machine');
    }
    const member = fleet.roster().members.get(remote);
    const ticket = member && ticketOf(fleet, member, association);
    if (member?.status !== 'active' || !ticket || association.body.mode !== 'in-place') {
      throw refused('you did not join with the ticket of that association', 'use recovery file or code instead');
    }
    return { member, ticket };
  }

  #nonce(about: About, remote: PeerIdText): Uint8Array {
    const association = associationId(about.association);
    const state = stateId(about.state);
    this.#destination(association, remote);
    this.#mayHave(this.#read(association, state), remote);
    return this.#nonces.give(remote, keyOf(association, state));
  }

  async #release(request: Release, remote: PeerIdText): Promise<SealedShare[]> {
    const { fleet, log } = this.#options;
    const association = associationId(request.association);
    const state = stateId(request.state);
    this.#nonces.spend(request.nonce, remote, keyOf(association, state));
    const { member, ticket } = this.#destination(association, remote);
    const terms = { nonce: request.nonce, holder: fleet.self, requester: remote, association, state };
    if (!(await isReleaseSigned(ticket.publicKey, terms, request.signature))) {
      throw refused(
        'the request is not signed with the key of the ticket',
        'use the ticket that this machine joined with',
      );
    }
    const file = this.#mayHave(this.#read(association, state), remote);
    const released: ShareFile = { ...file, releasedTo: remote };
    // Before anything leaves: after a crash nobody else may get it.
    if (!file.releasedTo) this.#write(released);
    failpoint('share.release-noted');
    const shares: SealedShare[] = [];
    for (const kept of [file.settled, file.pending]) {
      if (kept) shares.push({ deal: kept.deal, sealed: await seal(kept.share, member.ageRecipient) });
    }
    await this.#publish(released).catch((error: unknown) => log.warn({ err: error }, 'a release was not published'));
    log.info({ peer: remote, association, state }, 'gave a share to the destination that joined with the ticket');
    return shares;
  }

  #mayHave(file: ShareFile | undefined, remote: PeerIdText): ShareFile {
    if (!file) throw notKept();
    if (file.releasedTo && file.releasedTo !== remote) {
      const { fleet } = this.#options;
      throw refused(
        `the share was given to ${nameOf(fleet.roster(), file.releasedTo)} already, and is given once`,
        'a ticket is good for one machine; use recovery file or code instead',
      );
    }
    if (!file.settled && !file.pending) throw refused('the share was erased after the state was restored');
    return file;
  }

  // --- what is kept ---

  #read(association: AssociationId, state: StateId): ShareFile | undefined {
    return this.#entries.has(keyOf(association, state)) ? this.#files.read(association, state) : undefined;
  }

  #write(file: ShareFile): void {
    this.#files.write(file);
    this.#remember(file);
  }

  #remember({ association, state, source, releasedTo, settled, pending }: ShareFile): void {
    const hasShare = settled !== null || pending !== null;
    this.#entries.set(keyOf(association, state), { association, state, source, releasedTo, hasShare });
  }

  #erase({ association, state }: Pick<Entry, 'association' | 'state'>): void {
    this.#files.erase(association, state);
    this.#entries.delete(keyOf(association, state));
  }

  /** Once its destination has restored the state, the share is of no more use; the word to whom it went stays. */
  #eraseRestored(): void {
    for (const entry of this.#entries.values()) {
      const { association, state, releasedTo, hasShare } = entry;
      if (!releasedTo || !hasShare) continue;
      const isRestored = this.#options.fleet
        .events(association)
        .some(({ signer, body }) => signer === releasedTo && body.phase === 'restored' && body.state === state);
      if (!isRestored) continue;
      void this.#inTurn(async () => {
        const file = this.#read(association, state);
        if (file) this.#write({ ...file, settled: null, pending: null });
      }).catch((error: unknown) => this.#options.log.error({ err: error }, 'a share could not be erased'));
    }
  }

  /** The event of what is kept now, of this share or the newest one, unless it was said already. */
  async #publish(file: ShareFile, about = file.pending ?? file.settled): Promise<void> {
    const { fleet } = this.#options;
    if (!about || !findAssociation(fleet, file.association)) return;
    const body = eventOf(file, shareHash(about.share));
    const said = fleet
      .events(file.association)
      .find(({ signer, body: { step, state } }) => signer === fleet.self && step === 'share' && state === file.state);
    const isSaid =
      said?.body.phase === body.phase && said.body.proof === body.proof && said.body.peers[0] === body.peers[0];
    if (!isSaid) await fleet.append(body);
  }

  /** One at a time: a share must not be given to two machines that ask at once. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

function eventOf({ association, state, releasedTo }: ShareFile, proof: string): EventBody {
  return plainEvent({
    association,
    state,
    step: 'share',
    phase: releasedTo ? 'released' : 'kept',
    peers: releasedTo ? [releasedTo] : [],
    proof,
  });
}

async function seal(share: Uint8Array, recipient: string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return await encrypter.encrypt(Uint8Array.from(share));
}

function isSame(a: KeptShare, b: KeptShare): boolean {
  return Buffer.from(a.share).equals(b.share) && Buffer.from(a.deal).equals(b.deal);
}

function keyOf(association: AssociationId, state: StateId): string {
  return `${association}-${state}`;
}

function notKept(): ResettleError {
  return new ResettleError('not-found', 'this machine keeps no share of that state');
}

function refused(what: string, hint = 'ask an operator of the fleet'): ResettleError {
  return new ResettleError('refused', what, { hint });
}
