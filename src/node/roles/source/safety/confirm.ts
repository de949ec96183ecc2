import { hexOf } from '../../../../common/bytes.ts';
import { messageOf, ResettleError } from '../../../../common/errors.ts';
import type { AssociationId, PeerIdText } from '../../../../common/ids.ts';
import {
  RECEIPT_WAIT_MS,
  REPLICATE_BYTES_PER_SECOND,
  REPLICATE_WAIT_MS,
  SAFETY_WAIT_MS,
} from '../../../../common/limits.ts';
import type { Progress } from '../../../../common/ports.ts';
import { openDescriptor, type PackReference } from '../../../../state/format/index.ts';
import type { Association } from '../../../../state/records/index.ts';
import { nameOf } from '../../../membership/machines.ts';
import type { Stored } from '../attempt.ts';
import { readSourceState } from '../source-state.ts';
import type { SourceOptions } from '../types.ts';
import { Voice } from '../voice.ts';
import { heldBy, holdersOf, judge, lacksShares, withTrial } from './evidence.ts';
import { readBack } from './read-back.ts';
import { type Receipt, readReceipt, readReceiptDescriptor, writeReceipt } from './receipts.ts';
import type { Safety } from './safety.ts';

/** Keeps what was stored, and says so to the fleet; not yet that it is safe. */
export async function receiptOf(options: SourceOptions, stored: Stored): Promise<Receipt> {
  const { fleet, home, clock, hardware } = options;
  const association = fleet.roster().associations.get(stored.association);
  const receipt: Receipt = {
    association: stored.association,
    state: stored.state.stateId,
    snapshot: stored.snapshot,
    descriptorHash: stored.descriptorHash,
    bytes: stored.result.sealedBytes,
    skipped: stored.skipped,
    machine: association?.body.mode === 'in-place' ? (hardware?.digests(stored.association) ?? null) : null,
    points: stored.points.map(({ peerId }) => peerId),
    shares: stored.shares ? { ...stored.shares, atMs: clock.now() } : null,
    reads: [],
    trial: null,
  };
  writeReceipt(home, receipt, stored.descriptor);
  if (association) await new Confirmation(options, association, receipt, stored.result.packs).say();
  return receipt;
}

export interface ConfirmWish {
  readonly waitMs?: number | undefined;
  readonly onProgress: (progress: Progress) => void;
  readonly note: (message: string) => void;
}

/** How things stand with a snapshot, and what is known of its holders. */
export interface Standing {
  readonly safety: Safety;
  readonly receipt: Receipt;
  /** Holders that signed that they hold exactly this snapshot. */
  readonly holders: readonly PeerIdText[];
  /** Complete copies that were signed for. */
  readonly copies: number;
}

/** The evidence for one snapshot, gathered and judged; its newest word is told to the fleet. */
export class Confirmation {
  readonly #options: SourceOptions;
  readonly #association: Association;
  readonly #packs: readonly PackReference[];
  readonly #voice: Voice;
  #receipt: Receipt;

  constructor(options: SourceOptions, association: Association, receipt: Receipt, packs: readonly PackReference[]) {
    this.#options = options;
    this.#association = association;
    this.#receipt = receipt;
    this.#packs = packs;
    this.#voice = new Voice(options.fleet, options.log);
  }

  /** Of what was stored last for an association; undefined where nothing was, or it counts no more. */
  static async of(options: SourceOptions, id: AssociationId): Promise<Confirmation | undefined> {
    const association = options.fleet.roster().associations.get(id);
    const receipt = readReceipt(options.home, id);
    const descriptor = readReceiptDescriptor(options.home, id);
    if (!association || !receipt || !descriptor) return undefined;
    const header = await openDescriptor(descriptor);
    // The descriptor is written first: one that does not fit is of a capture that was killed between the two.
    if (hexOf(header.descriptorHash) !== receipt.descriptorHash) return undefined;
    return new Confirmation(options, association, receipt, header.packs);
  }

  get receipt(): Receipt {
    return this.#receipt;
  }

