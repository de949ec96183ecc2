/** The machine that packs come from: it pushes them in the order of `put`, as many ahead as the receiver takes. */
import type { Stream } from '@libp2p/interface';
import { ResettleError } from '../../common/errors.ts';
import type { PackId } from '../../common/ids.ts';
import { DESCRIPTOR_MAX_BYTES, DIRECT_BUFFERS_MAX, PACK_MAX_BYTES } from '../../common/limits.ts';
import type { PackSink, SealedPack } from '../../common/ports.ts';
import { FRAME, type FrameHeader } from '../blocks/frame.ts';
import { FrameStream } from '../blocks/frame-stream.ts';
import { errorOfFault, Fault, faultOf } from '../wire/fault.ts';
import type { Handlers } from '../wire/registrar.ts';
import { DIRECT_PROTOCOL, DirectDone, DirectOpen, DirectOpened, SESSION_BYTES } from './messages.ts';
import { Pulse, type PulseOptions } from './pulse.ts';

/** What a receiver is to get. */
export interface DirectSource {
  /** PLAN_BYTES. */
  readonly plan: Uint8Array;
  /** The entry that it goes on from, at most what was asked for. */
  readonly from: number;
  /** Puts every pack, in the order in which the receiver needs them, and returns the signed descriptor. Once only. */
  run(sink: PackSink, signal: AbortSignal): Promise<Uint8Array>;
  /** The receiver has verified and placed everything. */
  done(summary: DirectDone): Promise<void>;
}

export interface DirectHost {
  /** Checks who asks, by the pairing; ends an earlier stream of it. Throws `refused`. */
  open(open: { session: Uint8Array; plan: Uint8Array; from: number }, remotePeer: string): Promise<DirectSource>;
}

/** Stands for the descriptor where a pack has its id. */
const DESCRIPTOR = '0'.repeat(64);
const OPEN_PAYLOAD_MAX_BYTES = 256;
const CLOSE_MS = 5_000;

/** Opens the protocol. Register it so that nobody but the paired machine reaches it. */
export async function serveDirect(
  registrar: Handlers,
  host: DirectHost,
  log: (error: unknown, peer: string) => void,
  pulse: PulseOptions = {},
): Promise<void> {
  await registrar.handle(
    DIRECT_PROTOCOL,
    async (stream, connection) => {
      const peer = connection.remotePeer.toString();
      await send(stream, host, peer, pulse).catch((error: unknown) => log(error, peer));
    },
    { maxInboundStreams: 2 },
  );
}

async function send(stream: Stream, host: DirectHost, peer: string, options: PulseOptions): Promise<void> {
  const frames = new FrameStream(stream);
  const pulse = new Pulse(frames, options);
  try {
    const open = await readOpen(frames);
    const source = await host.open(open, peer).catch(async (error: unknown) => {
      await frames.send(FRAME.opened, undefined, 0, DirectOpened.encode({ fault: faultOf(error) }));
      await frames.close(AbortSignal.timeout(CLOSE_MS));
      throw error;
    });
    const { plan, from } = source;
    await frames.send(FRAME.opened, undefined, 0, DirectOpened.encode({ plan, from }));
    const sending = new DirectSending(frames, pulse, peer, open.buffers);
    await source.done(await sending.all(source));
    await frames.close(AbortSignal.timeout(CLOSE_MS));
  } catch (error) {
    frames.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    pulse.stop();
  }
}

async function readOpen(frames: FrameStream): Promise<DirectOpen> {
  const first = await frames.readHeader();
  if (first.type !== FRAME.open || first.payloadBytes > OPEN_PAYLOAD_MAX_BYTES) {
    throw new ResettleError('damaged', 'a direct stream that does not begin with its opening');
  }
  const payload = new Uint8Array(first.payloadBytes);
  await frames.readPayload(payload);
  const open = DirectOpen.decode(payload);
  if (open.session.length !== SESSION_BYTES || open.buffers < 1 || open.buffers > DIRECT_BUFFERS_MAX) {
    throw new ResettleError('damaged', 'the opening of a direct stream has wrong values');
  }
  return open;
}

class DirectSending implements PackSink {
  readonly #frames: FrameStream;
  readonly #pulse: Pulse;
  readonly #peer: string;
  readonly #end = new AbortController();
  /** Sent, or about to be, and not acknowledged. */
  readonly #unacknowledged = new Map<string, () => void>();
  readonly #done = Promise.withResolvers<DirectDone>();
  #line: Promise<void> = Promise.resolve();
  #credits: number;
  #onCredit: (() => void) | undefined;
  #descriptorSent = false;

