import type { Stream } from '@libp2p/interface';
import { ResettleError } from '../../common/errors.ts';
import { packId, type StateId, stateId } from '../../common/ids.ts';
import { PACK_MAX_BYTES, POINT_PACKS_IN_FLIGHT } from '../../common/limits.ts';
import type { PackHolder } from '../../common/ports.ts';
import { faultOf } from '../wire/fault.ts';
import type { Handlers } from '../wire/registrar.ts';
import { FRAME, type FrameHeader } from './frame.ts';
import { FrameStream } from './frame-stream.ts';
import { BLOCKS_PROTOCOL, BlocksOpen, BlocksOpened } from './messages.ts';

/** One authenticated transfer: the state is accessible exactly as long as this exists. */
export interface BlocksSession {
  readonly holder: PackHolder;
  readonly put: boolean;
  /** Books a pack against the lease before it is wanted. Throws `refused` when it does not fit. */
  book(sizeBytes: number): void;
  /** A pack is durable: the lease has progressed. */
  stored(sizeBytes: number): void;
  /** A pack has arrived at the other side. */
  delivered?(sizeBytes: number): void;
  /** The host ends the transfer, and says why. */
  readonly signal?: AbortSignal;
  /** The transfer has ended, however it did. */
  close(): void;
}

export interface BlocksHost {
  /** Checks who asks, from which address (a multiaddr), and for what. Throws `refused`, `not-found`, `no-point`. */
  openBlocks(
    open: { state: StateId; put: boolean; lease: string },
    remotePeer: string,
    address?: string,
  ): Promise<BlocksSession>;
}

/** Offers that may wait for a buffer, wants that may wait for their turn. */
const WAITING_MAX = 16;
const OPEN_PAYLOAD_MAX_BYTES = 1024;

export async function serveBlocks(
  registrar: Handlers,
  host: BlocksHost,
  log: (error: unknown, peer: string) => void,
): Promise<void> {
  await registrar.handle(BLOCKS_PROTOCOL, async (stream, connection) => {
    const peer = connection.remotePeer.toString();
    await transfer(stream, host, peer, connection.remoteAddr.toString()).catch((error: unknown) => log(error, peer));
  });
}

async function transfer(stream: Stream, host: BlocksHost, peer: string, address: string): Promise<void> {
  const frames = new FrameStream(stream);
  let session: BlocksSession | undefined;
  let side: Side | undefined;
  const end = new AbortController();
  try {
    const first = await frames.readHeader();
    if (first.type !== FRAME.open || first.payloadBytes > OPEN_PAYLOAD_MAX_BYTES) {
      throw new ResettleError('damaged', 'a transfer that does not begin with its opening');
    }
    const payload = new Uint8Array(first.payloadBytes);
    await frames.readPayload(payload);
    const open = BlocksOpen.decode(payload);
    const state = stateId(open.state);
    try {
      session = await host.openBlocks({ state, put: open.put, lease: open.lease }, peer, address);
    } catch (error) {
      await frames.send(FRAME.opened, undefined, 0, BlocksOpened.encode({ fault: faultOf(error) }));
      throw error;
    }
    await frames.send(FRAME.opened, undefined, 0, BlocksOpened.encode({}));
    const onEnd = (): void => {
      const reason = session!.signal!.reason as Error;
      end.abort(reason);
      frames.abort(reason);
    };
    if (session.signal?.aborted) onEnd();
    session.signal?.addEventListener('abort', onEnd, { once: true });
    side = session.put ? new Receiver(frames, session, state, end) : new Sender(frames, session, state, end);
    try {
      for (;;) {
        const header = await frames.readHeader();
        if (header.type === FRAME.bye) break;
        await side.onFrame(header);
      }
      await side.settled();
    } finally {
      session.signal?.removeEventListener('abort', onEnd);
      end.abort();
      side.drop();
    }
    await frames.close(AbortSignal.timeout(5_000));
  } catch (error) {
    const cause = end.signal.reason instanceof ResettleError ? end.signal.reason : error;
    frames.abort(cause instanceof Error ? cause : new Error(String(cause)));
    throw cause;
  } finally {
    // A pack that is being written is accounted for before anybody else is let in.
    await side?.ended();
    session?.close();
  }
}

