/** The machine that packs go to: takes each in turn, into memory of its own, and acknowledges it when it is used. */
import type { Connection } from '@libp2p/interface';
import { hexOf } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import { type PackId, packId } from '../../common/ids.ts';
import { DESCRIPTOR_MAX_BYTES, DIRECT_BUFFERS_MAX, PACK_MAX_BYTES, REQUEST_TIMEOUT_MS } from '../../common/limits.ts';
import { FRAME, type FrameHeader } from '../blocks/frame.ts';
import { FrameStream } from '../blocks/frame-stream.ts';
import { errorOfFault, Fault, faultOf } from '../wire/fault.ts';
import { DIRECT_PROTOCOL, DirectDone, DirectOpen, DirectOpened, PLAN_BYTES } from './messages.ts';
import { Pulse, type PulseOptions } from './pulse.ts';

/** Where packs go. What it is given is provisional until the descriptor has verified (T10). */
export interface DirectConsumer {
  /** A stream is open, from that entry of that plan on; what came before of another plan is of no use. */
  begin(plan: Uint8Array, from: number): Promise<void>;
  /** A buffer of PACK_MAX_BYTES. There are as many as `buffers` said. */
  borrow(): Uint8Array;
  /** Checks the id and uses the pack. Called in the order of arrival, before earlier ones have settled; then the buffer is free. */
  take(id: PackId, buffer: Uint8Array, sizeBytes: number): Promise<void>;
  /** Everything has come, and every `take` has settled. Verifies, and says what became of it. */
  finish(descriptor: Uint8Array): Promise<DirectDone>;
}

export interface ReceiveOptions extends PulseOptions {
  /** Of the pairing: what lets us in. */
  readonly session: Uint8Array;
  /** Where an earlier stream stopped; empty and 0 at the first time. */
  readonly plan: Uint8Array;
  readonly from: number;
  /** Packs in memory at once, at most DIRECT_BUFFERS_MAX. */
  readonly buffers: number;
  readonly signal: AbortSignal;
}

export interface Received {
  readonly done: DirectDone;
  /** Whether the sender could still be told. */
  readonly told: boolean;
}

/** Stands for the descriptor where a pack has its id. */
const DESCRIPTOR = '0'.repeat(64);
const CLOSE_MS = 5_000;

/**
 * Receives everything, to the end. Throws `failed` where the stream breaks off before its descriptor, whatever came; what
 * the sender says; what the consumer throws; or the signal's reason.
 */
