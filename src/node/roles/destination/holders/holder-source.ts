import type { Clock } from '../../../../common/clock.ts';
import { ResettleError } from '../../../../common/errors.ts';
import type { PackId, PeerIdText, StateId } from '../../../../common/ids.ts';
import { RESTORE_HOLDERS_MAX } from '../../../../common/limits.ts';
import type { PackSource } from '../../../../common/ports.ts';
import type { PackReference } from '../../../../state/format/index.ts';
import { HolderLink } from './holder-link.ts';
import { PackInProgress } from './pack-in-progress.ts';
import { TIMING, type Timing } from './timing.ts';
import type { Holder } from './types.ts';

/** Different notes about one holder that are told; a cable with a loose contact must not fill the screen. */
const NOTES_PER_HOLDER = 6;
/** Who waits for a holder looks again after this at the latest. */
const WAIT_STEP_MS = 250;
/** A holder this many times slower than the fastest is left alone: packs are used in order, and all would wait for it. */
const SLOWER_MAX = 3;

export interface HolderSourceOptions {
  readonly state: StateId;
  readonly packs: readonly PackReference[];
  /** In order of preference. */
  readonly holders: readonly Holder[];
  readonly clock: Clock;
  /** What a person should know: who is lost, who is back, who is not to be trusted. */
  readonly onNote: (message: string) => void;
  readonly timing?: Timing;
}

/** Who gave how much. */
export interface Given {
  readonly peerId: PeerIdText;
  readonly name: string;
  readonly bytes: number;
}

/**
 * Packs of one state from whoever has them: from several at once, from those that remain, and from where a lost one
 * left off. Each pack's hash is right before it is handed over. Memory: the caller's buffers, and nothing beside.
 */
export class HolderSource implements PackSource {
  readonly #options: HolderSourceOptions;
  readonly #timing: Timing;
  readonly #links: readonly HolderLink[];
  readonly #notes = new Map<HolderLink, Set<string>>();
  readonly #lost = new Set<HolderLink>();
  readonly #waiting = new Set<() => void>();
  #lastByteMs: number;

