/** The new machine: finds the one that shows the code, pairs, asks the person, and restores while it arrives. */
import { accessSync, constants, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Connection } from '@libp2p/interface';
import { messageOf, ResettleError } from '../../common/errors.ts';
import { formatBytes } from '../../common/sizes.ts';
import { sayDecline } from '../../protocols/pair/decline.ts';
import { checkAddress } from '../link/start-link.ts';
import { type Applied, applyBy, newRestoreId } from '../roles/destination/apply.ts';
import { standingOf } from '../roles/destination/restores.ts';
import { decodeAbout, encodeAbout, type Offer, shownMachine, shownOffer } from './about.ts';
import { PairedAsker } from './asker.ts';
import { KeptPairings, type KeptReceiver, type PairingFolder, type ReceiveWish } from './kept.ts';
import { addressesWith, PairingNode } from './pairing-node.ts';
import { KNOWN_PEER_TAG } from './tags.ts';
import type { MachineFacts, PairingEmit, PairingGround, ShownMachine, ShownOffer } from './types.ts';
import { findAndPair, type Typed, typedCode } from './typing.ts';

/** How a code or a kept pairing leads to the other machine. */
export type ReceiveBy =
  /** As it was typed or scanned. */
  | { readonly code: string }
  /** The id of a kept one. */
  | { readonly kept: string };

export interface ReceiveRequest {
  readonly by: ReceiveBy;
  /** A multiaddr, instead of looking for the machine. */
  readonly peer: string | undefined;
  /** What the person said already: one that goes on must have begun so. */
  readonly wish: ReceiveWish | undefined;
  /** Nothing is written; each item is told, and the pairing is kept for what may follow. */
  readonly dryRun: boolean;
}

/** What a person decides by. */
export type ShownProposal = ShownOffer & ShownMachine;

/** Asks the person; undefined is no. */
export type Accept = (proposal: ShownProposal, signal: AbortSignal) => Promise<ReceiveWish | undefined>;

export interface ReceiveDone extends ShownMachine, Applied {
  readonly peerId: string;
  readonly state: string;
  readonly seconds: number;
  /** Every file was checked against its hash; a dry run has none. */
  readonly verified: boolean;
}

/** Throws `refused` for a code that is not the one shown, `unconfirmed` for a no, `interrupted` at the signal. */
export async function receive(
  ground: PairingGround,
  request: ReceiveRequest,
  accept: Accept,
  emit: PairingEmit,
  signal: AbortSignal,
): Promise<ReceiveDone> {
  if (request.peer !== undefined) checkAddress('--peer', request.peer);
  const pairings = new KeptPairings(ground.home, ground.clock);
  const run = new ReceiverRun(ground, pairings, request, accept, emit, signal);
  return 'kept' in request.by ? run.goOn(request.by.kept) : run.begin(typedCode(request.by.code));
}

class ReceiverRun {
  readonly #ground: PairingGround;
  readonly #pairings: KeptPairings;
  readonly #request: ReceiveRequest;
  readonly #accept: Accept;
  readonly #emit: PairingEmit;
  readonly #signal: AbortSignal;
  /** The pairing is of no more use. */
  #isOver = false;

  constructor(
    ground: PairingGround,
    pairings: KeptPairings,
    request: ReceiveRequest,
    accept: Accept,
    emit: PairingEmit,
    signal: AbortSignal,
  ) {
    this.#ground = ground;
    this.#pairings = pairings;
    this.#request = request;
    this.#accept = accept;
    this.#emit = emit;
    this.#signal = signal;
  }