export async function receiveDirect(
  connection: Connection,
  options: ReceiveOptions,
  consumer: DirectConsumer,
): Promise<Received> {
  const peer = connection.remotePeer.toString();
  const limit = AbortSignal.any([options.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
  options.signal.throwIfAborted();
  const stream = await connection.newStream(DIRECT_PROTOCOL, { signal: limit }).catch((cause: unknown) => {
    options.signal.throwIfAborted();
    throw new ResettleError('failed', `${peer} has nothing to send to this machine`, {
      hint: 'check that it still waits, or pair anew',
      cause,
    });
  });
  const frames = new FrameStream(stream);
  const pulse = new Pulse(frames, options);
  const onAbort = (): void => frames.abort(options.signal.reason as Error);
  options.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await new Receiving(frames, pulse, peer, consumer, options).all();
  } catch (error) {
    options.signal.throwIfAborted();
    frames.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    options.signal.removeEventListener('abort', onAbort);
    pulse.stop();
  }
}

class Receiving {
  readonly #frames: FrameStream;
  readonly #pulse: Pulse;
  readonly #peer: string;
  readonly #consumer: DirectConsumer;
  readonly #options: ReceiveOptions;
  readonly #taking = new Set<Promise<void>>();
  /** Packs that came and were not acknowledged. */
  #unacknowledged = 0;
  /** The first failure of a `take`: it ends the stream, and is what is told. */
  #failure: { readonly error: unknown } | undefined;

  constructor(frames: FrameStream, pulse: Pulse, peer: string, consumer: DirectConsumer, options: ReceiveOptions) {
    if (options.buffers < 1 || options.buffers > DIRECT_BUFFERS_MAX) throw new Error('buffers out of range');
    this.#frames = frames;
    this.#pulse = pulse;
    this.#peer = peer;
    this.#consumer = consumer;
    this.#options = options;
  }

  async all(): Promise<Received> {
    try {
      await this.#open();
      const descriptor = await this.#packs();
      // The sender has no more to say than that it is there; if it goes now, everything has come all the same.
      this.#next().catch(() => {});
      await Promise.all(this.#taking);
      if (this.#failure) throw this.#failure.error;
      const done = await this.#consumer.finish(descriptor);
      return { done, told: await this.#sayDone(done) };
    } catch (error) {
      await Promise.all(this.#taking);
      if (this.#failure) throw this.#failure.error;
      await this.#sayBad(error);
      throw error;
    }
  }

  async #open(): Promise<void> {
    const { session, plan, from, buffers } = this.#options;
    await this.#frames.send(FRAME.open, undefined, 0, DirectOpen.encode({ session, plan, from, buffers }));
    const header = await this.#next();
    if (header.type !== FRAME.opened) throw this.#unexpected(header);
    const opened = DirectOpened.decode(await this.#payload(header));
    if (opened.fault) throw errorOfFault(opened.fault, this.#peer);
    const isSamePlan = hexOf(opened.plan) === hexOf(plan);
    if (opened.plan.length !== PLAN_BYTES || opened.from > (isSamePlan ? from : 0)) {
      throw new ResettleError('damaged', `${this.#peer} leaves out what was asked for`);
    }
    await this.#consumer.begin(opened.plan, opened.from);
  }

  /** Hands over pack after pack; returns the descriptor, which is last. */
  async #packs(): Promise<Uint8Array> {
    for (;;) {
      const header = await this.#next();
      if (header.type !== FRAME.offer || header.payloadBytes !== 0) throw this.#unexpected(header);
      if (header.pack === DESCRIPTOR) return this.#descriptor(header.number);
      await this.#pack(packId(header.pack), header.number);
    }
  }

  async #pack(id: PackId, sizeBytes: number): Promise<void> {
    if (sizeBytes === 0 || sizeBytes > PACK_MAX_BYTES || this.#unacknowledged >= this.#options.buffers) {
      throw new ResettleError('damaged', `${this.#peer} sent pack ${id} of ${sizeBytes} bytes out of turn`);
    }
    const buffer = this.#consumer.borrow();
    await this.#fill(id, buffer.subarray(0, sizeBytes));
    this.#unacknowledged += 1;
    const taking: Promise<void> = this.#take(id, buffer, sizeBytes).finally(() => this.#taking.delete(taking));
    this.#taking.add(taking);
  }

  async #take(id: PackId, buffer: Uint8Array, sizeBytes: number): Promise<void> {
    try {
      await this.#consumer.take(id, buffer, sizeBytes);
      // Before it is said: the next pack may come before this call has settled.
      this.#unacknowledged -= 1;
      await this.#frames.send(FRAME.have, id);
    } catch (error) {
      if (this.#failure) return;
      this.#failure = { error };
      await this.#sayBad(error);
      this.#frames.abort(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #descriptor(sizeBytes: number): Promise<Uint8Array> {
    if (sizeBytes === 0 || sizeBytes > DESCRIPTOR_MAX_BYTES) {
      throw new ResettleError('damaged', `${this.#peer} sent a descriptor of ${sizeBytes} bytes`);
    }
    const descriptor = new Uint8Array(sizeBytes);
    await this.#fill(DESCRIPTOR, descriptor);
    return descriptor;
  }

  async #fill(id: string, target: Uint8Array): Promise<void> {
    for (let filled = 0; filled < target.length; ) {
      const header = await this.#next();
      const fits = header.pack === id && header.number === filled && filled + header.payloadBytes <= target.length;
      if (header.type !== FRAME.data || !fits) throw this.#unexpected(header);
      await this.#frames.readPayload(target.subarray(filled, filled + header.payloadBytes));
      filled += header.payloadBytes;
    }
  }

  /** The next frame that is more than a pulse. Throws what the sender reports. */
  async #next(): Promise<FrameHeader> {
    for (;;) {
      const header = await this.#frames.readHeader();
      this.#pulse.heard();
      if (header.type === FRAME.opened && header.payloadBytes === 0) continue;
      if (header.type === FRAME.bad) throw errorOfFault(Fault.decode(await this.#payload(header)), this.#peer);
      return header;
    }
  }

  async #payload(header: FrameHeader): Promise<Uint8Array> {
    const payload = new Uint8Array(header.payloadBytes);
    await this.#frames.readPayload(payload);
    return payload;
  }

  async #sayDone(done: DirectDone): Promise<boolean> {
    try {
      await this.#frames.send(FRAME.bye, undefined, 0, DirectDone.encode(done));
      await this.#frames.close(AbortSignal.timeout(CLOSE_MS));
      return true;
    } catch {
      // Everything is in its place here, whether or not the sender still hears of it.
      return false;
    }
  }

  async #sayBad(error: unknown): Promise<void> {
    try {
      await this.#frames.send(FRAME.bad, undefined, 0, Fault.encode(faultOf(error)));
      await this.#frames.close(AbortSignal.timeout(CLOSE_MS));
    } catch {
      // The sender may be gone; the error itself is thrown by the caller.
    }
  }

  #unexpected(header: FrameHeader): ResettleError {
    return new ResettleError('damaged', `${this.#peer} sent a frame of type ${header.type} out of turn`);
  }
}