  constructor(frames: FrameStream, pulse: Pulse, peer: string, buffers: number) {
    this.#frames = frames;
    this.#pulse = pulse;
    this.#peer = peer;
    this.#credits = buffers;
    this.#done.promise.catch(() => {});
    this.#end.signal.addEventListener('abort', () => this.#done.reject(this.#end.signal.reason), { once: true });
  }

  /** Sends everything, and returns what the receiver says of it at the end. */
  async all(source: DirectSource): Promise<DirectDone> {
    void this.#listen();
    let descriptor: Uint8Array;
    try {
      descriptor = await source.run(this, this.#end.signal);
    } catch (error) {
      if (this.#end.signal.aborted) throw this.#end.signal.reason;
      await this.#frames.send(FRAME.bad, undefined, 0, Fault.encode(faultOf(error)));
      await this.#frames.close(AbortSignal.timeout(CLOSE_MS));
      throw error;
    }
    if (descriptor.length > DESCRIPTOR_MAX_BYTES) throw new Error('a descriptor is longer than it may be');
    await this.#inLine(async () => {
      this.#descriptorSent = true;
      await this.#push(DESCRIPTOR, descriptor);
    });
    return this.#done.promise;
  }

  async put(pack: SealedPack, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (pack.bytes.length > PACK_MAX_BYTES || pack.id === (DESCRIPTOR as PackId) || this.#unacknowledged.has(pack.id)) {
      throw new Error(`pack ${pack.id} cannot be put`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const ended = AbortSignal.any([signal, this.#end.signal]);
    // The memory of what is under way is not ours any more: an abort ends the whole stream.
    const onAbort = (): void => {
      this.#fail(ended.reason);
      reject(ended.reason);
    };
    ended.addEventListener('abort', onAbort, { once: true });
    if (ended.aborted) onAbort();
    this.#unacknowledged.set(pack.id, resolve);
    try {
      this.#inLine(() => this.#push(pack.id, pack.bytes)).catch((error: unknown) => this.#fail(error));
      await promise;
    } finally {
      ended.removeEventListener('abort', onAbort);
    }
  }

  /** One pack after another, each whole. */
  #inLine(work: () => Promise<void>): Promise<void> {
    this.#line = this.#line.then(work);
    return this.#line;
  }

  async #push(id: string, bytes: Uint8Array): Promise<void> {
    while (this.#credits === 0) {
      this.#end.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#onCredit = resolve;
      });
    }
    this.#end.signal.throwIfAborted();
    this.#credits -= 1;
    await this.#frames.send(FRAME.offer, id, bytes.length);
    await this.#frames.sendPack(id, bytes, 0);
  }

  async #listen(): Promise<void> {
    try {
      for (;;) {
        const header = await this.#frames.readHeader();
        this.#pulse.heard();
        if (await this.#onFrame(header)) return;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Returns whether it was the last one. */
  async #onFrame(header: FrameHeader): Promise<boolean> {
    const payload = new Uint8Array(header.payloadBytes);
    if (header.type !== FRAME.data) await this.#frames.readPayload(payload);
    if (header.type === FRAME.opened) return false;
    if (header.type === FRAME.bad) throw errorOfFault(Fault.decode(payload), this.#peer);
    if (header.type === FRAME.have) {
      const acknowledge = this.#unacknowledged.get(header.pack);
      if (!acknowledge) throw new ResettleError('damaged', `pack ${header.pack} acknowledged before it was sent`);
      this.#unacknowledged.delete(header.pack);
      this.#credits += 1;
      this.#wake();
      acknowledge();
      return false;
    }
    if (header.type === FRAME.bye && this.#descriptorSent && this.#unacknowledged.size === 0) {
      this.#done.resolve(DirectDone.decode(payload));
      return true;
    }
    throw new ResettleError('damaged', `${this.#peer} sent a frame of type ${header.type} out of turn`);
  }

  #fail(error: unknown): void {
    if (this.#end.signal.aborted) return;
    const reason = error instanceof Error ? error : new Error(String(error));
    this.#end.abort(reason);
    this.#frames.abort(reason);
    this.#wake();
  }

  #wake(): void {
    this.#onCredit?.();
    this.#onCredit = undefined;
  }
}
