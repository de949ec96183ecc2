import type { Connection } from '@libp2p/interface';
import { messageOf, ResettleError } from '../../common/errors.ts';
import type { PackId, StateId } from '../../common/ids.ts';
import { PUT_STALL_MS, REQUEST_TIMEOUT_MS } from '../../common/limits.ts';
import type { PackSink, PackSource, SealedPack } from '../../common/ports.ts';
import { errorOfFault } from '../wire/fault.ts';
import { FRAME, type FrameHeader } from './frame.ts';
import { FrameStream } from './frame-stream.ts';
import { BLOCKS_PROTOCOL, BlocksOpen, BlocksOpened } from './messages.ts';

export interface BlocksTarget {
  readonly connection: Connection;
  /** Stands for the holder in messages to people. */
  readonly name: string;
  readonly state: StateId;
}

interface Waiting {
  resolve(): void;
  reject(error: unknown): void;
}

/** What sending and fetching share: one stream, a loop that reads its frames, and calls that wait for answers. */
abstract class BlocksClient<Call extends Waiting> {
  protected readonly frames: FrameStream;
  protected readonly calls = new Map<string, Call>();
  protected readonly name: string;
  #failure: Error | undefined;
  #closing = false;

  protected constructor(frames: FrameStream, name: string) {
    this.frames = frames;
    this.name = name;
  }

  protected abstract onFrame(header: FrameHeader): Promise<void>;

  /** Reads until the stream ends; then whoever still waits is told why. */
  protected async listen(): Promise<void> {
    try {
      for (;;) {
        const header = await this.frames.readHeader();
        if (header.type === FRAME.bad) await this.#onBad(header);
        else await this.onFrame(header);
      }
    } catch (error) {
      this.#fail(named(error, this.name));
    }
  }

  async #onBad(header: FrameHeader): Promise<void> {
    const payload = new Uint8Array(header.payloadBytes);
    await this.frames.readPayload(payload);
    const { fault } = BlocksOpened.decode(payload);
    const waiting = this.calls.get(header.pack);
    this.calls.delete(header.pack);
    waiting?.reject(errorOfFault(fault ?? { code: 'damaged', message: 'a damaged pack', hint: '' }, this.name));
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    for (const waiting of this.calls.values()) waiting.reject(this.#failure);
    this.calls.clear();
    if (!this.#closing) this.frames.abort(this.#failure);
  }

  /** Registers a call, starts it, and waits; an abort ends the whole transfer, since its memory is no longer ours. */
  protected async start(
    id: string,
    signal: AbortSignal,
    callOf: (waiting: Waiting) => Call,
    begin: () => Promise<void>,
  ): Promise<void> {
    if (this.#failure) throw this.#failure;
    signal.throwIfAborted();
    const onAbort = (): void => this.#fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        this.calls.set(id, callOf({ resolve, reject }));
        begin().catch((error: unknown) => this.#fail(named(error, this.name)));
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Says goodbye. Call when nothing is under way. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.frames.send(FRAME.bye);
    await this.frames.close(AbortSignal.timeout(REQUEST_TIMEOUT_MS));
  }

  abort(reason: Error): void {
    this.#fail(reason);
  }

  /** Why the transfer as a whole has ended, if it has. */
  get failure(): Error | undefined {
    return this.#failure;
  }
}

async function openFrames(
  target: BlocksTarget,
  lease: string | undefined,
  signal: AbortSignal,
  stallMs?: number,
): Promise<FrameStream> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
  const stream = await target.connection.newStream(BLOCKS_PROTOCOL, { signal: limited }).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : named(error, target.name);
  });
  const frames = new FrameStream(stream, stallMs);
  const onAbort = (): void => frames.abort(limited.reason as Error);
  limited.addEventListener('abort', onAbort, { once: true });
  try {
    const open = BlocksOpen.encode({ state: target.state, lease: lease ?? '', put: lease !== undefined });
    await frames.send(FRAME.open, undefined, 0, open);
    const header = await frames.readHeader();
    const payload = new Uint8Array(header.payloadBytes);
    await frames.readPayload(payload);
    const { fault } = BlocksOpened.decode(payload);
    if (header.type !== FRAME.opened || fault) {
      throw errorOfFault(fault ?? { code: 'failed', message: 'an answer without sense', hint: '' }, target.name);
    }
    return frames;
  } catch (error) {
    const told = signal.aborted ? (signal.reason as Error) : named(error, target.name);
    frames.abort(told);
    throw told;
  } finally {
    limited.removeEventListener('abort', onAbort);
  }
}

/** Sends packs to a holder under a lease. */
export class BlocksSink extends BlocksClient<Waiting & { pack: SealedPack }> implements PackSink {
  /** A transfer on which nothing moves for `stallMs` while a pack is under way ends with an error of which `isStall` holds. */
  static async open(
    target: BlocksTarget,
    lease: string,
    signal: AbortSignal,
    stallMs = PUT_STALL_MS,
  ): Promise<BlocksSink> {
    const sink = new BlocksSink(await openFrames(target, lease, signal, stallMs), target.name);
    sink.frames.isAwaited = () => sink.calls.size > 0;
    void sink.listen();
    return sink;
  }

