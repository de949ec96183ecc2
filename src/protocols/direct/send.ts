/** The machine that has the files: it answers what is asked, pushing packs in the order of `put`. */
import { randomBytes } from 'node:crypto';
import type { Connection, Stream } from '@libp2p/interface';
import { hexOf } from '../../common/bytes.ts';
import type { RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import {
  BULK_HEAD_BYTES,
  DESCRIPTOR_MAX_BYTES,
  DIRECT_BUFFERS,
  DIRECT_CLOSE_MS,
  DIRECT_GRACE_MS,
  DIRECT_PACK_BYTES,
  DIRECT_STREAMS_MAX,
} from '../../common/limits.ts';
import type { DirectAsk, DirectSink, SealedPack } from '../../common/ports.ts';
import { FRAME, type FrameHeader } from '../blocks/frame.ts';
import { FrameStream } from '../blocks/frame-stream.ts';
import type { Handlers } from '../wire/registrar.ts';
import { readAsk } from './ask.ts';
import { broken, isBroken } from './broken.ts';
import { BulkOutgoing } from './bulk/outgoing.ts';
import { ipAndPortOf } from './bulk/place.ts';
import { Incoming, NO_PACK } from './incoming.ts';
import { DIRECT_PROTOCOL, DirectDone, DirectOpen, DirectOpened, SESSION_BYTES, STATE_KEY_BYTES } from './messages.ts';
import { Pulse, type PulseOptions } from './pulse.ts';
import { SessionStreams } from './streams.ts';
import { errorFrom, tellAndEnd } from './tell.ts';

/** What a receiver may ask for. */
export interface DirectSource {
  /** At most DESCRIPTOR_MAX_BYTES. */
  readonly descriptor: Uint8Array;
  /** STATE_KEY_BYTES. */
  readonly stateKey: Uint8Array;
  /**
   * Puts every pack of the answer, in order, each at most DIRECT_PACK_BYTES. One call at a time. Settles soon after
   * `signal` has aborted, which it does when the stream ends: a stream that replaces this one waits for that.
   */
  answer(ask: DirectAsk, sink: DirectSink, signal: AbortSignal): Promise<void>;
  /** The receiver has verified and placed everything. It may say so again over another stream. */
  done(summary: DirectDone): Promise<void>;
}

export interface DirectHost {
  /**
   * Checks who asks, by the pairing. Throws `refused`. An earlier stream of the same machine and session is over by now:
   * its signal has aborted, and its `open`, `answer` and `done` have settled. `signal` aborts when this one ends.
   */
  open(session: Uint8Array, remotePeer: string, signal: AbortSignal): Promise<DirectSource>;
}

export interface ServeDirectOptions extends PulseOptions {
  /** Multiaddrs at which this machine listens now: there packs may leave by a socket of their own. Default: nowhere. */
  readonly bulkBeside?: () => readonly string[];
  readonly random?: RandomBytes;
}

const OPEN_PAYLOAD_MAX_BYTES = 256;

/** Opens the protocol. Register it so that nobody but the paired machine reaches it. */
export async function serveDirect(
  registrar: Handlers,
  host: DirectHost,
  log: (error: unknown, peer: string) => void,
  options: ServeDirectOptions = {},
): Promise<void> {
  const streams = new SessionStreams();
  await registrar.handle(
    DIRECT_PROTOCOL,
    async (stream, connection) => {
      const peer = connection.remotePeer.toString();
      await serve(stream, connection, host, streams, options).catch((error: unknown) => log(error, peer));
    },
    { maxInboundStreams: DIRECT_STREAMS_MAX },
  );
}

async function serve(
  stream: Stream,
  connection: Connection,
  host: DirectHost,
  streams: SessionStreams,
  options: ServeDirectOptions,
): Promise<void> {
  const peer = connection.remotePeer.toString();
  const frames = new FrameStream(stream);
  const pulse = new Pulse(frames, (error) => frames.abort(error), options);
  const incoming = new Incoming(frames, pulse, peer);
  try {
    const { session, wantsBulk } = await readOpen(frames, incoming);
    const listen = (): Promise<BulkOutgoing | undefined> => listenBeside(connection, options);
    const sending = new DirectSending(frames, incoming, peer, wantsBulk ? listen : undefined);
    const turn = streams.enter(`${peer} ${hexOf(session)}`, (reason) => sending.end(reason));
    try {
      await sending.all(async (signal) => {
        await turn.ready;
        signal.throwIfAborted();
        return host.open(session, peer, signal);
      });
    } finally {
      turn.leave();
    }
  } catch (error) {
    frames.abort(errorFrom(error));
    throw error;
  } finally {
    pulse.stop();
  }
}

async function listenBeside(
  connection: Connection,
  { bulkBeside, random = randomBytes }: ServeDirectOptions,
): Promise<BulkOutgoing | undefined> {
  const remoteIp = ipAndPortOf(connection.remoteAddr)?.ip;
  if (!bulkBeside || remoteIp === undefined) return undefined;
  return BulkOutgoing.listen({ beside: bulkBeside(), remoteIp, random });
}

/** It is the very first frame: whoever says nothing is cut off by the pulse, which has heard nothing. */
async function readOpen(frames: FrameStream, incoming: Incoming): Promise<DirectOpen> {
  const first = await frames.readHeader();
  if (first.type !== FRAME.open || first.payloadBytes > OPEN_PAYLOAD_MAX_BYTES) {
    throw new ResettleError('damaged', 'a direct stream that does not begin with its opening');
  }
  const open = DirectOpen.decode(await incoming.payload(first));
  if (open.session.length !== SESSION_BYTES || open.buffers !== DIRECT_BUFFERS) {
    throw new ResettleError('damaged', 'the opening of a direct stream has wrong values');
  }
  return open;
}

interface Unacknowledged {
  /** The receiver has used it. */
  isUsed: boolean;
  /** The network of this machine may still read its memory, though the receiver says that it has it. */
  isWriting: boolean;
  /** For how long it had waited for it. */
  idleMs: number;
  resolve(idleMs: number): void;
  reject(error: Error): void;
}

class DirectSending implements DirectSink {
  readonly #frames: FrameStream;
  readonly #incoming: Incoming;
  readonly #peer: string;
  readonly #end = new AbortController();
  /** Packs that were put and not acknowledged. */
  readonly #unacknowledged = new Map<string, Unacknowledged>();
  /** Of those, the ones that were sent, or are being. */
  readonly #sent = new Set<string>();
  #source: DirectSource | undefined;
  #line: Promise<void> = Promise.resolve();
  #onCredit: (() => void) | undefined;
  #isAnswering = false;
  readonly #listenForBulk: (() => Promise<BulkOutgoing | undefined>) | undefined;
  #bulk: BulkOutgoing | undefined;
  /** The packs of the answer go over it. */
  #isOverBulk = false;
  /** What is on its way there. */
  #writing: Promise<boolean> | undefined;
  /** The answer, or `done`, that is under way. */
  #work: Promise<void> = Promise.resolve();
  /** The receiver has said that it has everything, and that this was heard. */
  #done: 'no' | 'said' | 'heard' = 'no';
  #failure: Error | undefined;
  readonly #failed = Promise.withResolvers<Error>();
  #telling: Promise<void> = Promise.resolve();

  constructor(
    frames: FrameStream,
    incoming: Incoming,
    peer: string,
    listenForBulk: (() => Promise<BulkOutgoing | undefined>) | undefined,
  ) {
    this.#listenForBulk = listenForBulk;
    this.#frames = frames;
    this.#incoming = incoming;
    this.#peer = peer;
  }

  /** Serves the stream until it ends. Throws why, unless the receiver had everything. */
  async all(open: (signal: AbortSignal) => Promise<DirectSource>): Promise<void> {
    const listening = this.#listen().catch((error: unknown) => this.#fail(error));
    await this.#open(open).catch((error: unknown) => this.#fail(error));
    await listening;
    await this.#work;
    await this.#telling;
    this.#bulk?.end();
    this.#end.abort(this.#failure ?? new Error('the stream has ended'));
    if (this.#failure) throw this.#failure;
  }

  /** Ends the stream at once, without a word. */
  end(reason: Error): void {
    this.#fail(reason, false);
  }

  async put(pack: SealedPack, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    this.#end.signal.throwIfAborted();
    const { id, bytes } = pack;
    if (!this.#isAnswering || bytes.length === 0 || bytes.length > DIRECT_PACK_BYTES || this.#unacknowledged.has(id)) {
      throw new Error(`pack ${id} of ${bytes.length} bytes cannot be put`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#unacknowledged.set(id, { isUsed: false, isWriting: false, idleMs: 0, resolve, reject });
    // The memory of what is under way is not ours any more: an abort ends the whole stream.
    const onAbort = (): void => this.#fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#inLine(() => this.#push(id, bytes)).catch((error: unknown) => this.#fail(error));
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #open(open: (signal: AbortSignal) => Promise<DirectSource>): Promise<void> {
    const source = await open(this.#end.signal);
    const { descriptor, stateKey } = source;
    if (descriptor.length > DESCRIPTOR_MAX_BYTES || stateKey.length !== STATE_KEY_BYTES) {
      throw new Error('a source whose descriptor is too long, or whose key is none');
    }
    const bulk = await this.#listenForBulk?.();
    this.#bulk = bulk;
    if (this.#failure) throw this.#failure;
    this.#source = source;
    if (bulk) bulk.onLost = () => this.#onBulkLost();
    const opened = {
      stateKey,
      descriptorBytes: descriptor.length,
      buffers: DIRECT_BUFFERS,
      ...(bulk && { bulkPort: bulk.port, bulkKey: bulk.key }),
    };
    await this.#frames.send(FRAME.opened, NO_PACK, 0, DirectOpened.encode(opened));
    await this.#frames.sendPack(NO_PACK, descriptor, 0);
  }

  async #listen(): Promise<void> {
    for (;;) {
      try {
        await this.#onFrame(await this.#incoming.next());
      } catch (error) {
        // The receiver goes once it has heard that it was heard.
        if (this.#done === 'heard' && isBroken(error)) return;
        throw error;
      }
    }
  }

  async #onFrame(header: FrameHeader): Promise<void> {
    if (!this.#source || this.#done !== 'no') throw this.#incoming.unexpected(header);
    if (header.type === FRAME.have && header.payloadBytes === 0) return this.#onHave(header.pack, header.number);
    // Nothing else is said while packs are on their way.
    if (this.#isAnswering || this.#unacknowledged.size > 0) throw this.#incoming.unexpected(header);
    if (header.type === FRAME.want) {
      const { ask, overBulk } = await readAsk(this.#incoming, header);
      if (this.#failure) return;
      if (overBulk && !this.#bulk?.hasCome) {
        throw new ResettleError('damaged', `${this.#peer} asks for packs over a socket that it has not opened`);
      }
      if (overBulk && !this.#bulk?.isThere) throw this.#bulkBroken();
      this.#isOverBulk = overBulk;
      this.#isAnswering = true;
      this.#work = this.#answer(this.#source, ask).catch((error: unknown) => this.#fail(error));
    } else if (header.type === FRAME.bye) {
      const summary = DirectDone.decode(await this.#incoming.payload(header));
      if (this.#failure) return;
      this.#done = 'said';
      this.#work = this.#finish(this.#source, summary).catch((error: unknown) => this.#fail(error));
    } else {
      throw this.#incoming.unexpected(header);
    }
  }

  #onHave(id: string, idleMs: number): void {
    const acknowledged = this.#sent.has(id) ? this.#unacknowledged.get(id) : undefined;
    if (!acknowledged) throw new ResettleError('damaged', `${this.#peer} acknowledged pack ${id} before it was sent`);
    acknowledged.isUsed = true;
    this.#sent.delete(id);
    this.#wake();
    acknowledged.idleMs = idleMs;
    this.#settle(id, acknowledged);
  }

  /** Its memory is free once both are done with it: the receiver, and what writes to the network. */
  #settle(id: string, pack: Unacknowledged): void {
    if (!pack.isUsed || pack.isWriting) return;
    this.#unacknowledged.delete(id);
    pack.resolve(pack.idleMs);
  }

  async #answer(source: DirectSource, ask: DirectAsk): Promise<void> {
    await source.answer(ask, this, this.#end.signal);
    await this.#inLine(async () => {
      // Before it is said: the next ask may come before this call has settled.
      this.#isAnswering = false;
      await this.#orWhy(this.#frames.send(FRAME.have, NO_PACK));
    });
  }

  async #finish(source: DirectSource, summary: DirectDone): Promise<void> {
    await source.done(summary);
    this.#done = 'heard';
    await this.#frames.send(FRAME.bye);
    await this.#frames.close(AbortSignal.timeout(DIRECT_CLOSE_MS));
  }

  /** One pack after another, each whole, and the end of the answer after them. */
  #inLine(work: () => Promise<void>): Promise<void> {
    this.#line = this.#line.then(work);
    return this.#line;
  }

  async #push(id: string, bytes: Uint8Array): Promise<void> {
    while (this.#sent.size >= DIRECT_BUFFERS && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#onCredit = resolve;
      });
    }
    if (this.#failure) throw this.#failure;
    this.#sent.add(id);
    if (this.#isOverBulk && this.#bulk) return this.#pushOver(this.#bulk, id, bytes);
    await this.#orWhy(this.#frames.send(FRAME.offer, id, bytes.length));
    await this.#orWhy(this.#frames.sendPack(id, bytes, 0));
  }

  async #pushOver(bulk: BulkOutgoing, id: string, bytes: Uint8Array): Promise<void> {
    const pack = this.#unacknowledged.get(id);
    if (!pack) return;
    pack.isWriting = true;
    this.#writing = bulk.write(bytes.subarray(BULK_HEAD_BYTES));
    await this.#orWhy(this.#frames.send(FRAME.offer, id, bytes.length, bytes.slice(0, BULK_HEAD_BYTES)));
    // A socket that is lost fails the stream, in a moment.
    if (!(await this.#writing)) throw await this.#failed.promise;
    pack.isWriting = false;
    this.#settle(id, pack);
  }

  /** Where something cannot be sent, throws why the stream has ended. */
  async #orWhy(sending: Promise<void>): Promise<void> {
    try {
      await sending;
    } catch (error) {
      this.#failSoon(error);
      throw await this.#failed.promise;
    }
  }

  #onBulkLost(): void {
    this.#failSoon(this.#bulkBroken(), () => this.#isAnswering && this.#isOverBulk);
  }

  /** Not at once: if the receiver has ended the stream and has said why, that is read a moment later. */
  #failSoon(error: unknown, matters: () => boolean = () => true): void {
    const timer = setTimeout(() => matters() && this.#fail(error), DIRECT_GRACE_MS);
    this.#end.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  #bulkBroken(): ResettleError {
    return broken(this.#peer, new Error('the second connection has ended'));
  }

  /** The first failure ends everything. The receiver is told, unless it said so itself or cannot be reached. */
  #fail(thrown: unknown, isTold = true): void {
    if (this.#failure) return;
    const error = errorFrom(thrown);
    this.#failure = error;
    this.#failed.resolve(error);
    for (const { reject } of this.#unacknowledged.values()) reject(error);
    this.#end.abort(error);
    this.#wake();
    if (isTold && this.#incoming.isNews(error)) {
      this.#telling = this.#tell(error);
      return;
    }
    this.#frames.abort(error);
    this.#bulk?.end();
  }

  /** Behind the pack that is on its way, as all that is said here: the receiver reads one after the other. */
  async #tell(error: Error): Promise<void> {
    const timer = setTimeout(() => this.#bulk?.end(), DIRECT_CLOSE_MS);
    await this.#writing;
    clearTimeout(timer);
    await tellAndEnd(this.#frames, error);
  }

  #wake(): void {
    this.#onCredit?.();
    this.#onCredit = undefined;
  }
}
