/** Held time and a network without wires. */
import { randomBytes } from 'node:crypto';
import type { NetworkInterfaceInfo } from 'node:os';
import type { Clock } from '../../../src/common/clock.ts';
import type { PeerIdText } from '../../../src/common/ids.ts';
import { MdnsDiscovery, type OpenSocket, type SocketEvents, type Timers } from '../../../src/node/discovery/index.ts';
import type { HeardPacket, OutgoingPacket } from '../../../src/node/discovery/packets.ts';

/** Lets promises that are settled go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

export class HeldTime implements Clock, Timers {
  #nowMs = 1_000_000;
  readonly #waiting = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  now(): number {
    return this.#nowMs + 1_700_000_000_000;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#waiting.add(timer);
    return () => void this.#waiting.delete(timer);
  }

  /** Lets that time pass, timer by timer. */
  async pass(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await settle();
    for (;;) {
      const next = [...this.#waiting].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#waiting.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await settle();
    }
    this.#nowMs = untilMs;
  }
}

interface FakeSocket {
  readonly address: string;
  readonly events: SocketEvents;
}

/** One network: what one socket sends all hear, the sender too. */
export class FakeNetwork {
  readonly sent: { readonly address: string; readonly packet: OutgoingPacket; readonly atMs: number }[] = [];
  /** Set to make sockets fail. */
  openError: Error | undefined;
  sendError: Error | undefined;
  readonly time: HeldTime;
  readonly sockets = new Set<FakeSocket>();

  constructor(time: HeldTime) {
    this.time = time;
  }

  readonly open: OpenSocket = async ({ address }, events) => {
    if (this.openError !== undefined) throw this.openError;
    const socket = { address, events };
    this.sockets.add(socket);
    return {
      send: async (packet) => {
        if (this.sendError !== undefined) throw this.sendError;
        this.sent.push({ address, packet: structuredClone(packet), atMs: this.time.monotonicMs() });
        this.deliver(structuredClone(packet), address);
      },
      close: async () => void this.sockets.delete(socket),
    };
  };

  deliver(packet: HeardPacket, from: string, port = 5353): void {
    for (const { events } of [...this.sockets]) events.onPacket(packet, { address: from, port });
  }

  /** Breaks every open socket. */
  breakAll(message: string): void {
    for (const { events } of [...this.sockets]) events.onError(new Error(message));
  }
}

/** What the system would tell of interfaces: one entry a name, with the address and its prefix. */
export function interfacesOf(cidrs: Record<string, string>): NodeJS.Dict<NetworkInterfaceInfo[]> {
  return Object.fromEntries(
    Object.entries(cidrs).map(([name, cidr]) => {
      const address = cidr.split('/')[0]!;
      return [name, [{ address, cidr, netmask: '', mac: '', internal: name === 'lo', family: 'IPv4' as const }]];
    }),
  );
}

/** A discovery on the fake network, and what it has told. */
export class FakeAgent {
  readonly discovery: MdnsDiscovery;
  readonly told: string[] = [];
  addresses: string[];
  interfaces: Record<string, string>;

  constructor(network: FakeNetwork, peerId: PeerIdText, ip: string) {
    this.addresses = [`/ip4/${ip}/tcp/4001`];
    this.interfaces = { eth0: `${ip}/24` };
    this.discovery = new MdnsDiscovery({
      peerId,
      addresses: () => this.addresses,
      interfaces: [],
      clock: network.time,
      timers: network.time,
      random: randomBytes,
      networkInterfaces: () => interfacesOf(this.interfaces),
      openSocket: network.open,
      log: { debug: () => {}, warn: (_details, message) => this.told.push(`warn ${message}`) },
    });
    this.discovery.onPeer((peer) => this.told.push(`peer ${peer.peerId} ${peer.addresses.join(' ')}`));
    this.discovery.onGone((peer) => this.told.push(`gone ${peer.peerId}`));
    this.discovery.onDuplicate((duplicate) => this.told.push(`duplicate ${duplicate.addresses.join(' ')}`));
  }
}
