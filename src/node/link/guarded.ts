/** TCP, Noise and yamux as libp2p has them, with guards before each for what a hostile peer may send. */
import { noise } from '@chainsafe/libp2p-noise';
import type {
  ConnectionEncrypter,
  MessageStream,
  MultiaddrConnection,
  Stream,
  StreamMuxer,
  StreamMuxerFactory,
  Upgrader,
} from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import type { Uint8ArrayList } from 'uint8arraylist';
import type { Clock } from '../../common/clock.ts';
import {
  CONNECTION_UNSENT_MAX_BYTES,
  STREAM_READ_BUFFER_BYTES,
  STREAM_WRITE_BUFFER_BYTES,
  STREAMS_PER_CONNECTION_MAX,
  YAMUX_WINDOW_BYTES,
} from '../../common/limits.ts';
import { FrameGuard } from './frame-guard.ts';
import { guardLengths, type LengthRules } from './length-guard.ts';
import { Pace } from './pace.ts';
import { PieceGuard } from './piece-guard.ts';
import { endUnfinished } from './unfinished.ts';

const NOISE = '/noise';
const YAMUX = '/yamux/1.0.0';
const onlyChoose = (name: string): LengthRules => ({ isChosen: (one) => one === name, isPrefixed: () => false });

type Components<F> = F extends (components: infer C) => unknown ? C : never;
type TcpComponents = Components<ReturnType<typeof tcp>>;
type NoiseComponents = Components<ReturnType<typeof noise>>;
interface YamuxComponents {
  readonly registrar: { getProtocols(): string[] };
}

/** The object with some of its methods replaced; the others keep their `this`. */
function changed<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(of, key) {
      const own = Reflect.get(changes, key) ?? Reflect.get(of, key);
      return typeof own === 'function' ? own.bind(of) : own;
    },
  });
}

/** From the first byte on: lines until Noise is chosen, then its pieces. */
function guardConnection(connection: MultiaddrConnection): void {
  const pieces = new PieceGuard();
  guardLengths(connection, onlyChoose(NOISE), pieces);
  endUnfinished(connection, pieces);
}

/** Connections are looked at from their first byte on. */
export function guardedTcp(): (components: TcpComponents) => ReturnType<ReturnType<typeof tcp>> {
  return (components) => {
    const transport = tcp()(components);
    const guarded = (upgrader: Upgrader): Upgrader =>
      changed(upgrader, {
        upgradeInbound: (connection: MultiaddrConnection, options) => {
          guardConnection(connection);
          return upgrader.upgradeInbound(connection, options);
        },
        upgradeOutbound: (connection: MultiaddrConnection, options) => {
          guardConnection(connection);
          return upgrader.upgradeOutbound(connection, options);
        },
      });
    return changed(transport, {
      dial: (address, options) => transport.dial(address, { ...options, upgrader: guarded(options.upgrader) }),
      createListener: (options) => transport.createListener({ ...options, upgrader: guarded(options.upgrader) }),
    });
  };
}

/** Who is at the other end of a connection, for the muxer on it, which is not told. */
export class Remotes {
  readonly #of = new WeakMap<MessageStream, string>();

  set(connection: MessageStream, peer: string): void {
    this.#of.set(connection, peer);
  }

  get(connection: MessageStream): string | undefined {
    return this.#of.get(connection);
  }
}

/** A peer that does not name its muxer in the handshake chooses it in lines again. */
export function guardedNoise(remotes: Remotes): (components: NoiseComponents) => ConnectionEncrypter {
  return (components) => {
    const encrypter = noise()(components);
    const guard = async (securing: ReturnType<ConnectionEncrypter['secureInbound']>) => {
      const secured = await securing;
      remotes.set(secured.connection, secured.remotePeer.toString());
      if (secured.streamMuxer === undefined) guardLengths(secured.connection, onlyChoose(YAMUX));
      return secured;
    };
    return changed<ConnectionEncrypter>(encrypter, {
      secureInbound: (connection, options) => guard(encrypter.secureInbound(connection, options)),
      secureOutbound: (connection, options) => guard(encrypter.secureOutbound(connection, options)),
    });
  };
}

/** The parts of a muxer through which everything comes. */
interface Muxer extends StreamMuxer {
  onData(data: Uint8Array | Uint8ArrayList): void;
  onRemoteStream(stream: Stream): void;
}

export interface YamuxRules {
  readonly remotes: Remotes;
  /** Whose pace a peer has. */
  readonly paceOf: (remote: string | undefined) => string;
  /** In which protocols messages have their lengths in front. */
  readonly isPrefixed: LengthRules['isPrefixed'];
}

export function guardedYamux(rules: YamuxRules, clock: Clock): (components: YamuxComponents) => StreamMuxerFactory {
  const pace = new Pace(clock);
  const make = yamux({
    maxInboundStreams: STREAMS_PER_CONNECTION_MAX,
    streamOptions: {
      maxStreamWindowSize: YAMUX_WINDOW_BYTES,
      maxReadBufferLength: STREAM_READ_BUFFER_BYTES,
      maxWriteBufferLength: STREAM_WRITE_BUFFER_BYTES,
    },
  });
  return (components) => {
    const factory = make();
    return {
      protocol: factory.protocol,
      createStreamMuxer: (channel) => {
        const muxer = factory.createStreamMuxer(channel) as unknown as Muxer;
        const remote = rules.remotes.get(channel);
        guardFrames(muxer, channel, clock, (count) => pace.take(rules.paceOf(remote), count, channel));
        guardStreams(muxer, (name) => components.registrar.getProtocols().includes(name), rules.isPrefixed);
        return muxer;
      },
    };
  };
}

function guardFrames(muxer: Muxer, channel: MessageStream, clock: Clock, small: (count: number) => void): void {
  const frames = new FrameGuard(clock);
  endUnfinished(channel, frames);
  const { onData } = muxer;
  // What it throws ends the connection: the muxer expects that of itself.
  muxer.onData = (data) => {
    frames.look(data);
    if (channel.writeBufferLength > CONNECTION_UNSENT_MAX_BYTES) throw new Error('it does not read what it asks for');
    onData.call(muxer, data);
    const count = frames.takeSmall();
    if (count > 0) small(count);
  };
}

/** A name that is not served is answered with "na", and another line follows. */
function guardStreams(muxer: Muxer, isServed: (name: string) => boolean, isPrefixed: LengthRules['isPrefixed']): void {
  const { onRemoteStream, createStream } = muxer;
  muxer.onRemoteStream = (stream) => {
    guardLengths(stream, { isChosen: isServed, isPrefixed });
    onRemoteStream.call(muxer, stream);
  };
  muxer.createStream = async (options) => {
    const stream = await createStream.call(muxer, options);
    guardLengths(stream, { isChosen: (name) => name.startsWith('/'), isPrefixed });
    return stream;
  };
}
