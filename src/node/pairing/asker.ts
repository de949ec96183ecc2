/** The receiver's side of a direct stream that may break: dials again, wherever the sender is now, until it is there. */
import type { Connection } from '@libp2p/interface';
import { asBuffer } from '../../common/bytes.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import { PAIRING_RETRY_FIRST_MS, PAIRING_RETRY_MOST_MS } from '../../common/limits.ts';
import type { DirectAsk, DirectAsker, DirectTaker } from '../../common/ports.ts';
import { BulkChoice } from '../../protocols/direct/bulk/choice.ts';
import { digest } from '../../state/format/index.ts';
import type { Log } from '../log.ts';
import { addressesHeard, type Heard, pause } from './find.ts';
import type { KeptReceiver } from './kept.ts';
import { addressesWith, type PairingNode } from './pairing-node.ts';
import type { DirectLink, DirectSummary, Rooms } from './types.ts';

export interface AskerOptions {
  readonly rooms: Pick<Rooms, 'openDirect' | 'isBroken'>;
  readonly node: PairingNode;
  readonly discovery: Heard;
  readonly kept: KeptReceiver;
  /** H of the descriptor that was offered. */
  readonly descriptorHash: Uint8Array;
  /** For people. */
  readonly remoteName: string;
  /** Of the pairing itself, at the first time. */
  readonly connection?: Connection | undefined;
  /** Where a person says that it is. */
  readonly peers: readonly string[];
  readonly log: Log;
  note(message: string): void;
  /** It was reached there; to be remembered. */
  onReached(addresses: readonly string[]): void;
  /** Whether the pairing can still go on. */
  isOver(): boolean;
}

export class PairedAsker implements DirectAsker {
  readonly #options: AskerOptions;
  #connection: Connection | undefined;
  #link: DirectLink | undefined;
  #addresses: readonly string[];
  readonly #bulk = new BulkChoice(() => this.#onBulkClosed());
  #isLost = false;
  #isRefused = false;
  #wasOpen = false;

  constructor(options: AskerOptions) {
    this.#options = options;
    this.#connection = options.connection;
    // Whatever peer id was written there: the one that we paired with is asked for.
    const given = options.peers.map((address) => address.replace(/\/p2p\/[^/]+$/, ''));
    this.#addresses = [...new Set([...given, ...options.kept.addresses])];
  }

  /** The sender does not know this pairing any more. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** The stream, opened anew if need be. Throws `refused`, `damaged`, or the signal's reason. */
  async link(signal: AbortSignal): Promise<DirectLink> {
    this.#link ??= await this.#reconnected(signal);
    return this.#link;
  }

  async ask(ask: DirectAsk, taker: DirectTaker, signal: AbortSignal): Promise<boolean> {
    const link = await this.link(signal);
    try {
      await link.ask(ask, taker, signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      this.#drop(error);
      if (!this.#options.rooms.isBroken(error)) throw error;
      this.#lost(error);
      return false;
    }
  }

  /** Tells the sender, over a new stream if need be; whether it could be told. */
  async done(summary: DirectSummary, signal: AbortSignal): Promise<boolean> {
    for (let tries = 0; tries < 2; tries++) {
      const link = this.#link ?? (await this.#opened(signal).catch(() => undefined));
      this.#link = undefined;
      if (link && (await link.done(summary))) return true;
      this.#connection = undefined;
    }
    return false;
  }

  abort(reason: Error): void {
    this.#link?.abort(reason);
    this.#link = undefined;
  }

  #drop(error: unknown): void {
    this.abort(error instanceof Error ? error : new Error(String(error)));
    // Closed, not kept: after a change of cables it may be dead without knowing it.
    this.#connection?.abort(new Error('the stream over it has broken'));
    this.#connection = undefined;
  }

  #onBulkClosed(): void {
    const { log, note, remoteName } = this.#options;
    log.warn({}, 'the port for packs cannot be reached there; they come over the encrypted stream');
    note(`a second port of ${remoteName} is closed, by a firewall perhaps: it goes on, more slowly`);
  }

  #lost(error: unknown): void {
    this.#options.log.info({ error: messageOf(error) }, 'the stream has broken');
    const before = this.#wasOpen ? 'connection lost, ' : '';
    if (!this.#isLost) this.#options.note(`${before}waiting for ${this.#options.remoteName}`);
    this.#isLost = true;
  }

  async #reconnected(signal: AbortSignal): Promise<DirectLink> {
    const { discovery, kept, isOver, remoteName } = this.#options;
    let heard = Promise.withResolvers<void>();
    const end = discovery.onPeer(({ peerId }) => peerId === kept.remote && heard.resolve());
    try {
      for (let waitMs = PAIRING_RETRY_FIRST_MS; ; waitMs = Math.min(2 * waitMs, PAIRING_RETRY_MOST_MS)) {
        try {
          const link = await this.#opened(signal);
          if (this.#isLost) this.#options.note(`${remoteName} is back; it goes on`);
          this.#isLost = false;
          return link;
        } catch (error) {
          signal.throwIfAborted();
          this.#drop(error);
          this.#isRefused = error instanceof ResettleError && error.code === 'refused';
          if (this.#isRefused || (error instanceof ResettleError && error.code === 'damaged')) throw error;
          this.#lost(error);
        }
        if (isOver()) {
          throw new ResettleError('failed', `${remoteName} did not come back within 24 hours`, {
            hint: 'pair anew, by a code; what is here already is not sent again',
          });
        }
        discovery.hurry(waitMs);
        await pause(waitMs, signal, heard.promise);
        heard = Promise.withResolvers();
      }
    } finally {
      end();
    }
  }

  async #opened(signal: AbortSignal): Promise<DirectLink> {
    const { rooms, node, discovery, kept, descriptorHash, remoteName } = this.#options;
    const heard = addressesHeard(discovery, kept.remote);
    if (this.#connection?.status !== 'open') {
      const addresses = [...new Set([...heard, ...this.#addresses])];
      if (addresses.length === 0) throw new ResettleError('failed', `${remoteName} is not heard of`);
      this.#connection = await node.dial(kept.remote, addresses, signal);
    }
    const link = await rooms.openDirect(this.#connection, {
      session: kept.record.session,
      signal,
      bulk: this.#bulk,
    });
    if (!digest(link.descriptor).equals(asBuffer(descriptorHash))) {
      link.abort(new Error('another plan than the one that was offered'));
      throw new ResettleError('damaged', `${remoteName} has another plan than the one that it offered`, {
        hint: 'pair anew, by a code',
      });
    }
    this.#addresses = addressesWith(this.#connection, [...heard, ...this.#addresses]);
    this.#wasOpen = true;
    this.#options.onReached(this.#addresses);
    return link;
  }
}
