import type { Clock, RandomBytes } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { NEWS_PER_PEER_MAX, RECORDS_CHECK_EVERY_MS, RECORDS_PER_MESSAGE_BYTES_MAX } from '../../common/limits.ts';
import { type Ask, haveSame, pushRecords, reconcile } from '../../protocols/records/client.ts';
import type { RecordsListener } from '../../protocols/records/server.ts';
import type { Inserted, RecordStore } from '../../protocols/records/store.ts';
import type { Log } from '../log.ts';
import { between } from './between.ts';

/** News waits a random time of this order: what comes together goes together, and what others told us goes nowhere. */
const NEWS_DELAY_MS = { least: 10, most: 60 };
/** After many records at once, which come from a reconciliation, the others are asked instead of told. */
const BULK_DELAY_MS = { least: 50, most: 200 };
const BULK_RECORDS = 32;
/** Reconciliations that this agent asks for at once: from a second one it would get the same again. */
const RECONCILING_AT_ONCE = 2;
/** A peer that brings what has no place here makes us ask it, but not more often than this. */
const STUCK_EVERY_MS = 1_000;
/** After reconciliations that brought nothing: twice as long each time. */
const USELESS_FIRST_MS = 5_000;
const USELESS_MAX_MS = 3_600_000;
/** Also for a clock that has just begun. */
const NEVER = Number.NEGATIVE_INFINITY;
/** Calls without an answer in a row after which the other is taken for gone. */
const SILENT_CALLS_MAX = 2;

export interface SpreadingOptions {
  readonly store: RecordStore;
  /** The members that are connected now. */
  readonly peers: () => Iterable<PeerIdText>;
  /** How to ask one of them; undefined where it is gone. */
  readonly ask: (peer: PeerIdText) => Ask | undefined;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** A record was refused that this peer brought. */
  readonly refused: (peer: string, reason: string) => void;
  /** This peer has not answered several times: its connection is dead. */
  readonly silent: (peer: PeerIdText) => void;
  readonly checkEveryMs?: number;
}

/** What is known of one connected peer. */
interface PeerState {
  /** Hashes of records that it may lack. */
  readonly news: Set<string>;
  pushing: boolean;
  checking: { again: boolean; done: Promise<void> } | undefined;
  /** Monotonic times. */
  checkedMs: number;
  stuckMs: number;
  useless: number;
  notBeforeMs: number;
  silentCalls: number;
  /** The last comparison came to no end. */
  hasFailed: boolean;
}

/**
 * Keeps the records of connected members equal. News goes at once to all of them but those that are known to have it. Now
 * and then each pair compares fingerprints; that finds what was missed, and connections that have died.
 */
