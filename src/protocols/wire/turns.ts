/**
 * What is asked of an agent is answered on one thread, which moves everybody's packs as well. Each peer has so much of it, in
 * requests answered: beyond that it waits, and nobody else does.
 */
import type { Stream } from '@libp2p/interface';
import type { Clock } from '../../common/clock.ts';
import { ANSWER_BURST_MS, ANSWER_MOST_MS, ANSWER_SHARE, ANSWERS_AT_ONCE_PER_PEER } from '../../common/limits.ts';

/** Does the work when the peer's turn has come. Throws, and does nothing, when the stream was over before. */
export type InTurn = <T>(stream: Stream, work: () => Promise<T>) => Promise<T>;

interface Waiting {
  begin(): void;
}

/** What one peer has used lately, and what of it waits. */
interface Account {
  usedMs: number;
  atMs: number;
  running: number;
  readonly waiting: Set<Waiting>;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Turns {
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Account>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(peer: string): InTurn {
    return async (stream, work) => {
      await this.#turn(peer, stream);
      const beganMs = this.#clock.monotonicMs();
      try {
        return await work();
      } finally {
        this.#over(peer, this.#clock.monotonicMs() - beganMs);
      }
    };
  }

  /** Milliseconds until the peer may be answered again; 0: it may now. */
  waitMs(peer: string): number {
    const account = this.#accounts.get(peer);
    if (!account) return 0;
    this.#refill(account);
    return Math.max(0, (account.usedMs - ANSWER_BURST_MS) / ANSWER_SHARE);
  }

  #account(peer: string): Account {
    const known = this.#accounts.get(peer);
    if (known) return known;
    const account = {
      usedMs: 0,
      atMs: this.#clock.monotonicMs(),
      running: 0,
      waiting: new Set<Waiting>(),
      timer: undefined,
    };
    this.#accounts.set(peer, account);
    return account;
  }

  #refill(account: Account): void {
    const nowMs = this.#clock.monotonicMs();
    account.usedMs = Math.max(0, account.usedMs - (nowMs - account.atMs) * ANSWER_SHARE);
    account.atMs = nowMs;
  }

  async #turn(peer: string, stream: Stream): Promise<void> {
    const account = this.#account(peer);
    if (account.waiting.size === 0 && account.running < ANSWERS_AT_ONCE_PER_PEER && this.waitMs(peer) === 0) {
      account.running += 1;
      return;
    }
    await new Promise<void>((begin, giveUp) => {
      const gone = (): void => {
        account.waiting.delete(waiting);
        giveUp(new Error('it did not wait for its answer'));
      };
      const waiting = {
        begin: () => {
          stream.removeEventListener('close', gone);
          begin();
        },
      };
      stream.addEventListener('close', gone, { once: true });
      account.waiting.add(waiting);
      if (stream.status !== 'open') gone();
      else this.#next(peer, account);
    });
  }

  #over(peer: string, tookMs: number): void {
    const account = this.#accounts.get(peer)!;
    this.#refill(account);
    account.running -= 1;
    // A commit waits for a disk, and takes no more of the thread for that.
    account.usedMs += Math.min(tookMs, ANSWER_MOST_MS);
    this.#next(peer, account);
  }

  /** Begins what may begin, and looks again when more may. */
  #next(peer: string, account: Account): void {
    const waitMs = this.waitMs(peer);
    while (waitMs === 0 && account.running < ANSWERS_AT_ONCE_PER_PEER) {
      const [first] = account.waiting;
      if (!first) break;
      account.waiting.delete(first);
      account.running += 1;
      first.begin();
    }
    if (account.waiting.size > 0 && waitMs > 0) {
      account.timer ??= setTimeout(() => {
        account.timer = undefined;
        this.#next(peer, account);
      }, Math.ceil(waitMs));
      account.timer.unref();
    }
    this.#forgetIdle();
  }

  /** Peers come and go: of those that have used nothing lately nothing is kept. */
  #forgetIdle(): void {
    for (const [peer, account] of this.#accounts) {
      if (account.running > 0 || account.waiting.size > 0) continue;
      this.#refill(account);
      if (account.usedMs === 0) this.#accounts.delete(peer);
      // They stand in the order in which they came: one look is enough.
      else break;
    }
  }
}
