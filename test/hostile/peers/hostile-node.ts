/** A libp2p node that need not behave: any key, any address of this machine, and if wanted no muxer but bare frames. */
import { noise } from '@chainsafe/libp2p-noise';
import { generateKeyPair } from '@libp2p/crypto/keys';
import {
  type Connection,
  type MessageStream,
  type PrivateKey,
  type StreamMuxer,
  type StreamMuxerFactory,
  TypedEventEmitter,
} from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2p } from 'libp2p';
import { Uint8ArrayList } from 'uint8arraylist';

/** Loopback addresses that stand for hosts of their own. */
export const HOSTILE_HOST = '127.0.0.66';
const YAMUX = '/yamux/1.0.0';

export interface HostileNodeOptions {
  readonly privateKey?: PrivateKey;
  /** Where its connections come from. */
  readonly from?: string;
  readonly listen?: boolean;
  readonly muxer?: () => StreamMuxerFactory;
}

/** Without identify, ping, limits of any kind, or a connection manager that keeps house. */
export async function hostileNode(options: HostileNodeOptions = {}): Promise<Libp2p> {
  const node = await createLibp2p({
    privateKey: options.privateKey ?? (await generateKeyPair('Ed25519')),
    addresses: { listen: options.listen ? ['/ip4/127.0.0.1/tcp/0'] : [] },
    // The options go to the socket as they are, those that libp2p has no word for too.
    transports: [tcp({ dialOpts: { localAddress: options.from ?? HOSTILE_HOST } as object })],
    connectionEncrypters: [noise()],
    streamMuxers: [options.muxer ?? yamux({ enableKeepAlive: false, maxOutboundStreams: 100_000 })],
    connectionManager: { maxConnections: 10_000, reconnectRetries: 0 },
    connectionMonitor: { enabled: false },
  });
  await node.start();
  return node;
}

export function dial(node: Libp2p, address: string): Promise<Connection> {
  return node.dial(multiaddr(address), { force: true, signal: AbortSignal.timeout(10_000) });
}

/** The connection beneath a muxer that is none: frames are written by hand, and what comes back is kept. */
export class BareFrames extends TypedEventEmitter<object> {
  readonly protocol = YAMUX;
  readonly streams = [];
  status = 'open' as const;
  readonly channel: MessageStream;
  readonly received = new Uint8ArrayList();
  readonly closed: Promise<Error | undefined>;

  constructor(channel: MessageStream) {
    super();
    this.channel = channel;
    channel.addEventListener('message', (event) => this.received.append(event.data));
    this.closed = new Promise((resolve) => channel.addEventListener('close', (event) => resolve(event.error)));
  }

  get isOpen(): boolean {
    return this.channel.status === 'open';
  }

  /** False where the other side takes nothing more for now. */
  send(bytes: Uint8Array | Uint8ArrayList): boolean {
    return this.channel.send(bytes);
  }

  /** Writes all, as fast as the other side takes it, until that has closed the connection. */
  async sendAll(chunks: Iterable<Uint8Array>): Promise<void> {
    for (const chunk of chunks) {
      if (!this.isOpen) return;
      if (this.send(chunk)) continue;
      await Promise.race([new Promise((drained) => this.channel.addEventListener('drain', drained)), this.closed]);
    }
  }

  createStream(): Promise<never> {
    return Promise.reject(new Error('there are no streams here'));
  }
  abort(error: Error): void {
    this.channel.abort(error);
  }
  async close(): Promise<void> {}
}

/** An authenticated connection, and the bare frames on it. */
export async function bareConnection(
  address: string,
  options: HostileNodeOptions = {},
): Promise<{ node: Libp2p; frames: BareFrames }> {
  let frames: BareFrames | undefined;
  const factory: StreamMuxerFactory = {
    protocol: YAMUX,
    createStreamMuxer: (channel) => {
      frames = new BareFrames(channel);
      return frames as unknown as StreamMuxer;
    },
  };
  const node = await hostileNode({ ...options, muxer: () => factory });
  await dial(node, address);
  return { node, frames: frames! };
}

/** One frame of yamux: version, type, flags, stream, length, and what follows. */
export function yamuxFrame(
  { type, flags = 0, stream = 0, length, version = 0 }: YamuxHeader,
  data: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const header = Buffer.alloc(12);
  header.writeUInt8(version, 0);
  header.writeUInt8(type, 1);
  header.writeUInt16BE(flags, 2);
  header.writeUInt32BE(stream, 4);
  header.writeUInt32BE(length ?? data.length, 8);
  return data.length > 0 ? Buffer.concat([header, data]) : header;
}

interface YamuxHeader {
  readonly type: number;
  readonly flags?: number;
  readonly stream?: number;
  readonly length?: number;
  readonly version?: number;
}

export const YAMUX_TYPE = { data: 0, window: 1, ping: 2, goAway: 3 } as const;
export const YAMUX_FLAG = { syn: 1, ack: 2, fin: 4, rst: 8 } as const;
