/**
 * Pairing over a connection. The protocol is open to strangers: it is registered only while a code is shown, and one run
 * happens at a time. Who the other side is says the connection, never a message.
 */
import type { Connection, Stream } from '@libp2p/interface';
import { ResettleError } from '../../common/errors.ts';
import { type PeerIdText, peerIdText } from '../../common/ids.ts';
import { PAIRING_ABOUT_MAX_BYTES, PAIRING_STEP_MS, PAIRING_STREAMS_MAX } from '../../common/limits.ts';
import type { Handlers } from '../wire/registrar.ts';
import { drive, type PairingParty } from './drive.ts';
import { errorOfEndedCode, errorOfFailure } from './failure.ts';
import type { ShownCode, TypedCode } from './guesses.ts';
import { PAIR_PROTOCOL } from './messages.ts';
import type { Failure, Pairing } from './types.ts';

/** Where the protocol is opened and closed: a libp2p node, past the guard for members. */
export interface PairingHandlers extends Handlers {
  unhandle(protocol: string): Promise<void>;
}

/** A run that came to nothing, for the screen that shows the code. */
export interface FailedAttempt {
  readonly remote: PeerIdText;
  readonly failure: Failure;
  /** Failures that the code still stands; 0 is burnt. */
  readonly failuresLeft: number;
}

export interface ShowOptions extends PairingParty {
  readonly handlers: PairingHandlers;
  readonly code: ShownCode;
  readonly onFailed?: (attempt: FailedAttempt) => void;
}

export interface Paired {
  readonly pairing: Pairing;
  readonly connection: Connection;
}

/** Streams of one connection: a second one is refused as busy. */
const STREAMS_PER_CONNECTION = 2;

/** The machine that shows a code: answers until one run succeeds or the code is over. */
export class PairingServer {
  /** Rejects with `refused` when the code is burnt, expired or withdrawn, or proved by a machine that vanished. */
  readonly paired: Promise<Paired>;
  readonly #options: ShowOptions;
  readonly #end = new AbortController();
  readonly #streams = new Set<Stream>();
  readonly #settle: { resolve: (paired: Paired) => void; reject: (error: unknown) => void };
  #expiry: ReturnType<typeof setTimeout> | undefined;
  #unhandled: Promise<void> | undefined;

  private constructor(options: ShowOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<Paired>();
    this.#options = options;
    this.paired = promise;
    this.#settle = { resolve, reject };
    promise.catch(() => {});
  }

  /** Opens the protocol to strangers. */
  static async start(options: ShowOptions): Promise<PairingServer> {
    checkAbout(options.about);
    const server = new PairingServer(options);
    const handler = (stream: Stream, connection: Connection): Promise<void> => server.#serve(stream, connection);
    await options.handlers.handle(PAIR_PROTOCOL, handler, { maxInboundStreams: STREAMS_PER_CONNECTION });
    server.#watchExpiry();
    return server;
  }

  /** Takes the code back, ends what runs, and closes the protocol. */
  async close(): Promise<void> {
    this.#options.code.withdraw();
    this.#end.abort(new Error('the code was taken back'));
    await this.#finish();
  }

  async #serve(stream: Stream, connection: Connection): Promise<void> {
    if (this.#streams.size >= PAIRING_STREAMS_MAX || this.#end.signal.aborted) {
      stream.abort(new Error('too many at once'));
      return;
    }
    this.#streams.add(stream);
    try {
      await this.#attempt(stream, connection);
    } catch (error) {
      // The guesses cannot be counted, so none may be made.
      stream.abort(error instanceof Error ? error : new Error(String(error)));
      this.#settle.reject(error);
      this.#options.code.withdraw();
    } finally {
      this.#streams.delete(stream);
    }
    const { status, isRunning } = this.#options.code;
    if (status !== 'live' && !isRunning) await this.#finish();
  }

  async #attempt(stream: Stream, connection: Connection): Promise<void> {
    const { code } = this.#options;
    const remote = ed25519Peer(connection);
    if (!remote) {
      stream.abort(new Error('not an Ed25519 peer'));
      return;
    }
    const outcome = await drive(stream, this.#options, {
      side: 'responder',
      role: 'shows',
      remote,
      guesses: code,
      signal: this.#end.signal,
    });
    if ('pairing' in outcome) this.#settle.resolve({ pairing: outcome.pairing, connection });
    else this.#options.onFailed?.({ remote, failure: outcome.failure, failuresLeft: code.failuresLeft });
  }

  /** A timer of the system may fire early or, in a machine that slept, late: the code's own clock decides. */
  #watchExpiry(): void {
    this.#expiry = setTimeout(() => {
      const { status, isRunning } = this.#options.code;
      if (status === 'live') this.#watchExpiry();
      else if (!isRunning) void this.#finish();
    }, this.#options.code.leftMs + 1);
  }

  async #finish(): Promise<void> {
    clearTimeout(this.#expiry);
    const { status } = this.#options.code;
    if (status !== 'live') this.#settle.reject(errorOfEndedCode(status));
    this.#unhandled ??= this.#options.handlers.unhandle(PAIR_PROTOCOL);
    await this.#unhandled;
    this.#end.abort(new Error('the code is over'));
  }
}

export interface TypeOptions extends PairingParty {
  readonly code: TypedCode;
  /** The peer that a scanned code names: nobody else is told anything. */
  readonly expected?: PeerIdText;
  readonly signal: AbortSignal;
}

/**
 * The machine where the code was typed: one run over this connection. Throws `refused` (exit 4) or `failed` when it
 * comes to nothing; `code.isSpent` then tells whether a new code is needed.
 */
export async function pairOver(connection: Connection, options: TypeOptions): Promise<Pairing> {
  checkAbout(options.about);
  const remote = ed25519Peer(connection);
  if (!remote || (options.expected !== undefined && options.expected !== remote)) {
    throw new ResettleError('refused', `${connection.remotePeer} is not the machine that showed the code`, {
      hint: 'scan the QR code of the machine that you mean, or type its code',
    });
  }
  const stream = await openStream(connection, remote, options);
  const outcome = await drive(stream, options, {
    side: 'initiator',
    role: 'types',
    remote,
    guesses: options.code,
    signal: options.signal,
  });
  if ('pairing' in outcome) return outcome.pairing;
  options.signal.throwIfAborted();
  throw errorOfFailure(outcome.failure, remote);
}

async function openStream(connection: Connection, remote: PeerIdText, options: TypeOptions): Promise<Stream> {
  const limit = AbortSignal.timeout(options.stepMs ?? PAIRING_STEP_MS);
  try {
    return await connection.newStream(PAIR_PROTOCOL, { signal: AbortSignal.any([limit, options.signal]) });
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
      throw errorOfFailure({ reason: 'over', counted: false, told: true }, remote);
    }
    throw errorOfFailure({ reason: limit.aborted ? 'timeout' : 'gone', counted: false, told: false }, remote);
  }
}

function ed25519Peer(connection: Connection): PeerIdText | undefined {
  const text = connection.remotePeer.toString();
  try {
    return peerIdText(text);
  } catch {
    // Keys of other kinds are not for us.
    return undefined;
  }
}

function checkAbout(about: Uint8Array): void {
  if (about.length <= PAIRING_ABOUT_MAX_BYTES) return;
  throw new ResettleError('usage', `an offer of ${about.length} bytes is too long to be shown before a pairing`, {
    hint: `shorten it to ${PAIRING_ABOUT_MAX_BYTES} bytes`,
  });
}