  /** Bytes of packs that were handed to the connection, acknowledged or not. */
  get sentBytes(): number {
    return this.frames.sentBytes;
  }

  put(pack: SealedPack, signal: AbortSignal): Promise<void> {
    return this.start(
      pack.id,
      signal,
      (waiting) => ({ ...waiting, pack }),
      () => this.frames.send(FRAME.offer, pack.id, pack.bytes.length),
    );
  }

  protected async onFrame(header: FrameHeader): Promise<void> {
    const call = this.calls.get(header.pack);
    if (!call || header.payloadBytes !== 0) throw unexpected(header, this.name);
    if (header.type === FRAME.want && header.number < call.pack.bytes.length) {
      this.frames
        .sendPack(header.pack, call.pack.bytes, header.number)
        .catch((error: unknown) => this.abort(error as Error));
    } else if (header.type === FRAME.have) {
      this.calls.delete(header.pack);
      call.resolve();
    } else {
      throw unexpected(header, this.name);
    }
  }
}

/** One pack that is wanted of a holder. */
export interface PackWant {
  readonly id: PackId;
  readonly sizeBytes: number;
  /** Where its bytes go, from the front. */
  readonly into: Uint8Array;
  /** So many are there already: the holder begins after them. Less than `sizeBytes`. */
  readonly from: number;
  /** Bytes are there up to here. */
  onBytes(filled: number): void;
  /** Says of the whole pack whether it is the right one: the holder is told. */
  check(): boolean;
}

interface Fetching extends Waiting {
  readonly want: PackWant;
  filled: number;
  right: boolean;
}

/** Fetches packs from a holder. */
export class BlocksSource extends BlocksClient<Fetching> implements PackSource {
  static async open(target: BlocksTarget, signal: AbortSignal): Promise<BlocksSource> {
    const source = new BlocksSource(await openFrames(target, undefined, signal), target.name);
    void source.listen();
    return source;
  }

  async get(id: PackId, sizeBytes: number, into: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.fetch({ id, sizeBytes, into, from: 0, onBytes() {}, check: () => true }, signal);
  }

  /**
   * Fetches a pack, or the rest of it. Settles with what `check` said. Throws `not-found` or `damaged` where the holder
   * does not have it whole: other packs can be asked for. Throws for the transfer as a whole, then `failure` is set:
   * nothing writes into the memory any more.
   */
  async fetch(want: PackWant, signal: AbortSignal): Promise<boolean> {
    let fetching: Fetching | undefined;
    const callOf = (waiting: Waiting): Fetching => {
      fetching = { ...waiting, want, filled: want.from, right: false };
      return fetching;
    };
    await this.start(want.id, signal, callOf, () => this.frames.send(FRAME.want, want.id, want.from));
    return fetching!.right;
  }

  protected async onFrame(header: FrameHeader): Promise<void> {
    const call = this.calls.get(header.pack);
    if (header.type === FRAME.have && header.payloadBytes === 0) return this.#onEnd(header, call);
    if (header.type !== FRAME.data || !call || header.number !== call.filled) throw unexpected(header, this.name);
    const { into, sizeBytes } = call.want;
    if (call.filled + header.payloadBytes > sizeBytes) throw unexpected(header, this.name);
    await this.frames.readPayload(into.subarray(call.filled, call.filled + header.payloadBytes));
    call.filled += header.payloadBytes;
    call.want.onBytes(call.filled);
    if (call.filled < sizeBytes) return;
    this.calls.delete(header.pack);
    call.right = call.want.check();
    // The holder keeps the memory until this says that it has arrived. Whether it hears that is not the pack's matter.
    await this.frames.send(call.right ? FRAME.have : FRAME.bad, header.pack).finally(() => call.resolve());
  }

  /** The holder has sent all that it has of a pack. Of one that is complete, or asked for again, nothing follows. */
  async #onEnd(header: FrameHeader, call: Fetching | undefined): Promise<void> {
    if (!call || header.number !== call.filled) return;
    this.calls.delete(header.pack);
    call.reject(
      new ResettleError('damaged', `${this.name} has only ${call.filled} of ${call.want.sizeBytes} bytes of it`, {
        hint: 'check the disk of that machine, and use another copy',
      }),
    );
    await this.frames.send(FRAME.have, header.pack);
  }
}

/** The same failure, with who was at the other end in it. */
function named(error: unknown, name: string): Error {
  const text = messageOf(error);
  if (error instanceof Error && text.includes(name)) return error;
  const known = error instanceof ResettleError ? error : undefined;
  return new ResettleError(known?.code ?? 'failed', `the transfer with ${name} ended: ${text}`, {
    hint: known?.hint ?? 'check that it runs and is reachable, then run the same command again',
    cause: error,
  });
}

function unexpected(header: FrameHeader, name: string): ResettleError {
  return new ResettleError('damaged', `${name} sent a frame of type ${header.type} that was not asked for`);
}
