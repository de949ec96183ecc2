/** The sender's end of a bulk socket: a listener for one receiver, and then that one's socket. */
import { createServer, type Server, type Socket } from 'node:net';
import type { RandomBytes } from '../../../common/clock.ts';
import {
  BULK_ADDRESSES_MAX,
  BULK_HANDSHAKE_MS,
  BULK_HANDSHAKES_MAX,
  BULK_LISTEN_MS,
  BULK_PORT_TRIES,
} from '../../../common/limits.ts';
import { BULK_KEY_BYTES, isProof, NONCE_BYTES, PROOF_BYTES, proofOf } from './handshake.ts';
import { type IpAndPort, ipAndPortOf, isSameIp } from './place.ts';

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

export interface BulkListenOptions {
  /** Multiaddrs at which the node listens; never wildcards. The next port is tried first. */
  readonly beside: readonly string[];
  /** Whoever comes from elsewhere is sent away. */
  readonly remoteIp: string;
  readonly random: RandomBytes;
  /** Default BULK_HANDSHAKE_MS. */
  readonly handshakeMs?: number;
  /** Default BULK_LISTEN_MS. */
  readonly listenMs?: number;
}

export class BulkOutgoing {
  readonly key: Uint8Array;
  readonly port: number;
  readonly #options: BulkListenOptions;
  readonly #servers: readonly Server[];
  readonly #timer: ReturnType<typeof setTimeout>;
  /** Who has not proved yet that it is the receiver, the oldest first. */
  readonly #strangers = new Set<Socket>();
  #socket: Socket | undefined;
  #isLost = false;
  #isEnded = false;
  /** The socket is gone, by nothing that was done here. */
  onLost: () => void = () => {};

  private constructor(servers: readonly Server[], port: number, options: BulkListenOptions) {
    this.key = options.random(BULK_KEY_BYTES);
    this.port = port;
    this.#options = options;
    this.#servers = servers;
    this.#timer = setTimeout(() => this.#listenNoMore(), options.listenMs ?? BULK_LISTEN_MS);
  }

  /** Undefined where there is no address on which it can listen. */
  static async listen(options: BulkListenOptions): Promise<BulkOutgoing | undefined> {
    const places = options.beside.map(ipAndPortOf).filter((place) => place !== undefined);
    const ips = [...new Set(places.map(({ ip }) => ip).filter((ip) => !WILDCARDS.has(ip)))].slice(
      0,
      BULK_ADDRESSES_MAX,
    );
    const besidePort = (places[0]?.port ?? 0) + 1;
    let bulk: BulkOutgoing | undefined;
    // Nobody knows the port yet who should come before it is there.
    const onSocket = (socket: Socket): unknown => (bulk ? bulk.#greet(socket) : socket.destroy());
    for (let tries = 0; tries < BULK_PORT_TRIES; tries++) {
      const servers = await listenAt(ips, tries === 0 && besidePort < 2 ** 16 ? besidePort : 0, onSocket);
      const port = servers && portOf(servers[0]);
      if (!servers || !port) continue;
      bulk = new BulkOutgoing(servers, port, options);
      break;
    }
    return bulk;
  }

  /** Whether the receiver has come, and is still there. */
  get isThere(): boolean {
    return this.#socket !== undefined && !this.#isLost;
  }

  /** Whether the receiver has come. */
  get hasCome(): boolean {
    return this.#socket !== undefined;
  }

  /** Settles when this machine needs the memory no more; false where the socket is lost. Throws nothing. */
  write(bytes: Uint8Array): Promise<boolean> {
    return new Promise((resolve) => {
      if (!this.isThere) resolve(false);
      this.#socket?.write(bytes, (error) => resolve(!error));
    });
  }

  /** Ends it at once, but for what the system has taken already. */
  end(): void {
    this.#isEnded = true;
    this.#listenNoMore();
    this.#socket?.destroy();
  }

  #listenNoMore(): void {
    clearTimeout(this.#timer);
    for (const server of this.#servers) server.close();
    for (const socket of this.#strangers) socket.destroy();
  }

  #greet(socket: Socket): void {
    socket.on('error', () => {}); // Its 'close' follows.
    if (this.#isEnded || this.#socket || !isSameIp(socket.remoteAddress ?? '', this.#options.remoteIp)) {
      socket.destroy();
      return;
    }
    for (const oldest of this.#strangers) {
      if (this.#strangers.size < BULK_HANDSHAKES_MAX) break;
      this.#strangers.delete(oldest);
      oldest.destroy();
    }
    this.#strangers.add(socket);
    const timer = setTimeout(() => socket.destroy(), this.#options.handshakeMs ?? BULK_HANDSHAKE_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#strangers.delete(socket);
    });
    socket.setNoDelay(true);
    const nonce = this.#options.random(NONCE_BYTES);
    socket.write(nonce);
    let said = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      said = Buffer.concat([said, chunk]);
      if (said.length < NONCE_BYTES + PROOF_BYTES) return;
      socket.off('data', onData);
      clearTimeout(timer);
      this.#judge(socket, nonce, said);
    };
    socket.on('data', onData);
  }

  #judge(socket: Socket, nonce: Uint8Array, said: Uint8Array): void {
    const [remoteNonce, proof] = [said.subarray(0, NONCE_BYTES), said.subarray(NONCE_BYTES)];
    if (this.#socket || socket.destroyed || !isProof(proof, proofOf('receiver', this.key, nonce, remoteNonce))) {
      socket.destroy();
      return;
    }
    this.#strangers.delete(socket);
    this.#socket = socket;
    this.#listenNoMore();
    socket.write(proofOf('sender', this.key, nonce, remoteNonce));
    // The receiver has nothing more to say here.
    socket.on('data', () => socket.destroy());
    socket.once('close', () => {
      this.#isLost = true;
      if (!this.#isEnded) this.onLost();
    });
  }
}

/** One port at all the addresses that this machine has now; undefined where it is taken at one of them. */
async function listenAt(
  ips: readonly string[],
  port: number,
  onSocket: (socket: Socket) => void,
): Promise<Server[] | undefined> {
  const servers: Server[] = [];
  for (const host of ips) {
    const server = await listenOn({ ip: host, port: portOf(servers[0]) ?? port }, onSocket);
    if (server === 'gone') continue;
    if (server === 'taken') {
      for (const other of servers) other.close();
      return undefined;
    }
    servers.push(server);
  }
  return servers;
}

function listenOn({ ip, port }: IpAndPort, onSocket: (socket: Socket) => void): Promise<Server | 'gone' | 'taken'> {
  const server = createServer(onSocket);
  return new Promise((resolve) => {
    // Not once: whatever comes later, such as a socket that cannot be taken, ends nothing.
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE' ? 'taken' : 'gone'));
    server.listen({ host: ip, port }, () => resolve(server));
  });
}

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}