export class Spreading implements RecordsListener {
  readonly #options: SpreadingOptions;
  readonly #peers = new Map<PeerIdText, PeerState>();
  readonly #waiting: (() => void)[] = [];
  #reconciling = 0;
  #newsTimer: ReturnType<typeof setTimeout> | undefined;
  #bulkTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SpreadingOptions) {
    this.#options = options;
  }

  /** Records are here that were not before; `from` is who brought them. */
  added(hashes: readonly string[], from: string | undefined): void {
    if (this.#options.signal.aborted) return;
    if (hashes.length > BULK_RECORDS) {
      this.#askAllSoon();
      return;
    }
    for (const peer of this.#options.peers()) {
      if (peer === from) continue;
      const { news } = this.#state(peer);
      for (const hash of hashes) news.add(hash);
      // Somebody who is so far behind is better asked.
      if (news.size > NEWS_PER_PEER_MAX) {
        news.clear();
        this.#askAllSoon();
      }
    }
    this.#newsTimer ??= this.#later(NEWS_DELAY_MS, () => {
      this.#newsTimer = undefined;
      this.#tell();
    });
  }

  /** A peer brought records: it needs not be told of them, and it is alive. */
  received(peer: string, { stored, refused }: Inserted): void {
    const state = this.#state(peer as PeerIdText);
    state.silentCalls = 0;
    for (const hash of stored) state.news.delete(hash);
    for (const { kind, reason } of refused) if (kind === 'never') this.#options.refused(peer, reason);
    const now = this.#now();
    const isStuck = refused.some(({ kind }) => kind === 'later');
    if (!isStuck || now - state.stuckMs < STUCK_EVERY_MS || now < state.notBeforeMs) return;
    state.stuckMs = now;
    void this.with(peer as PeerIdText);
  }

  /** A peer has compared, and found no difference: for now that needs not be done again. */
  agreed(peer: string): void {
    const state = this.#state(peer as PeerIdText);
    state.silentCalls = 0;
    state.checkedMs = this.#now();
  }

  /** Compares with those with whom that was not done for a while. To be called every few seconds. */
  tick(): void {
    const { signal, checkEveryMs = RECORDS_CHECK_EVERY_MS } = this.#options;
    if (signal.aborted) return;
    const connected = new Set(this.#options.peers());
    for (const peer of this.#peers.keys()) if (!connected.has(peer)) this.#peers.delete(peer);
    const now = this.#now();
    for (const peer of connected) {
      const state = this.#state(peer);
      if (now - state.checkedMs < checkEveryMs || now < state.notBeforeMs) continue;
      // Not all of them at one time, now and later.
      state.checkedMs = now + between(this.#options.random, 0, checkEveryMs / 4);
      void this.with(peer);
    }
  }

  stop(): void {
    clearTimeout(this.#newsTimer);
    clearTimeout(this.#bulkTimer);
  }

  async withAll(): Promise<void> {
    await Promise.all([...this.#options.peers()].map((peer) => this.with(peer)));
  }

  /** Settles when the two were made equal, as far as that goes, after the call; never rejects. */
  with(peer: PeerIdText): Promise<void> {
    const state = this.#state(peer);
    if (state.checking) {
      state.checking.again = true;
      return state.checking.done;
    }
    const checking = { again: true, done: Promise.resolve() };
    state.checking = checking;
    checking.done = this.#check(peer, state, checking).finally(() => {
      state.checking = undefined;
    });
    return checking.done;
  }

  async #check(peer: PeerIdText, state: PeerState, checking: { again: boolean }): Promise<void> {
    const { store, signal } = this.#options;
    while (checking.again && !signal.aborted) {
      checking.again = false;
      const ask = this.#asking(peer, state);
      if (!ask) return;
      try {
        if (!(await haveSame(ask, store))) await this.#reconcile(peer, state, ask);
        else state.useless = 0;
        state.hasFailed = false;
      } catch (error) {
        // Once more at the next tick: what broke may be whole again, and a minute is long for what waits.
        if (!state.hasFailed) state.checkedMs = NEVER;
        state.hasFailed = true;
        this.#options.log.debug({ err: error, peer }, 'comparing records failed');
      }
    }
  }

  async #reconcile(peer: PeerIdText, state: PeerState, ask: Ask): Promise<void> {
    await this.#turn();
    try {
      const { added, refused, complete } = await reconcile(ask, this.#options.store, peer);
      for (const reason of refused) this.#options.refused(peer, reason);
      state.useless = added > 0 ? 0 : state.useless + 1;
      // The first that brings nothing has given something, or the two are of one mind by now.
      const waitMs = state.useless < 2 ? 0 : USELESS_FIRST_MS * 2 ** (state.useless - 2);
      state.notBeforeMs = this.#now() + Math.min(waitMs, USELESS_MAX_MS);
      if (!complete && added > 0 && state.checking) state.checking.again = true;
    } finally {
      this.#reconciling -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#reconciling >= RECONCILING_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#reconciling += 1;
  }

  #askAllSoon(): void {
    this.#bulkTimer ??= this.#later(BULK_DELAY_MS, () => {
      this.#bulkTimer = undefined;
      if (this.#reconciling > 0) this.#askAllSoon();
      else void this.withAll();
    });
  }

  #tell(): void {
    for (const peer of this.#options.peers()) {
      const state = this.#state(peer);
      if (state.news.size > 0 && !state.pushing) void this.#push(peer, state);
    }
  }

  async #push(peer: PeerIdText, state: PeerState): Promise<void> {
    state.pushing = true;
    try {
      while (state.news.size > 0) {
        const ask = this.#asking(peer, state);
        const hashes = [...state.news];
        state.news.clear();
        if (!ask) return;
        const max = { records: hashes.length, bytes: RECORDS_PER_MESSAGE_BYTES_MAX };
        const { envelopes } = this.#options.store.envelopes(hashes, max);
        if (envelopes.length > 0) await pushRecords(ask, envelopes);
      }
    } catch (error) {
      // What it missed is found when the two compare.
      this.#options.log.debug({ err: error, peer }, 'passing records on failed');
      state.checkedMs = NEVER;
    } finally {
      state.pushing = false;
    }
  }

  /** As the option's, and it notices who says nothing. */
  #asking(peer: PeerIdText, state: PeerState): Ask | undefined {
    const ask = this.#options.ask(peer);
    return (
      ask &&
      (async (request) => {
        try {
          const answer = await ask(request);
          state.silentCalls = 0;
          state.checkedMs = Math.max(state.checkedMs, this.#now());
          return answer;
        } catch (error) {
          if (isSilence(error) && !this.#options.signal.aborted) this.#noteSilence(peer, state, error);
          throw error;
        }
      })
    );
  }

  #noteSilence(peer: PeerIdText, state: PeerState, error: unknown): void {
    state.silentCalls += 1;
    state.checkedMs = NEVER;
    if (state.silentCalls < SILENT_CALLS_MAX) return;
    this.#options.log.info({ peer, reason: messageOf(error) }, 'a connected machine does not answer');
    this.#peers.delete(peer);
    this.#options.silent(peer);
  }

  #state(peer: PeerIdText): PeerState {
    const known = this.#peers.get(peer);
    if (known) return known;
    const state: PeerState = {
      news: new Set(),
      pushing: false,
      checking: undefined,
      checkedMs: this.#now(),
      stuckMs: NEVER,
      useless: 0,
      notBeforeMs: 0,
      silentCalls: 0,
      hasFailed: false,
    };
    this.#peers.set(peer, state);
    return state;
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }

  #later({ least, most }: { least: number; most: number }, then: () => void): ReturnType<typeof setTimeout> {
    const timer = setTimeout(then, between(this.#options.random, least, most));
    timer.unref();
    return timer;
  }
}

/** True where nothing came back in time; a refusal, or a closed connection, is an answer of its own. */
function isSilence(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'TimeoutError' || cause.name === 'AbortError') return true;
  }
  return false;
}