  async begin(typed: Typed): Promise<ReceiveDone> {
    const { clock, random, machine } = this.#ground;
    const privateKey = await generateKeyPair('Ed25519');
    const node = await this.#startNode(privateKey);
    try {
      const about = encodeAbout({ machine, offer: undefined });
      const wish = { typed, purpose: 'send' as const, about, address: this.#request.peer };
      const { pairing, connection } = await findAndPair(this.#ground, node, wish, this.#signal);
      const folder = this.#pairings.create(random);
      const kept: KeptReceiver = {
        role: 'receiver',
        id: folder.id,
        madeAtMs: clock.now(),
        privateKey,
        record: pairing.record,
        remote: pairing.remote,
        remoteAbout: pairing.remoteAbout,
        addresses: addressesWith(connection, []),
        wish: undefined,
        restoreId: newRestoreId(this.#ground.home, clock, random),
      };
      return await this.#within(folder, async () => {
        folder.save(kept);
        return this.#receive(node, folder, kept, connection);
      });
    } finally {
      await node.stop();
    }
  }

  async goOn(id: string): Promise<ReceiveDone> {
    const folder = this.#pairings.hold(id);
    return this.#within(folder, async () => {
      const kept = this.#pairings.load(id);
      if (kept.role !== 'receiver') throw new ResettleError('usage', `with pairing ${id} this machine sends`);
      const node = await this.#startNode(kept.privateKey);
      try {
        return await this.#receive(node, folder, kept, undefined);
      } finally {
        await node.stop();
      }
    });
  }

  /** Keeps the pairing for what can go on, and removes it after what cannot. */
  async #within(folder: PairingFolder, work: () => Promise<ReceiveDone>): Promise<ReceiveDone> {
    try {
      const done = await work();
      this.#isOver = !done.dryRun;
      return done;
    } finally {
      if (this.#isOver) folder.remove();
      else folder.release();
    }
  }

  #startNode(privateKey: KeptReceiver['privateKey']): Promise<PairingNode> {
    const { interfaces, clock, random, log } = this.#ground;
    return PairingNode.start({ privateKey, interfaces, listen: undefined, clock, random, log });
  }

  async #receive(
    node: PairingNode,
    folder: PairingFolder,
    given: KeptReceiver,
    connection: Connection | undefined,
  ): Promise<ReceiveDone> {
    const { machine, offer } = decodeAbout(given.remoteAbout, 'offer');
    const proposal = { ...shownOffer(offer!), ...shownMachine(given.remote, machine) };
    this.#emit({ event: 'paired', ...shownMachine(given.remote, machine) });
    this.#emit({ event: 'offer', ...proposal });
    node.admit(given.remote);
    let kept = given;
    const { dryRun } = this.#request;
    if (!dryRun) checkSameWish(kept, this.#request.wish);
    const wish = (dryRun ? this.#request.wish : undefined) ?? kept.wish ?? (await this.#asked(proposal));
    if (!wish) return this.#decline(node, connection, kept, machine.name);
    if (!kept.wish && !dryRun) {
      checkTarget(wish.into);
      await checkRoom(wish.into, offer!, machine.name);
      kept = { ...kept, wish };
      folder.save(kept);
    }
    // What came of it was undone meanwhile: what comes now is another restore.
    if (!dryRun && standingOf(this.#ground.home, kept.restoreId).is === 'undone') {
      kept = { ...kept, restoreId: newRestoreId(this.#ground.home, this.#ground.clock, this.#ground.random) };
      folder.save(kept);
    }
    const discovery = await node.discover(KNOWN_PEER_TAG);
    const asker = new PairedAsker({
      rooms: this.#ground.rooms,
      node,
      discovery,
      kept,
      descriptorHash: offer!.descriptorHash,
      remoteName: machine.name,
      connection,
      peers: this.#request.peer === undefined ? [] : [this.#request.peer],
      log: this.#ground.log,
      note: (message) => this.#note(message),
      onReached: (addresses) => {
        if (addresses.join() === kept.addresses.join()) return;
        kept = { ...kept, addresses };
        folder.save(kept);
      },
      isOver: () => this.#pairings.isOver(kept),
    });
    try {
      const done = await this.#restore(asker, kept, wish, offer!, machine);
      if (dryRun) asker.abort(new Error('it was a dry run'));
      return done;
    } catch (error) {
      asker.abort(error instanceof Error ? error : new Error(String(error)));
      this.#isOver = asker.isRefused;
      throw this.#signal.aborted ? interrupted(machine.name, error) : error;
    }
  }

  /** The person may take his time: nothing waits for him but the other machine. */
  async #asked(proposal: ShownProposal): Promise<ReceiveWish | undefined> {
    try {
      const wish = await this.#accept(proposal, this.#signal);
      this.#signal.throwIfAborted();
      return wish;
    } catch (error) {
      throw this.#signal.aborted ? interrupted(proposal.machineName, error) : error;
    }
  }

  async #decline(
    node: PairingNode,
    connection: Connection | undefined,
    kept: KeptReceiver,
    name: string,
  ): Promise<never> {
    this.#isOver = true;
    try {
      await sayDecline(connection ?? (await node.dial(kept.remote, kept.addresses, this.#signal)), kept.record.session);
    } catch {
      this.#note(`${name} could not be told: end the command there`);
    }
    throw new ResettleError('unconfirmed', `nothing was received from ${name}: the offer was not accepted`, {
      hint: 'for another try let the old machine show a new code; --yes accepts whatever is offered',
    });
  }

  async #restore(
    asker: PairedAsker,
    kept: KeptReceiver,
    wish: ReceiveWish,
    offer: Offer,
    machine: MachineFacts,
  ): Promise<ReceiveDone> {
    const { clock, rooms } = this.#ground;
    const { dryRun } = this.#request;
    const { descriptor, stateKey } = await asker.link(this.#signal);
    const startedMs = clock.monotonicMs();
    const expected = { stateId: offer.state, source: kept.remote, association: undefined };
    const applied = await applyBy(
      (asked, on) => rooms.receiveSnapshot({ ...asked, descriptor, stateKey, expected, asker }, on),
      this.#ground,
      { restoreId: kept.restoreId, open: () => rooms.openedSnapshot(descriptor, stateKey) },
      { ...wish, dryRun },
      this.#emit,
      this.#signal,
    );
    const isTold = dryRun || (await asker.done(applied, this.#signal));
    if (!isTold) this.#note(`everything is here, but ${machine.name} could not be told: end the command there`);
    return {
      ...applied,
      peerId: kept.record.initiator,
      ...shownMachine(kept.remote, machine),
      state: offer.state,
      seconds: Math.round(clock.monotonicMs() - startedMs) / 1000,
      verified: !dryRun,
    };
  }

  #note(message: string): void {
    this.#emit({ event: 'note', message });
  }
}

/** What goes on is carried out as it was begun: another word would be ignored. Throws `usage`. */
function checkSameWish(kept: KeptReceiver, given: ReceiveWish | undefined): void {
  if (!kept.wish || !given || isDeepStrictEqual(kept.wish, given)) return;
  throw new ResettleError('usage', `what goes into ${kept.wish.into} was begun with other options`, {
    hint: 'give the options that it was begun with, or none at all; "resettle undo" takes back what is there',
  });
}

function interrupted(name: string, cause: unknown): ResettleError {
  return new ResettleError('interrupted', `interrupted; not everything is here from ${name} yet`, {
    hint: '"resettle receive" without a code goes on from here, within 24 hours',
    cause,
  });
}

/** Throws `failed` where nothing can be put there: what goes on would always go on there. */
function checkTarget(into: string): void {
  for (let at = into; ; at = dirname(at)) {
    try {
      const found = statSync(at, { throwIfNoEntry: false });
      if (!found && at !== dirname(at)) continue;
      if (!found?.isDirectory()) throw new Error(`${at} is not a folder`);
      accessSync(at, constants.W_OK | constants.X_OK);
      return;
    } catch (cause) {
      throw new ResettleError('failed', `cannot restore into ${into}: ${messageOf(cause)}`, {
        hint: 'name a folder that you can write to; "resettle receive" goes on without a new code',
        cause,
      });
    }
  }
}

/** Throws `failed` where what is offered does not fit on the target's disk. The pairing stays good for another try. */
async function checkRoom(into: string, offer: Offer, name: string): Promise<void> {
  // Files with holes count whole in the first.
  const bytes = Math.min(offer.bytes, offer.upperBoundBytes);
  const free = await freeBytes(into);
  if (free === undefined || free >= bytes) return;
  throw new ResettleError(
    'failed',
    `${name} offers ${formatBytes(offer.bytes)}, and the disk of ${into} has ${formatBytes(free)} free: ` +
      `${formatBytes(bytes - free)} are missing`,
    { hint: 'free some space, or name a folder on a larger disk; then "resettle receive" goes on without a new code' },
  );
}

/** Of the file system that a folder is on, or will be; undefined where the system does not tell. */
async function freeBytes(folder: string): Promise<number | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' || at === dirname(at)) return undefined;
    }
  }
}
