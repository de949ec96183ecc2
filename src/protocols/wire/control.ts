import type { Connection, Stream } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import { ResettleError } from '../../common/errors.ts';
import { ANSWERED_CLOSE_MS, CONTROL_MESSAGE_MAX_BYTES, REQUEST_TIMEOUT_MS } from '../../common/limits.ts';
import type { MessageCodec } from './message.ts';
import type { InTurn } from './turns.ts';

export interface CallOptions {
  signal?: AbortSignal;
  timeoutMs?: number;
  maxBytes?: number;
}

function limit(options: CallOptions): AbortSignal {
  const timeout = AbortSignal.timeout(Math.ceil(options.timeoutMs ?? REQUEST_TIMEOUT_MS));
  return options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
}

/** One request and its answer on a stream of its own. */
export async function call<Q, A>(
  connection: Connection,
  protocol: string,
  request: { codec: MessageCodec<Q>; value: Partial<Q> },
  answer: MessageCodec<A>,
  options: CallOptions = {},
): Promise<A> {
  const signal = limit(options);
  let stream: Stream | undefined;
  try {
    stream = await connection.newStream(protocol, { signal });
    const messages = lpStream(stream, { maxDataLength: options.maxBytes ?? CONTROL_MESSAGE_MAX_BYTES });
    await messages.write(request.codec.encode(request.value), { signal });
    const bytes = await messages.read({ signal });
    const value = answer.decode(bytes.subarray());
    await stream.close({ signal });
    return value;
  } catch (error) {
    stream?.abort(error instanceof Error ? error : new Error(String(error)));
    if (error instanceof ResettleError) throw error;
    if (options.signal?.aborted) throw options.signal.reason;
    throw new ResettleError('failed', `no answer from ${connection.remotePeer} on ${protocol}`, {
      hint: 'the other machine may have gone or may not accept this machine; see its log',
      cause: error,
    });
  }
}

export interface ServeOptions extends CallOptions {
  /** Without it, every request is answered at once. */
  inTurn?: InTurn | undefined;
}

/** Answers the one request of a stream; what `answerOf` throws aborts the stream. */
export async function serve<Q, A>(
  stream: Stream,
  request: MessageCodec<Q>,
  answer: MessageCodec<A>,
  answerOf: (request: Q) => Promise<Partial<A>>,
  options: ServeOptions = {},
): Promise<void> {
  try {
    const messages = lpStream(stream, { maxDataLength: options.maxBytes ?? CONTROL_MESSAGE_MAX_BYTES });
    const value = request.decode((await messages.read({ signal: limit(options) })).subarray());
    // The work may take long; who waits for it says for how long. Only the wire has a time limit here.
    const work = (): Promise<Partial<A>> => answerOf(value);
    const answered = answer.encode(await (options.inTurn ? options.inTurn(stream, work) : work()));
    const signal = limit(options);
    await messages.write(answered, { signal });
    await stream.close({ signal });
    endSoon(stream);
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** Closing ends one's own side only: who keeps the other one open would keep a place, and might go on sending. */
function endSoon(stream: Stream): void {
  if (stream.status !== 'open') return;
  const timer = setTimeout(() => stream.abort(new Error('not closed after the answer')), ANSWERED_CLOSE_MS);
  timer.unref();
  stream.addEventListener('close', () => clearTimeout(timer), { once: true });
}
