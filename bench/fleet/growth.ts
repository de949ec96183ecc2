/**
 * How far and how often news goes in fleets larger than this machine can hold logs of: the real spreading, protocol and
 * codecs, over stores that only keep what they get. Who is connected with whom is drawn by the rule of real agents.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { multiaddr } from '@multiformats/multiaddr';
import { systemClock } from '../../src/common/clock.ts';
import type { PeerIdText } from '../../src/common/ids.ts';
import { STANDING_CONNECTIONS_MAX, STANDING_CONNECTIONS_MIN } from '../../src/common/limits.ts';
import { Spreading } from '../../src/node/membership/spreading.ts';
import { askOver } from '../../src/protocols/records/client.ts';
import { serveRecords } from '../../src/protocols/records/server.ts';
import type { Inserted, RecordStore } from '../../src/protocols/records/store.ts';
import { blake3 } from '../../src/state/records/hash.ts';
import { SimulatedLink, SimulatedNetwork } from '../../test/support/simulated/network.ts';
import { populationOf } from '../../test/support/simulated/population.ts';
import { bytes, ms, print } from './print.ts';

/** A commit's event. */
const RECORD_BYTES = 400;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

interface Node {
  readonly peerId: PeerIdText;
  readonly link: SimulatedLink;
  readonly store: KeepingStore;
  readonly peers: Set<PeerIdText>;
  readonly spreading: Spreading;
}

export async function measureGrowth(count: number): Promise<void> {
  const network = new SimulatedNetwork({ delayMs: 2 });
  const { members } = await populationOf(count);
  const nodes: Node[] = [];
  for (const { peerId } of members) nodes.push(await nodeOf(peerId, network));
  await connectAll(nodes);
  const hops = new Map<Node, number>();
  const byId = new Map(nodes.map((node) => [node.peerId as string, node]));
  for (const node of nodes) {
    node.store.onTaken = (from) => hops.set(node, (hops.get(byId.get(from)!) ?? 0) + 1);
  }
  const [before, streams] = [network.bytes, network.streams];
  const busy = process.cpuUsage();
  const began = performance.now();
  const author = nodes[0]!;
  author.store.keep(new Uint8Array(randomBytes(RECORD_BYTES)), undefined);
  while (hops.size < count - 1) {
    if (performance.now() - began > 300_000) throw new Error(`after five minutes ${hops.size} of ${count} have it`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const tookMs = performance.now() - began;
  const { user, system } = process.cpuUsage(busy);
  const each = (total: number): number => total / count;
  print(
    `${count} agents`,
    `${Math.max(...hops.values())} hops, ${ms(tookMs)}, ${ms((user + system) / 1000)} of CPU for all`,
  );
  print(
    '',
    `an agent sends it ${each(network.streams - streams).toFixed(1)} times, ${bytes(each(network.bytes - before))}`,
  );
  for (const { spreading, link } of nodes) {
    spreading.stop();
    link.off(true);
  }
}

async function nodeOf(peerId: PeerIdText, network: SimulatedNetwork): Promise<Node> {
  const link = new SimulatedLink(peerId, network);
  const peers = new Set<PeerIdText>();
  const store = new KeepingStore();
  const spreading = new Spreading({
    store,
    peers: () => peers,
    ask: (peer) => {
      const connection = link.getConnections().find((one) => one.remotePeer.toString() === peer);
      return connection && askOver(connection);
    },
    clock: systemClock,
    random: (length) => new Uint8Array(randomBytes(length)),
    log: quiet,
    signal: new AbortController().signal,
    refused: () => {},
    silent: () => {},
  });
  store.onKept = (hash, from) => spreading.added([hash], from);
  await serveRecords(link, store, spreading);
  return { peerId, link, store, peers, spreading };
}

/** Each dials until it has four; who has eight takes no more. */
async function connectAll(nodes: readonly Node[]): Promise<void> {
  for (const node of nodes) {
    const dialled: Promise<unknown>[] = [];
    while (node.peers.size < STANDING_CONNECTIONS_MIN) {
      const other = nodes[randomInt(nodes.length)]!;
      const isFull = other.peers.size >= STANDING_CONNECTIONS_MAX;
      if (other === node || isFull || node.peers.has(other.peerId)) continue;
      node.peers.add(other.peerId);
      other.peers.add(node.peerId);
      dialled.push(node.link.dial([multiaddr(`/memory/x/p2p/${other.peerId}`)]));
    }
    await Promise.all(dialled);
  }
}

class KeepingStore implements RecordStore {
  readonly #envelopes = new Map<string, Uint8Array>();
  onKept: (hash: string, from: string | undefined) => void = () => {};
  onTaken: (from: string) => void = () => {};

  keep(envelope: Uint8Array, from: string | undefined): string | undefined {
    const hash = blake3(envelope).toString('hex');
    if (this.#envelopes.has(hash)) return undefined;
    this.#envelopes.set(hash, envelope);
    if (from !== undefined) this.onTaken(from);
    this.onKept(hash, from);
    return hash;
  }

  async insert(envelopes: readonly Uint8Array[], from: string): Promise<Inserted> {
    const added = envelopes.filter((envelope) => this.keep(envelope, from) !== undefined).length;
    return { added, stored: envelopes.map((envelope) => blake3(envelope).toString('hex')), refused: [] };
  }

  envelopes(starts: readonly string[]): { envelopes: Uint8Array[]; served: number } {
    const envelopes = starts.map((start) => this.#envelopes.get(start)).filter((one) => one !== undefined);
    return { envelopes, served: starts.length };
  }

  summary(): { count: number; fingerprint: Uint8Array } {
    const fingerprint = blake3(Buffer.from([...this.#envelopes.keys()].sort().join())).subarray(0, 16);
    return { count: this.#envelopes.size, fingerprint };
  }

  entries(): { hash: string; number: number }[] {
    return [...this.#envelopes.keys()].sort().map((hash, number) => ({ hash, number }));
  }

  hasStart(start: string): boolean {
    return this.#envelopes.has(start);
  }
}
