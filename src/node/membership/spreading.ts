import type { Connection } from '@libp2p/interface';
import type { PeerIdText } from '../../common/ids.ts';
import { exchangeRecords, type RecordStore } from '../../protocols/records/records.ts';
import type { Log } from '../log.ts';

/** Changes within this time spread together. */
const SPREAD_DELAY_MS = 50;

export interface SpreadingOptions {
  readonly store: RecordStore;
  /** The members that are connected now. */
  readonly peers: () => Iterable<PeerIdText>;
  readonly connectionTo: (peer: PeerIdText) => Connection | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly exchange?: typeof exchangeRecords;
}

/** Keeps the records of connected members equal: one exchange with a peer at a time, another one if it missed a change. */
export class Spreading {
  readonly #options: SpreadingOptions;
  readonly #running = new Map<PeerIdText, { again: boolean; done: Promise<void> }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SpreadingOptions) {
    this.#options = options;
  }

  /** Something has changed here: every connected member shall have it soon. */
  soon(): void {
    if (this.#timer || this.#options.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.withAll();
    }, SPREAD_DELAY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async withAll(): Promise<void> {
    await Promise.all([...this.#options.peers()].map((peer) => this.with(peer)));
  }

  /** Settles when this peer has been asked since the call; never rejects. */
  with(peer: PeerIdText): Promise<void> {
    const running = this.#running.get(peer);
    if (running) {
      running.again = true;
      return running.done;
    }
    const state = { again: true, done: Promise.resolve() };
    this.#running.set(peer, state);
    state.done = this.#run(peer, state).finally(() => this.#running.delete(peer));
    return state.done;
  }

  async #run(peer: PeerIdText, state: { again: boolean }): Promise<void> {
    const { store, connectionTo, log, signal, exchange = exchangeRecords } = this.#options;
    try {
      while (state.again && !signal.aborted) {
        state.again = false;
        const connection = connectionTo(peer);
        if (!connection) return;
        await exchange(connection, store, (reason) => log.debug({ peer, reason }, 'a record was refused'), signal);
      }
    } catch (error) {
      log.debug({ err: error, peer }, 'exchange of records failed');
    }
  }
}
