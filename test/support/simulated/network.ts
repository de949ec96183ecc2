/** A network in memory: connections and streams as the protocols use them, with a delay, counted, and cut where one says so. */
import {
  type Connection,
  type Logger,
  type PeerId,
  type Stream,
  type StreamHandler,
  TypedEventEmitter,
} from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { AbstractStream } from '@libp2p/utils';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { Uint8ArrayList } from 'uint8arraylist';
import type { PeerIdText } from '../../../src/common/ids.ts';
import type { MembershipLink } from '../../../src/node/membership/membership.ts';
import type { Handlers } from '../../../src/protocols/wire/registrar.ts';

/** What yamux and Noise add to a message: a header of 12 bytes, a length of 2 and a tag of 16. */
const FRAME_BYTES = 30;
/** What both sides send to open a stream beside the names of its protocol. */
const OPEN_BYTES = 2 * (21 + 2 + FRAME_BYTES);
/** What both sides send for the handshakes and identify: an estimate. */
const CONNECTION_BYTES = 4_000;
/** A dial to nobody ends after this. */
const DIAL_FAILS_MS = 1_000;
const silence: Logger = Object.assign(() => {}, { error() {}, trace() {}, enabled: false, newScope: () => silence });

export interface NetworkOptions {
  readonly delayMs: number;
}

export class SimulatedNetwork {
  readonly delayMs: number;
  readonly #nodes = new Map<string, SimulatedLink>();
  /** True for two that do not reach each other. */
  isCut: (a: string, b: string) => boolean = () => false;
  /** All bytes that were sent. */
  bytes = 0;
  streams = 0;
  readonly bytesByProtocol = new Map<string, number>();

  constructor({ delayMs }: NetworkOptions) {
    this.delayMs = delayMs;
  }

  add(link: SimulatedLink): void {
    this.#nodes.set(link.peerId, link);
  }

  remove({ peerId }: SimulatedLink): void {
    this.#nodes.delete(peerId);
  }

  reach(from: string, to: string): SimulatedLink | undefined {
    return this.isCut(from, to) ? undefined : this.#nodes.get(to);
  }

  count(protocol: string, bytes: number): void {
    this.bytes += bytes;
    this.bytesByProtocol.set(protocol, (this.bytesByProtocol.get(protocol) ?? 0) + bytes);
  }

  /** Ends the connections that a cut has cut. */
  enforceCut(): void {
    for (const link of this.#nodes.values()) {
      for (const one of link.getConnections()) {
        if (this.isCut(link.peerId, one.remotePeer.toString())) one.abort(new Error('cut'));
      }
    }
  }
}

interface LinkEvents {
  'connection:open': CustomEvent<Connection>;
  'peer:disconnect': CustomEvent<PeerId>;
}

/** One machine's end of the network. */
export class SimulatedLink extends TypedEventEmitter<LinkEvents> implements Handlers {
  readonly peerId: string;
  readonly peer: PeerId;
  readonly network: SimulatedNetwork;
  readonly handlers = new Map<string, StreamHandler>();
  readonly #connections = new Set<SimulatedConnection>();

  constructor(peerId: PeerIdText, network: SimulatedNetwork) {
    super();
    this.peerId = peerId;
    this.peer = peerIdFromString(peerId);
    this.network = network;
    network.add(this);
  }

  /** As the membership sees it. */
  asLink(): MembershipLink {
    return this as unknown as MembershipLink;
  }

  async handle(protocol: string, handler: StreamHandler): Promise<void> {
    this.handlers.set(protocol, handler);
  }