  constructor(options: HolderSourceOptions) {
    this.#options = options;
    this.#timing = options.timing ?? TIMING;
    this.#lastByteMs = options.clock.monotonicMs();
    const { state, clock } = options;
    const packs = options.packs.map(({ id }) => id);
    this.#links = options.holders.map(
      (holder) =>
        new HolderLink(holder, { state, packs, clock, timing: this.#timing, onChange: (link) => this.#onChange(link) }),
    );
  }

  /** Those that gave anything. */
  given(): Given[] {
    return this.#links
      .filter(({ givenBytes }) => givenBytes > 0)
      .map(({ holder, givenBytes }) => ({ peerId: holder.peerId, name: holder.name, bytes: givenBytes }));
  }

  /**
   * Throws `damaged` where no holder has the pack as it should be, `refused` where all refuse, `failed` where nobody
   * could be reached for a while: the same restore goes on later.
   */
  async get(id: PackId, sizeBytes: number, into: Uint8Array, signal: AbortSignal): Promise<void> {
    const pack = new PackInProgress<HolderLink>(id, sizeBytes, into);
    const startedMs = this.#now();
    for (;;) {
      signal.throwIfAborted();
      if (this.#now() - Math.max(startedMs, this.#lastByteMs) >= this.#timing.reconnectMs) throw this.#nobody(id);
      if (!this.#links.some((one) => one.mayHave(id))) throw this.#hopeless(id);
      this.#warm(id);
      const link = this.#choose(id);
      if (!link) {
        await this.#change(signal);
        continue;
      }
      if (await this.#fetch(link, pack, signal)) return;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }

  abort(reason: Error): void {
    for (const link of this.#links) link.abort(reason);
  }

  /** True when the pack is there. */
  async #fetch(link: HolderLink, pack: PackInProgress<HolderLink>, signal: AbortSignal): Promise<boolean> {
    const want = pack.wantFrom(link);
    const counted = {
      ...want,
      onBytes: (filled: number) => {
        this.#lastByteMs = this.#now();
        this.#isBack(link);
        want.onBytes(filled);
      },
    };
    const leastBytes = (): number => (this.#hasAnother(link, pack.id) ? this.#timing.stallBytes : 1);
    const outcome = await link.fetch(counted, leastBytes, signal);
    if (outcome === 'right') {
      for (const liar of pack.liars()) this.#exclude(liar, pack.id);
      return true;
    }
    if (outcome === 'wrong') {
      const giver = pack.reject();
      if (giver) this.#exclude(giver, pack.id);
    }
    return false;
  }

  /** Opens holders beside the work: a few at once, and more only where none of those may have the pack. */
  #warm(id: PackId): void {
    const now = this.#now();
    const inUse = this.#links.filter((link) => link.isOpen || link.isOpening);
    const fresh = this.#links.filter((link) => !inUse.includes(link) && link.mayHave(id) && link.retryAtMs <= now);
    fresh.sort((a, b) => Number(a.problem !== undefined) - Number(b.problem !== undefined));
    for (const link of fresh) {
      if (inUse.length >= RESTORE_HOLDERS_MAX && inUse.some((one) => one.mayHave(id))) return;
      link.warm();
      inUse.push(link);
    }
  }

  /** Of those that are open and may have the pack, the one with the least to do; none that is much slower than another. */
  #choose(id: PackId): HolderLink | undefined {
    const fit = this.#links.filter((link) => link.isOpen && link.mayHave(id));
    const best = Math.max(0, ...fit.map(({ rate }) => rate.bytesPerMs ?? 0));
    const quick = fit.filter(({ rate }) => (rate.bytesPerMs ?? best) * SLOWER_MAX >= best);
    const [first] = quick.sort((a, b) => a.awaitedBytes - b.awaitedBytes || a.givenBytes - b.givenBytes);
    return first;
  }

  #hasAnother(link: HolderLink, id: PackId): boolean {
    return this.#links.some((other) => other !== link && other.isOpen && other.mayHave(id));
  }

  /** Until something is known of a holder, or one may be tried again. */
  async #change(signal: AbortSignal): Promise<void> {
    const now = this.#now();
    const retries = this.#links.map(({ retryAtMs }) => retryAtMs - now).filter((waitMs) => waitMs > 0);
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(WAIT_STEP_MS, ...retries));
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #onChange(link: HolderLink): void {
    if (link.out) this.#note(link, `${link.out.message}; it is not asked again`);
    else if (!link.isOpen) this.#isLost(link);
    for (const done of this.#waiting) done();
  }

  #exclude(link: HolderLink, id: PackId): void {
    const { name } = link.holder;
    link.exclude(
      new ResettleError('damaged', `${name} gave wrong bytes for pack ${id}`, {
        hint: 'check the disk of that machine',
      }),
    );
  }

  #isLost(link: HolderLink): void {
    if (this.#lost.has(link)) return;
    this.#lost.add(link);
    const others = this.#links.filter((other) => other.out === undefined && !this.#lost.has(other));
    const names = others.map(({ holder }) => holder.name).join(', ');
    const next =
      others.length > 0 ? `going on with ${names}` : `waiting up to ${this.#timing.reconnectMs / 1000} s for it`;
    const how = link.wasOpen ? 'was lost' : 'gives nothing now';
    this.#note(link, `${link.holder.name} ${how}: ${link.problem?.message ?? 'no answer'}; ${next}`);
  }

  #isBack(link: HolderLink): void {
    if (this.#lost.delete(link)) this.#note(link, `${link.holder.name} is back`);
  }

  #note(link: HolderLink, message: string): void {
    const told = this.#notes.get(link) ?? new Set();
    this.#notes.set(link, told);
    if (told.has(message) || told.size >= NOTES_PER_HOLDER) return;
    told.add(message);
    this.#options.onNote(message);
  }

  #hopeless(id: PackId): ResettleError {
    const reasons = this.#links.map((link) => link.reasonFor(id)).join('; ');
    const refused = this.#links.length > 0 && this.#links.every(({ out }) => out?.code === 'refused');
    return new ResettleError(refused ? 'refused' : 'damaged', `no holder has it as it should be: ${reasons}`, {
      hint: refused
        ? 'ask an operator of the fleet'
        : 'capture again on the old machine, which sends what is missing, or bring a point with another copy back',
    });
  }

  #nobody(id: PackId): ResettleError {
    const reasons = this.#links.map((link) => link.reasonFor(id)).join('; ');
    return new ResettleError('failed', `nobody who holds this state has answered any more: ${reasons}`, {
      hint: 'what is in place stays; run the same command again when one of them is back, and it goes on',
    });
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}
