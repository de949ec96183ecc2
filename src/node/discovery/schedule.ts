/**
 * When one interface asks and when it speaks: a state machine that is told the time and never waits itself.
 *
 * Times are milliseconds of a clock that only grows. `due(now)` says what is to be sent now, `nextAtMs()` when to come
 * back. Asking and speaking know nothing of each other:
 *
 *     asking    start or hurry → ask → wait 1 s → ask → 2 s → ask → 4 s … 60 min     (in a hurry no wait beyond 4 s)
 *     speaking  quiet → (asked, or news) → pending → spoken → quiet                  (news is told twice)
 */

import { DISCOVERY_TTL_MS } from '../../common/limits.ts';

/** Everybody who hears a question waits at least and at most so long before the answer (RFC 6762, section 6). */
export const JITTER_MIN_MS = 20;
export const JITTER_MAX_MS = 120;
/** No record goes out more often than this (RFC 6762, section 6), and no question either. */
export const GAP_MS = 1000;
/** The wait after the second question; each further one is twice as long. */
export const ASK_FIRST_WAIT_MS = 1000;
export const ASK_LONGEST_WAIT_MS = 3_600_000;
/** Jitter lengthens a wait by up to this part of it; it never shortens it, so the gap holds. */
const ASK_JITTER = 0.1;
/** The longest wait between questions while somebody waits for an answer. */
export const ASK_HURRY_WAIT_MS = 4000;
/** Each peer known on the interface makes answers this much rarer: all together at most some 200 a second. */
export const MS_PER_NEIGHBOUR = 5;
/** So many neighbours are a crowd: more than fit into a question as known answers. */
export const CROWD = 15;
/** In a crowd, how long a neighbour is taken to have heard us: all together speak some 5 times a second. */
const BELIEVED_MS_PER_NEIGHBOUR = 200;
const BELIEVED_LONGEST_MS = DISCOVERY_TTL_MS / 2;
/** In this last part of a wait somebody else's question stands for our own. */
const COVERED_PART = 0.25;
/** News goes out this often. */
const NEWS_REPEATS = 2;

/** What is to be sent. */
export interface DueActions {
  readonly ask: boolean;
  readonly speak: boolean;
}

/** The schedule of one interface. */
export class Schedule {
  readonly #random: () => number;
  #nextAskAtMs = Number.POSITIVE_INFINITY;
  #askWaitMs = ASK_FIRST_WAIT_MS;
  #lastAskAtMs = Number.NEGATIVE_INFINITY;
  #hurryUntilMs = Number.NEGATIVE_INFINITY;
  #refreshAtMs = Number.POSITIVE_INFINITY;
  #speakAtMs = Number.POSITIVE_INFINITY;
  #lastSpokenAtMs = Number.NEGATIVE_INFINITY;
  #newsLeft = 0;

  /** @param random a number from 0 to below 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The interface is ready: tell it and ask it. */
  start(nowMs: number): void {
    this.news(nowMs);
    this.#askSoon(nowMs);
  }

  /** Somebody waits: ask now and often for that long. */
  hurry(nowMs: number, durationMs: number): void {
    this.#hurryUntilMs = Math.max(this.#hurryUntilMs, nowMs + durationMs);
    this.#askSoon(nowMs);
  }

  /** What we would say has changed: say it without being asked. */
  news(nowMs: number): void {
    this.#newsLeft = NEWS_REPEATS;
    this.#speakSoon(nowMs, 0);
  }

  /**
   * A question was heard that our answer belongs to.
   *
   * @param neighbours peers known on this interface: the more, the longer answers are spread
   * @param askerSinceMs since when the asker is known here; Infinity for a newcomer. In a crowd, where what the asker
   * knows does not fit into its question, whoever was there when we last spoke is taken to have heard it for a while.
   */
  questionHeard(nowMs: number, neighbours: number, askerSinceMs = Number.POSITIVE_INFINITY): void {
    const believedMs = Math.min(BELIEVED_LONGEST_MS, neighbours * BELIEVED_MS_PER_NEIGHBOUR);
    const isBelieved = askerSinceMs < this.#lastSpokenAtMs && nowMs - this.#lastSpokenAtMs < believedMs;
    if (neighbours >= CROWD && isBelieved) return;
    this.#speakSoon(nowMs, neighbours);
  }