  getConnections(): Connection[] {
    return [...this.#connections] as unknown as Connection[];
  }

  async dial(addresses: readonly Multiaddr[], { signal }: { signal?: AbortSignal } = {}): Promise<Connection> {
    const to = /\/p2p\/([^/]+)$/.exec(addresses[0]?.toString() ?? '')?.[1] ?? '';
    const known = [...this.#connections].find(({ remotePeer }) => remotePeer.toString() === to);
    if (known) return known as unknown as Connection;
    const remote = this.network.reach(this.peerId, to);
    await sleep(remote ? 3 * this.network.delayMs : DIAL_FAILS_MS);
    signal?.throwIfAborted();
    if (!remote || this.network.reach(this.peerId, to) !== remote) throw new Error(`${to} is not reached`);
    this.network.count('connections', CONNECTION_BYTES);
    const mine = new SimulatedConnection(this, remote.peer, 'outbound');
    const theirs = new SimulatedConnection(remote, this.peer, 'inbound');
    mine.other = theirs;
    theirs.other = mine;
    remote.opened(theirs);
    this.opened(mine);
    return mine as unknown as Connection;
  }

  opened(connection: SimulatedConnection): void {
    this.#connections.add(connection);
    const detail = connection as unknown as Connection;
    this.dispatchEvent(new CustomEvent('connection:open', { detail }));
  }

  ended(connection: SimulatedConnection): void {
    if (!this.#connections.delete(connection)) return;
    const { remotePeer } = connection;
    if ([...this.#connections].some((one) => one.remotePeer.toString() === remotePeer.toString())) return;
    this.dispatchEvent(new CustomEvent('peer:disconnect', { detail: remotePeer }));
  }

  /** The machine is switched off; with `silently` nobody is told. */
  off(silently = false): void {
    this.network.remove(this);
    for (const connection of [...this.#connections]) {
      if (silently) connection.isDead = true;
      else connection.abort();
    }
  }
}

class SimulatedConnection {
  readonly #link: SimulatedLink;
  readonly remotePeer: PeerId;
  readonly remoteAddr: Multiaddr;
  readonly direction: 'inbound' | 'outbound';
  status: 'open' | 'closed' = 'open';
  streams: Stream[] = [];
  other: SimulatedConnection | undefined;
  /** What is sent to it is lost. */
  isDead = false;

  constructor(link: SimulatedLink, remotePeer: PeerId, direction: 'inbound' | 'outbound') {
    this.#link = link;
    this.remotePeer = remotePeer;
    this.remoteAddr = multiaddr(`/memory/${remotePeer}`);
    this.direction = direction;
  }

  get isLost(): boolean {
    return this.isDead || this.other?.isDead === true;
  }

  async newStream(protocol: string, { signal }: { signal?: AbortSignal } = {}): Promise<Stream> {
    const { network } = this.#link;
    network.count(protocol, OPEN_BYTES + 2 * protocol.length);
    network.streams += 1;
    await sleep(network.delayMs);
    signal?.throwIfAborted();
    const { other } = this;
    if (this.status !== 'open' || !other) throw new Error('the connection is closed');
    const mine = new SimulatedStream(this, protocol, 'outbound');
    this.#track(mine);
    if (this.isLost) return mine;
    const theirs = new SimulatedStream(other, protocol, 'inbound');
    other.#track(theirs);
    mine.other = theirs;
    theirs.other = mine;
    const handler = other.#link.handlers.get(protocol);
    if (!handler) throw new Error(`nobody handles ${protocol}`);
    void handler(theirs, other as unknown as Connection);
    return mine;
  }

  #track(stream: SimulatedStream): void {
    this.streams.push(stream);
    stream.addEventListener('close', () => {
      this.streams = this.streams.filter((one) => one !== stream);
    });
  }

  send(protocol: string, bytes: number, then: () => void): void {
    if (bytes > 0) this.#link.network.count(protocol, bytes + FRAME_BYTES);
    if (!this.isLost) setTimeout(then, this.#link.network.delayMs);
  }

  async close(): Promise<void> {
    this.abort();
  }

  abort(_error?: Error): void {
    if (this.status === 'closed') return;
    this.status = 'closed';
    for (const stream of this.streams) stream.abort(new Error('the connection is closed'));
    this.#link.ended(this);
    if (!this.isLost) this.other?.abort();
  }
}

class SimulatedStream extends AbstractStream {
  readonly #connection: SimulatedConnection;
  other: SimulatedStream | undefined;

  constructor(connection: SimulatedConnection, protocol: string, direction: 'inbound' | 'outbound') {
    super({ id: '', protocol, direction, log: silence });
    this.#connection = connection;
  }

  override sendData(data: Uint8ArrayList): { sentBytes: number; canSendMore: boolean } {
    const sentBytes = data.byteLength;
    const copy = data.slice();
    this.#connection.send(this.protocol, sentBytes, () => this.other?.onData(copy as never));
    return { sentBytes, canSendMore: true };
  }

  override sendReset(): void {
    this.#connection.send(this.protocol, 0, () => {
      if (this.other?.status === 'open') this.other.onRemoteReset();
    });
  }

  override async sendCloseWrite(): Promise<void> {
    this.#connection.send(this.protocol, 0, () => this.other?.onRemoteCloseWrite());
  }

  override async sendCloseRead(): Promise<void> {
    this.#connection.send(this.protocol, 0, () => this.other?.onRemoteCloseRead());
  }

  override sendPause(): void {}

  override sendResume(): void {}
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
