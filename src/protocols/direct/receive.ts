/** The machine that takes files: it asks, takes each pack into memory of its own, and acknowledges it when it is used. */
import { randomBytes } from 'node:crypto';
import type { Connection, Stream } from '@libp2p/interface';
import type { RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import { packId } from '../../common/ids.ts';
import {
  BULK_HEAD_BYTES,
  DESCRIPTOR_MAX_BYTES,
  DIRECT_BUFFERS,
  DIRECT_CLOSE_MS,
  DIRECT_PACK_BYTES,
  PACK_MAX_BYTES,
  REQUEST_TIMEOUT_MS,
} from '../../common/limits.ts';
import type { DirectAsk, DirectTaker } from '../../common/ports.ts';
import { FRAME, type FrameHeader } from '../blocks/frame.ts';
import { FrameStream } from '../blocks/frame-stream.ts';
import { checkAsk, sendAsk } from './ask.ts';
import { broken, isBroken } from './broken.ts';
import { BulkChoice } from './bulk/choice.ts';
import { BULK_KEY_BYTES } from './bulk/handshake.ts';
import { BulkIncoming } from './bulk/incoming.ts';
import { type IpAndPort, ipAndPortOf } from './bulk/place.ts';
import { Incoming, NO_PACK } from './incoming.ts';
import { DIRECT_PROTOCOL, DirectDone, DirectOpen, DirectOpened, STATE_KEY_BYTES } from './messages.ts';
import { Pulse, type PulseOptions } from './pulse.ts';
import { errorFrom, tellAndEnd } from './tell.ts';

/** One stream, open, whose sender has let us in. What it gives is provisional until the caller has verified it (T10). */
export interface DirectLink {
  /** The plan's descriptor, neither verified nor compared with what the pairing says. */
  readonly descriptor: Uint8Array;
  readonly stateKey: Uint8Array;
  /**
   * Asks, and hands over every pack of the answer. Settles when it is whole and every `take` has settled; then none of
   * the taker's buffers is in use, one that was borrowed and not taken included. Throws what `take` or the sender says,
   * or the signal's reason; or an error of which `isBroken` holds: what was taken is good, and another stream can go on.
   * Whatever it throws ends the link, RangeError for an ask beyond its limits excepted. One at a time.
   */
  ask(ask: DirectAsk, taker: DirectTaker, signal: AbortSignal): Promise<void>;
  /** Tells the sender that everything is in its place, and ends the link. Whether the sender has said that it heard. */
  done(summary: DirectDone): Promise<boolean>;
  /** Ends it at once. What waits throws the reason. */
  abort(reason: Error): void;
}

export interface OpenDirectOptions extends PulseOptions {
  /** Of the pairing: what lets us in. */
  readonly session: Uint8Array;
  /** Ends the opening, or the link. */
  readonly signal: AbortSignal;
  /** One for all streams to that sender; default: one for this stream, which wants a bulk socket. */
  readonly bulk?: BulkChoice;
  /** Default BULK_CONNECT_MS. */
  readonly bulkConnectMs?: number;
  readonly random?: RandomBytes;
}

/**
 * Opens a stream. Throws `not-found` where the other machine does not send, what the sender says (`refused`), the
 * signal's reason, `damaged`, or an error of which `isBroken` holds.
 */
export async function openDirect(connection: Connection, options: OpenDirectOptions): Promise<DirectLink> {
  const stream = await newStream(connection, options.signal);
  return Receiving.open(stream, connection, options);
}

async function newStream(connection: Connection, signal: AbortSignal): Promise<Stream> {
  signal.throwIfAborted();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
  return connection.newStream(DIRECT_PROTOCOL, { signal: limit }).catch((cause: unknown) => {
    signal.throwIfAborted();
    const peer = connection.remotePeer.toString();
    if ((cause as Error).name !== 'UnsupportedProtocolError') throw broken(peer, cause);
    throw new ResettleError('not-found', `${peer} has nothing to send to this machine`, {
      hint: 'check that it still waits, or pair anew',
      cause,
    });
  });
}

/** In whole milliseconds: it goes where other frames have a size. */
const now = (): number => Math.round(performance.now());

/** An ask that is being answered. */
interface Answer {
  readonly taker: DirectTaker;
  readonly taking: Set<Promise<void>>;
  /** Settled by the frame that ends it, or by the failure of the link. */
  readonly end: PromiseWithResolvers<void>;
  isWhole: boolean;
  /** Since when no pack is in use. */
  idleSinceMs: number;
  /** The socket that its packs come over, if not over the stream. */
  bulk: BulkIncoming | undefined;
}

class Receiving implements DirectLink {
  descriptor = new Uint8Array(0);
  stateKey = new Uint8Array(0);
  readonly #frames: FrameStream;
  readonly #pulse: Pulse;
  readonly #incoming: Incoming;
  readonly #peer: string;
  readonly #options: OpenDirectOptions;
  readonly #choice: BulkChoice;
  /** Where the sender is. */
  readonly #remote: IpAndPort | undefined;
  /** Its socket for packs, or what became of it. */
  #bulk: Promise<BulkIncoming | undefined> = Promise.resolve(undefined);
  readonly #bulkEnd = new AbortController();
  #bulkHasWorked = false;
  readonly #onAbort: () => void;
  /** Packs that came and were not acknowledged. */
  #unacknowledged = 0;
  #answer: Answer | undefined;
  #leaving: PromiseWithResolvers<boolean> | undefined;
  /** Why it has ended, if it has. */
  #failure: Error | undefined;
  /** Settles when nothing is read any more, into nobody's memory. */
  #listening: Promise<void> = Promise.resolve();
  #telling: Promise<void> = Promise.resolve();

  constructor(stream: Stream, connection: Connection, options: OpenDirectOptions) {
    this.#frames = new FrameStream(stream);
    this.#peer = connection.remotePeer.toString();
    this.#remote = ipAndPortOf(connection.remoteAddr);
    this.#pulse = new Pulse(this.#frames, (error) => this.#silent(error), options);
    this.#incoming = new Incoming(this.#frames, this.#pulse, this.#peer);
    this.#choice = options.bulk ?? new BulkChoice();
    this.#options = options;
    this.#onAbort = () => this.abort(errorFrom(options.signal.reason));
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
  }

  static async open(stream: Stream, connection: Connection, options: OpenDirectOptions): Promise<Receiving> {
    const link = new Receiving(stream, connection, options);
    try {
      await link.#open();
    } catch (error) {
      link.#fail(error);
      await link.#telling;
      throw link.#failure;
    }
    link.#listening = link.#listen().catch((error: unknown) => link.#fail(error));
    return link;
  }

  async ask(ask: DirectAsk, taker: DirectTaker, signal: AbortSignal): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#answer || this.#leaving) throw new Error('one thing is asked for at a time');
    checkAsk(ask);
    signal.throwIfAborted();
    const answer: Answer = {
      taker,
      taking: new Set(),
      end: Promise.withResolvers(),
      isWhole: false,
      idleSinceMs: now(),
      bulk: undefined,
    };
    this.#answer = answer;
    const onAbort = (): void => this.abort(errorFrom(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    // Neither rejects without a failure of the link, and the first of those is what is thrown.
    await Promise.allSettled([this.#sendAsk(ask, answer), answer.end.promise]);
    await Promise.all(answer.taking);
    // A pack that was filling when it ended: not before this does nobody write into its memory.
    if (this.#failure) await Promise.all([this.#telling, this.#listening]);
    signal.removeEventListener('abort', onAbort);
    this.#answer = undefined;
    if (this.#failure) throw this.#failure;
  }

  async done(summary: DirectDone): Promise<boolean> {
    if (this.#answer || this.#leaving) throw new Error('the link is in use');
    if (this.#failure) return false;
    const leaving = Promise.withResolvers<boolean>();
    this.#leaving = leaving;
    this.#frames
      .send(FRAME.bye, NO_PACK, 0, DirectDone.encode(summary))
      .catch((error: unknown) => this.#fail(broken(this.#peer, error)));
    return leaving.promise;
  }

  abort(reason: Error): void {
    this.#fail(reason, false);
  }

  async #open(): Promise<void> {
    const wantsBulk = this.#choice.isWanted && this.#remote !== undefined;
    const open = DirectOpen.encode({ session: this.#options.session, buffers: DIRECT_BUFFERS, wantsBulk });
    await this.#frames.send(FRAME.open, NO_PACK, 0, open).catch((error: unknown) => {
      throw broken(this.#peer, error);
    });
    const header = await this.#incoming.next();
    if (header.type !== FRAME.opened) throw this.#incoming.unexpected(header);
    const opened = DirectOpened.decode(await this.#incoming.payload(header));
    const { stateKey, descriptorBytes, buffers, bulkPort, bulkKey } = opened;
    if (stateKey.length !== STATE_KEY_BYTES || descriptorBytes > DESCRIPTOR_MAX_BYTES || buffers !== DIRECT_BUFFERS) {
      throw new ResettleError('damaged', `${this.#peer} opened a direct stream with wrong values`);
    }
    if (bulkPort !== 0) {
      if (!wantsBulk || bulkPort >= 2 ** 16 || bulkKey.length !== BULK_KEY_BYTES) {
        throw new ResettleError('damaged', `${this.#peer} opened a bulk socket with wrong values`);
      }
      this.#bulk = this.#connectBulk(bulkPort, Uint8Array.from(bulkKey));
    }
    this.stateKey = Uint8Array.from(stateKey);
    this.descriptor = new Uint8Array(descriptorBytes);
    await this.#incoming.fill(NO_PACK, this.descriptor);
  }

  async #connectBulk(port: number, key: Uint8Array): Promise<BulkIncoming | undefined> {
    const { random = randomBytes, bulkConnectMs } = this.#options;
    const bulk = await BulkIncoming.connect({
      at: { ip: this.#remote!.ip, port },
      key,
      random,
      signal: this.#bulkEnd.signal,
      onBytes: () => this.#pulse.heard(),
      ...(bulkConnectMs !== undefined && { connectMs: bulkConnectMs }),
    });
    const { signal } = this.#bulkEnd;
    if (!bulk && !signal.aborted) this.#choice.closed();
    if (signal.aborted) bulk?.end(signal.reason);
    signal.addEventListener('abort', () => bulk?.end(signal.reason), { once: true });
    return bulk;
  }

  async #sendAsk(ask: DirectAsk, answer: Answer): Promise<void> {
    answer.bulk = await this.#bulk;
    if (this.#failure) return;
    await sendAsk(this.#frames, ask, answer.bulk !== undefined).catch((error: unknown) =>
      this.#fail(broken(this.#peer, error)),
    );
  }

  async #listen(): Promise<void> {
    for (;;) {
      const header = await this.#incoming.next();
      if (this.#failure) return;
      const answer = this.#answer?.isWhole ? undefined : this.#answer;
      const isOverBulk = header.type === FRAME.offer && answer?.bulk !== undefined;
      const payloadBytes = isOverBulk ? Math.min(header.number, BULK_HEAD_BYTES) : 0;
      if (header.payloadBytes !== payloadBytes) throw this.#incoming.unexpected(header);
      if (header.type === FRAME.offer && answer) {
        await this.#pack(answer, header);
      } else if (header.type === FRAME.have && header.pack === NO_PACK && answer) {
        answer.isWhole = true;
        answer.end.resolve();
      } else if (header.type === FRAME.bye && this.#leaving) {
        return this.#left(this.#leaving);
      } else {
        throw this.#incoming.unexpected(header);
      }
    }
  }

  async #pack(answer: Answer, header: FrameHeader): Promise<void> {
    const { pack, number: sizeBytes } = header;
    if (sizeBytes === 0 || sizeBytes > DIRECT_PACK_BYTES || this.#unacknowledged >= DIRECT_BUFFERS) {
      throw new ResettleError('damaged', `${this.#peer} sent pack ${pack} of ${sizeBytes} bytes out of turn`);
    }
    const buffer = answer.taker.borrow();
    const target = buffer.subarray(0, sizeBytes);
    if (answer.bulk) {
      target.set(await this.#incoming.payload(header));
      await this.#fillFrom(answer.bulk, target.subarray(header.payloadBytes));
    } else {
      await this.#incoming.fill(pack, target);
    }
    if (this.#failure) return;
    this.#unacknowledged += 1;
    const idleMs = answer.taking.size === 0 ? now() - answer.idleSinceMs : 0;
    const taking: Promise<void> = this.#take(answer.taker, pack, buffer, sizeBytes, idleMs).finally(() => {
      answer.taking.delete(taking);
      answer.idleSinceMs = now();
    });
    answer.taking.add(taking);
  }

  async #fillFrom(bulk: BulkIncoming, target: Uint8Array): Promise<void> {
    try {
      await bulk.fill(target);
    } catch (error) {
      if (!this.#bulkHasWorked && !this.#failure) this.#choice.broke();
      throw broken(this.#peer, error);
    }
    this.#bulkHasWorked = true;
    this.#choice.worked();
  }

  /** `idleMs`: for how long there was nothing to do before this pack, so that the sender knows what holds it up. */
  async #take(taker: DirectTaker, pack: string, buffer: Uint8Array, sizeBytes: number, idleMs: number): Promise<void> {
    try {
      await taker.take(buffer, sizeBytes);
    } catch (error) {
      return this.#fail(error);
    }
    // Before it is said: the next pack may come before this call has settled.
    this.#unacknowledged -= 1;
    // Where it cannot be sent the stream has ended, which is told by who reads from it.
    this.#frames.send(FRAME.have, packId(pack), Math.min(idleMs, PACK_MAX_BYTES)).catch(() => {});
  }

  async #left(leaving: PromiseWithResolvers<boolean>): Promise<void> {
    await this.#frames.close(AbortSignal.timeout(DIRECT_CLOSE_MS)).catch(() => {});
    this.#failure = new Error('the stream has ended');
    this.#cleanUp();
    leaving.resolve(true);
  }

  /** The first failure ends everything, and is told unless the sender cannot be reached. A break does not hide a `take`. */
  #fail(thrown: unknown, isTold = true): void {
    const error = errorFrom(thrown);
    if (this.#failure) {
      if (isBroken(this.#failure) && !isBroken(error)) this.#failure = error;
      return;
    }
    this.#failure = error;
    this.#cleanUp();
    this.#leaving?.resolve(false);
    this.#answer?.end.reject(error);
    if (isTold && this.#incoming.isNews(error)) this.#telling = tellAndEnd(this.#frames, error);
    else this.#frames.abort(error);
  }

  #cleanUp(): void {
    this.#pulse.stop();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#bulkEnd.abort(this.#failure);
  }

  /** Ends what is read from: whoever reads tells it. */
  #silent(error: Error): void {
    this.#frames.abort(error);
    this.#bulkEnd.abort(error);
  }
}
