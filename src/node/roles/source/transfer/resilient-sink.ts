import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../../common/clock.ts';
import { messageOf, ResettleError } from '../../../../common/errors.ts';
import type { PeerIdText } from '../../../../common/ids.ts';
import {
  PUTS_WITHOUT_PROGRESS_MAX,
  SOURCE_RECONNECT_FIRST_MS,
  SOURCE_RECONNECT_MS,
  SOURCE_RECONNECT_STEP_MS,
} from '../../../../common/limits.ts';
import type { PackSink, SealedPack } from '../../../../common/ports.ts';
import { isStall } from '../../../../protocols/blocks/frame-stream.ts';
import { PointLeft } from './point-left.ts';

/** One transfer to a point, as long as its stream lives. */
export interface OpenTransfer extends PackSink {
  /** Bytes of packs that went out. */
  readonly sentBytes: number;
  close(): Promise<void>;
  abort(reason: Error): void;
  /** Ends it so that nothing below keeps views of the packs under way: their memory will be used again. */
  drop(reason: Error): void;
}

export interface ResilientSinkOptions {
  readonly peerId: PeerIdText;
  readonly name: string;
  /** Reaches the point, wherever it is now, and opens a transfer under the lease. Throws PointLeft where it has none. */
  open(signal: AbortSignal): Promise<OpenTransfer>;
  readonly clock: Clock;
  readonly note: (message: string) => void;
  readonly reconnectMs?: number;
  readonly reconnectFirstMs?: number;
}

/**
 * Sends packs to one point through broken streams: reaches it again, with growing waits, and puts what was not acknowledged
 * once more. The very same bytes go to the same point, so nothing is sealed twice. Every put throws PointLeft once the point
 * was not reached for `reconnectMs`, or took nothing on several transfers in a row.
 */
export class ResilientSink implements PackSink {
  readonly #options: ResilientSinkOptions;
  #transfer: Promise<OpenTransfer> | undefined;
  #last: OpenTransfer | undefined;
  #left: PointLeft | undefined;
  #strikes = 0;
  #isGone = false;
  #opened = false;
  #sentBytes = 0;
  #ackedBytes = 0;

  constructor(options: ResilientSinkOptions) {
    this.#options = options;
  }

  /** Bytes of packs that went out, over all transfers. */
  get sentBytes(): number {
    return this.#sentBytes + (this.#last?.sentBytes ?? 0);
  }

  /** Bytes of packs that the point has. */
  get ackedBytes(): number {
    return this.#ackedBytes;
  }

  async put(pack: SealedPack, signal: AbortSignal): Promise<void> {
    for (;;) {
      const transfer = await this.#open(signal);
      try {
        await transfer.put(pack, signal);
        this.#strikes = 0;
        this.#ackedBytes += pack.bytes.length;
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#broke(transfer, error);
      }
    }
  }

  /** Says goodbye. What it cannot say any more does not matter: every pack was acknowledged. */
  async close(): Promise<void> {
    const last = this.#end();
    await last?.close().catch(() => {});
  }

  abort(reason: Error): void {
    this.#end()?.abort(reason);
  }

  #end(): OpenTransfer | undefined {
    const last = this.#last;
    this.#sentBytes = this.sentBytes;
    this.#transfer = undefined;
    this.#last = undefined;
    return last;
  }

  #open(signal: AbortSignal): Promise<OpenTransfer> {
    if (this.#left) throw this.#left;
    this.#transfer ??= this.#reach(signal).then((transfer) => {
      this.#last = transfer;
      this.#opened = true;
      return transfer;
    });
    return this.#transfer;
  }

  /** Ends a transfer that failed, once, whoever of its puts says so first. */
  #broke(transfer: OpenTransfer, error: unknown): void {
    if (this.#last !== transfer) return;
    this.#end();
    transfer.drop(error instanceof Error ? error : new Error(String(error)));
    this.#strikes += isStall(error) ? 2 : 1;
    if (this.#strikes >= PUTS_WITHOUT_PROGRESS_MAX) throw this.#leave(error);
    this.#tellGone(error);
  }

  /** Once for each time that it is lost. */
  #tellGone(error: unknown): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#options.note(`${this.#options.name} is gone for the moment (${messageOf(error)}); it is looked for`);
  }

  async #reach(signal: AbortSignal): Promise<OpenTransfer> {
    const {
      clock,
      open,
      reconnectMs = SOURCE_RECONNECT_MS,
      reconnectFirstMs = SOURCE_RECONNECT_FIRST_MS,
    } = this.#options;
    const beganMs = clock.monotonicMs();
    for (let waitMs = reconnectFirstMs; ; waitMs = Math.min(2 * waitMs, SOURCE_RECONNECT_STEP_MS)) {
      try {
        const transfer = await open(signal);
        if (this.#isGone) this.#options.note(`${this.#options.name} is there again; the capture goes on`);
        this.#isGone = false;
        return transfer;
      } catch (error) {
        signal.throwIfAborted();
        const answered = error instanceof ResettleError && (error.code === 'no-point' || error.code === 'refused');
        // Of one that was never open nothing is lost: no reason to wait until it has changed its mind.
        const hopeless = error instanceof PointLeft || (answered && !this.#opened);
        if (hopeless || clock.monotonicMs() - beganMs + waitMs > reconnectMs) throw this.#leave(error);
        this.#tellGone(error);
      }
      await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  #leave(error: unknown): PointLeft {
    const { peerId, name } = this.#options;
    this.#left ??= error instanceof PointLeft ? error : new PointLeft(peerId, name, error);
    this.#transfer = undefined;
    return this.#left;
  }
}