  judge(): Safety {
    const heard = withTrial(this.#options, this.#receipt, this.#events());
    if (heard !== this.#receipt) this.#keep(heard);
    return judge(this.#options, this.#association, this.#receipt, this.#packs.length);
  }

  /** As it would stand if every holder that has signed were read back now. */
  judgeIfRead(): Safety {
    const atMs = this.#options.clock.now();
    const all = new Uint8Array(Math.ceil(this.#packs.length / 8)).fill(0xff);
    const wholes = heldBy(this.#receipt, this.#events());
    const reads = wholes.map(({ peerId, isWhole }) => {
      const before = this.#receipt.reads.find((read) => read.peerId === peerId);
      return { peerId, atMs, packs: isWhole || !before ? all : before.packs };
    });
    return judge(this.#options, this.#association, { ...this.#receipt, reads }, this.#packs.length);
  }

  standing(): Standing {
    const holders = heldBy(this.#receipt, this.#events()).map(({ peerId }) => peerId);
    return { safety: this.judge(), receipt: this.#receipt, holders, copies: this.#copies() };
  }

  /** Tells the fleet how things stand, if that has changed. */
  async say(): Promise<Safety> {
    const judged = this.judge();
    if (!this.#isNewest()) return judged;
    const { state, snapshot, descriptorHash, bytes, machine, skipped } = this.#receipt;
    await this.#voice.commit(this.#association.id, {
      state,
      phase: judged.safe ? 'safe' : 'stored',
      snapshot,
      descriptorHash,
      bytes,
      peers: holdersOf(this.#receipt, this.#events()),
      untilMs: judged.untilMs,
      machine,
      skipped,
      notes: judged.missing,
    });
    return judged;
  }

  /** Reads packs back from that holder, and remembers what it has. Throws what is wrong with it. */
  async read(peerId: PeerIdText, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    const { fleet, random, clock, home } = this.#options;
    const state = readSourceState(home, this.#association.id);
    if (state?.stateId !== this.#receipt.state) {
      throw new ResettleError('failed', 'the key of that snapshot is not kept by this machine any more');
    }
    const holder = { peerId, name: nameOf(fleet.roster(), peerId) };
    const others = this.#receipt.reads.filter((read) => read.peerId !== peerId);
    try {
      const packs = await readBack({ fleet, random, holder, state, packs: this.#packs, onBytes }, signal);
      this.#keep({ ...this.#receipt, reads: [...others, { peerId, atMs: clock.now(), packs }] });
    } catch (error) {
      signal.throwIfAborted();
      // What was read earlier does not speak for a holder that gives wrong bytes, or none, now.
      const isWord = error instanceof ResettleError && error.code !== 'failed';
      if (isWord) this.#keep({ ...this.#receipt, reads: others });
      throw error;
    }
  }

  /** Whether the shares of its key do not suffice as they were dealt. */
  get lacksShares(): boolean {
    return !this.#association.ended && lacksShares(this.#options.fleet, this.#receipt, this.#events());
  }

  /** Deals shares of its key anew, to members that stay. Throws as `distributeShares`. */
  async dealAgain(signal: AbortSignal): Promise<void> {
    const { distributeShares, home, clock } = this.#options;
    const { id } = this.#association;
    const state = readSourceState(home, id);
    if (!distributeShares || state?.stateId !== this.#receipt.state) return;
    const holders = heldBy(this.#receipt, this.#events()).map(({ peerId }) => peerId);
    const exclude = [...new Set([...this.#receipt.points, ...holders])];
    const wish = { association: id, stateId: state.stateId, stateKey: state.key, exclude };
    const shares = await distributeShares(wish, signal);
    if (shares) this.#keep({ ...this.#receipt, shares: { ...shares, atMs: clock.now() } });
  }

  /** Waits for copies and trials that can still come, and reads back from every holder. Returns how things stand then. */
  async wait(wish: ConfirmWish, signal: AbortSignal): Promise<Standing> {
    const { clock, times } = this.#options;
    const waitMs = wish.waitMs ?? times?.safetyWaitMs ?? SAFETY_WAIT_MS;
    const began = clock.monotonicMs();
    const replicas = this.#association.body.replicas;
    const slowMs =
      (times?.replicateWaitMs ?? REPLICATE_WAIT_MS) + (this.#receipt.bytes / REPLICATE_BYTES_PER_SECOND) * 1000;
    const copiesUntil = replicas > 1 ? began + slowMs : began;
    const reachable = this.#canDestinationAnswer(signal);
    const failures = new Map<PeerIdText, number>();
    let settledAt = began;
    for (;;) {
      const read = await this.#readOne(wish, failures, signal);
      const judged = this.judge();
      const now = clock.monotonicMs();
      if (judged.safe) break;
      const copying = replicas > 1 && this.#copies() < replicas && now < copiesUntil;
      if (copying) {
        this.#tellCopies(wish, replicas);
        settledAt = now;
      }
      if (read) continue;
      if (!copying && now - settledAt >= waitMs) break;
      if (!copying && !(await this.#mayStillCome(now - settledAt, reachable))) break;
      await this.#change(signal);
    }
    const { safe } = await this.say();
    if (safe) await this.#forgetOlderShares(signal);
    return this.standing();
  }

  /** Nothing needs shares of an earlier state's key once a newer state is safe. */
  async #forgetOlderShares(signal: AbortSignal): Promise<void> {
    const { state } = this.#receipt;
    const hasOlder = this.#events().some(
      ({ body }) => body.step === 'share' && body.phase === 'kept' && body.state !== state,
    );
    if (hasOlder) await this.#options.forgetOlderShares?.(this.#association.id, state, signal);
  }

  /** Complete copies that holders have signed for. */
  #copies(): number {
    return heldBy(this.#receipt, this.#events()).filter(({ isWhole }) => isWhole).length;
  }

  #tellCopies({ onProgress }: ConfirmWish, replicas: number): void {
    const { bytes } = this.#receipt;
    const held = Math.min(this.#copies(), replicas);
    onProgress({
      phase: 'replicate',
      bytes: held * bytes,
      totalBytes: replicas * bytes,
      files: held,
      totalFiles: replicas,
    });
  }

  /** Reads from one holder that has signed and was not read from yet. */
  async #readOne(wish: ConfirmWish, failures: Map<PeerIdText, number>, signal: AbortSignal): Promise<boolean> {
    for (const { peerId } of heldBy(this.#receipt, this.#events())) {
      if (failures.has(peerId) || this.#receipt.reads.some((read) => read.peerId === peerId)) continue;
      let bytes = 0;
      const tell = (more: number): void => {
        bytes += more;
        wish.onProgress({ phase: 'verify', bytes, totalBytes: 0, files: 0, totalFiles: 0 });
      };
      try {
        await this.read(peerId, tell, signal);
      } catch (error) {
        signal.throwIfAborted();
        failures.set(peerId, 1);
        wish.note(`nothing could be read back: ${messageOf(error)}`);
      }
      return true;
    }
    return false;
  }

  /** Whether waiting is of use: for a holder that is about to sign, or a destination that answers. */
  async #mayStillCome(waitedMs: number, reachable: Promise<boolean>): Promise<boolean> {
    if (heldBy(this.#receipt, this.#events()).length === 0) return waitedMs < RECEIPT_WAIT_MS;
    if (this.#association.body.mode === 'in-place') return waitedMs < RECEIPT_WAIT_MS;
    return await reachable;
  }

  async #canDestinationAnswer(signal: AbortSignal): Promise<boolean> {
    const { destination } = this.#association;
    if (destination === undefined) return false;
    return await this.#options.fleet.connectTo(destination, signal).then(
      () => true,
      () => false,
    );
  }

  /** Until the records change, or a moment has passed. */
  async #change(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        unlisten();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, LOOK_AGAIN_MS);
      const unlisten = this.#options.fleet.onChange(done);
      signal.addEventListener('abort', done, { once: true });
    });
    signal.throwIfAborted();
  }

  #events() {
    return this.#options.fleet.events(this.#association.id);
  }

  /** A later capture's receipt is never written over. */
  #keep(receipt: Receipt): void {
    this.#receipt = receipt;
    if (this.#isNewest()) writeReceipt(this.#options.home, receipt);
  }

  #isNewest(): boolean {
    return readReceipt(this.#options.home, this.#association.id)?.descriptorHash === this.#receipt.descriptorHash;
  }
}

const LOOK_AGAIN_MS = 500;