  /**
   * Somebody else asked what we would ask: its answers reach us too (RFC 6762, section 7.3). Returns whether that
   * stands for a question of ours; while somebody waits it does not.
   */
  questionCovered(nowMs: number): boolean {
    if (nowMs < this.#hurryUntilMs) return false;
    const waitMs = this.#nextAskAtMs - this.#lastAskAtMs;
    if (this.#nextAskAtMs - nowMs <= Math.max(GAP_MS, waitMs * COVERED_PART)) this.#asked(nowMs);
    this.#lastAskAtMs = nowMs;
    return true;
  }

  /** When the earliest of what is known here is to be asked for again; Infinity when nothing is known. */
  refreshAt(atMs: number): void {
    this.#refreshAtMs = atMs;
  }

  /** The time of the next action; Infinity when there is none. */
  nextAtMs(): number {
    const refreshAtMs = Math.max(this.#refreshAtMs, this.#lastAskAtMs + GAP_MS);
    return Math.min(this.#nextAskAtMs, refreshAtMs, this.#speakAtMs);
  }

  /** What is to be sent now. It counts as sent. */
  due(nowMs: number): DueActions {
    const refresh = nowMs >= this.#refreshAtMs && nowMs >= this.#lastAskAtMs + GAP_MS;
    const scheduled = nowMs >= this.#nextAskAtMs;
    if (scheduled) this.#asked(nowMs);
    else if (refresh) {
      this.#lastAskAtMs = nowMs;
      this.#nextAskAtMs = Math.max(this.#nextAskAtMs, nowMs + GAP_MS);
    }
    if (refresh) this.#refreshAtMs = Number.POSITIVE_INFINITY;
    const speak = nowMs >= this.#speakAtMs;
    if (speak) this.#spoken(nowMs);
    return { ask: scheduled || refresh, speak };
  }

  #jitterMs(spreadMs = JITTER_MAX_MS): number {
    return JITTER_MIN_MS + this.#random() * (spreadMs - JITTER_MIN_MS);
  }

  #askSoon(nowMs: number): void {
    this.#askWaitMs = ASK_FIRST_WAIT_MS;
    const soonMs = Math.max(nowMs + this.#jitterMs(), this.#lastAskAtMs + GAP_MS);
    this.#nextAskAtMs = Math.min(this.#nextAskAtMs, soonMs);
  }

  #asked(nowMs: number): void {
    this.#lastAskAtMs = nowMs;
    const longestMs = nowMs < this.#hurryUntilMs ? ASK_HURRY_WAIT_MS : ASK_LONGEST_WAIT_MS;
    const waitMs = Math.min(this.#askWaitMs, longestMs / (1 + ASK_JITTER));
    this.#nextAskAtMs = nowMs + waitMs * (1 + this.#random() * ASK_JITTER);
    this.#askWaitMs = Math.min(waitMs * 2, ASK_LONGEST_WAIT_MS);
  }

  #speakSoon(nowMs: number, neighbours: number): void {
    const crowdMs = neighbours * MS_PER_NEIGHBOUR;
    const gapMs = Math.max(GAP_MS, crowdMs);
    const soonMs = Math.max(nowMs, this.#lastSpokenAtMs + gapMs) + this.#jitterMs(Math.max(JITTER_MAX_MS, crowdMs));
    this.#speakAtMs = Math.min(this.#speakAtMs, soonMs);
  }

  #spoken(nowMs: number): void {
    this.#lastSpokenAtMs = nowMs;
    this.#newsLeft = Math.max(0, this.#newsLeft - 1);
    this.#speakAtMs = Number.POSITIVE_INFINITY;
    if (this.#newsLeft > 0) this.#speakSoon(nowMs, 0);
  }
}