/** What both directions share: tasks that run beside the reading loop, and whose failure ends the transfer. */
abstract class Side {
  protected readonly frames: FrameStream;
  protected readonly session: BlocksSession;
  protected readonly state: StateId;
  readonly #end: AbortController;
  readonly #tasks = new Set<Promise<void>>();
  /** A transfer never holds more of the holder's buffers, so that no client waits for another one's. */
  protected readonly slots = new Slots(POINT_PACKS_IN_FLIGHT);

  constructor(frames: FrameStream, session: BlocksSession, state: StateId, end: AbortController) {
    this.frames = frames;
    this.session = session;
    this.state = state;
    this.#end = end;
  }

  abstract onFrame(header: FrameHeader): Promise<void>;
  /** Gives back what is borrowed. */
  abstract drop(): void;

  protected get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Starts a task, unless there are too many: then it is not even begun, since nobody would hear of its failure. */
  protected run(task: () => Promise<void>): void {
    if (this.#tasks.size >= WAITING_MAX) throw new ResettleError('refused', 'more packs at once than were asked for');
    const watched = task()
      .catch((error: unknown) => {
        if (this.#end.signal.aborted) return;
        this.#end.abort(error);
        this.frames.abort(error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => this.#tasks.delete(watched));
    this.#tasks.add(watched);
  }

  /** Settles when no task runs any more, however they ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#tasks);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#tasks);
    if (this.#end.signal.aborted) throw this.#end.signal.reason;
  }
}

/** So many at a time; the others wait their turn. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  #open = false;

  constructor(count: number) {
    this.#free = count;
  }

  async take(): Promise<void> {
    if (this.#open) return;
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }

  /** Lets all who wait go on, and all who come: to see that the transfer has ended. */
  open(): void {
    this.#open = true;
    for (const next of this.#waiting.splice(0)) next();
  }
}

/** Takes packs: answers each offer with have or want, checks and stores what comes. */
class Receiver extends Side {
  readonly #receiving = new Map<string, { buffer: Uint8Array; sizeBytes: number; filled: number }>();
  /** Packs between their offer and the answer that ends it. */
  readonly #offered = new Set<string>();

  async onFrame(header: FrameHeader): Promise<void> {
    if (header.type === FRAME.offer && header.payloadBytes === 0) {
      if (this.#offered.has(header.pack))
        throw new ResettleError('damaged', `pack ${header.pack} offered twice at once`);
      this.#offered.add(header.pack);
      this.run(() => this.#onOffer(header.pack, header.number));
    } else if (header.type === FRAME.data) {
      await this.#onData(header);
    } else {
      throw new ResettleError('damaged', `an unexpected frame of type ${header.type}`);
    }
  }

  async #onOffer(id: string, sizeBytes: number): Promise<void> {
    if (sizeBytes === 0 || sizeBytes > PACK_MAX_BYTES) {
      throw new ResettleError('damaged', `an offer of ${sizeBytes} bytes for pack ${id}`);
    }
    if ((await this.session.holder.packSize(this.state, packId(id))) !== undefined) {
      this.#offered.delete(id);
      await this.frames.send(FRAME.have, id);
      return;
    }
    try {
      this.session.book(sizeBytes);
    } catch (error) {
      await this.frames.send(FRAME.bad, id, 0, encodeFault(error));
      throw error;
    }
    await this.slots.take();
    if (this.signal.aborted) return;
    const buffer = await this.session.holder.borrow(this.signal);
    if (this.signal.aborted) return this.session.holder.giveBack(buffer);
    this.#receiving.set(id, { buffer, sizeBytes, filled: 0 });
    await this.frames.send(FRAME.want, id, 0);
  }

  async #onData(header: FrameHeader): Promise<void> {
    const pack = this.#receiving.get(header.pack);
    if (!pack || header.number !== pack.filled || pack.filled + header.payloadBytes > pack.sizeBytes) {
      throw new ResettleError('damaged', `data of pack ${header.pack} that was not asked for`);
    }
    await this.frames.readPayload(pack.buffer.subarray(pack.filled, pack.filled + header.payloadBytes));
    pack.filled += header.payloadBytes;
    if (pack.filled < pack.sizeBytes) return;
    this.run(() => this.#store(header.pack, pack.buffer, pack.sizeBytes));
    // Only now: a transfer that ends before gives back what is still received.
    this.#receiving.delete(header.pack);
  }

  async #store(id: string, buffer: Uint8Array, sizeBytes: number): Promise<void> {
    try {
      await this.session.holder.storePack(this.state, packId(id), buffer, sizeBytes);
    } catch (error) {
      await this.frames.send(FRAME.bad, id, 0, encodeFault(error));
      throw error;
    } finally {
      this.slots.release();
    }
    this.session.stored(sizeBytes);
    this.#offered.delete(id);
    await this.frames.send(FRAME.have, id);
  }

  drop(): void {
    for (const { buffer } of this.#receiving.values()) this.session.holder.giveBack(buffer);
    this.#receiving.clear();
    this.slots.open();
  }
}

/** Gives packs: loads what is wanted, sends it, and keeps the memory until it is acknowledged. */
class Sender extends Side {
  readonly #sent = new Map<string, () => void>();

  async onFrame(header: FrameHeader): Promise<void> {
    if (header.type === FRAME.want && header.payloadBytes === 0) {
      this.run(() => this.#onWant(header.pack, header.number));
    } else if (header.type === FRAME.have || (header.type === FRAME.bad && header.payloadBytes === 0)) {
      const acknowledge = this.#sent.get(header.pack);
      if (!acknowledge) throw new ResettleError('damaged', `pack ${header.pack} acknowledged before it was sent`);
      this.#sent.delete(header.pack);
      acknowledge();
    } else {
      throw new ResettleError('damaged', `an unexpected frame of type ${header.type}`);
    }
  }

  async #onWant(id: string, offset: number): Promise<void> {
    if (this.#sent.has(id)) throw new ResettleError('damaged', `pack ${id} wanted twice at once`);
    await this.slots.take();
    const holder = this.session.holder;
    let buffer: Uint8Array | undefined;
    try {
      if (this.signal.aborted) return;
      buffer = await holder.borrow(this.signal);
      const sizeBytes = await holder.loadPack(this.state, packId(id), buffer);
      if (offset >= sizeBytes) throw new ResettleError('refused', `pack ${id} has ${sizeBytes} bytes, not ${offset}`);
      const acknowledged = new Promise<void>((resolve, reject) => {
        this.#sent.set(id, resolve);
        this.signal.addEventListener('abort', () => reject(this.signal.reason), { once: true });
      });
      acknowledged.catch(() => {});
      await this.frames.sendPack(id, buffer.subarray(0, sizeBytes), offset);
      // Said at the end, since a pack that was cut on the disk is shorter than whoever wants it expects.
      if (this.#sent.has(id)) await this.frames.send(FRAME.have, id, sizeBytes);
      await acknowledged;
      this.session.delivered?.(sizeBytes);
      holder.giveBack(buffer);
      buffer = undefined;
    } catch (error) {
      if (!(error instanceof ResettleError) || this.signal.aborted || this.#sent.has(id)) throw error;
      await this.frames.send(FRAME.bad, id, 0, encodeFault(error));
    } finally {
      // Queues below may still hold views of memory that was not acknowledged: it goes to the collector, not to others.
      if (buffer) holder.giveBack(new Uint8Array(PACK_MAX_BYTES));
      this.slots.release();
    }
  }

  drop(): void {
    this.slots.open();
  }
}

function encodeFault(error: unknown): Uint8Array {
  return BlocksOpened.encode({ fault: faultOf(error) });
}
