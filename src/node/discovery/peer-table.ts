/**
 * What was heard of peers, for as long as it holds. Told the time, never waits. Strangers fill it, so each of its
 * dimensions has a limit.
 *
 * Entries are kept by interface, peer id and instance: whoever announces somebody else's peer id with a false address
 * adds an entry and does not replace the true one.
 */
import type { Clock } from '../../common/clock.ts';
import type { PeerIdText } from '../../common/ids.ts';
import {
  DISCOVERED_ADDRESSES_PER_PEER_MAX,
  DISCOVERED_INSTANCES_PER_PEER_MAX,
  DISCOVERED_PEERS_MAX,
  DISCOVERED_PEERS_PER_SOURCE_MAX,
  DISCOVERY_TTL_MS,
} from '../../common/limits.ts';
import type { KnownInstance } from './packets.ts';
import type { FoundPeer } from './types.ts';

/** Ask again when this part of the time to live is over (RFC 6762, section 5.2). */
const REFRESH_AT = [0.8, 0.85, 0.9, 0.95];
const REFRESH_JITTER = 0.02;
/** Instances of one peer id from one sending address: the one before a restart and the one after. */
const INSTANCES_PER_SENDER_MAX = 2;

/** One announcement as it came. */
export interface HeardPeer {
  readonly interfaceName: string;
  /** The instance's full name in lower case. */
  readonly instance: string;
  readonly peerId: PeerIdText;
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
  /** The IP address that sent it. */
  readonly source: string;
}

interface Entry extends HeardPeer {
  readonly firstSeenMs: number;
  /** As firstSeenMs, but monotonic. */
  readonly sinceMs: number;
  readonly heardAtMs: number;
  readonly ttlMs: number;
  readonly jitter: number;
  refreshes: number;
}

/** What came of an announcement: something to act on, nothing new, or no room. */
export type Heard = 'news' | 'same' | 'full';

/** The peers heard of. Times inside are monotonic; those of a FoundPeer are wall times. */
export class PeerTable {
  readonly #clock: Clock;
  readonly #random: () => number;
  /** By interface name and instance. */
  readonly #entries = new Map<string, Entry>();
  readonly #perSource = new Map<string, number>();

  /** @param random a number from 0 to below 1 */
  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Takes an announcement in. */
  hear(heard: HeardPeer): Heard {
    const key = keyOf(heard.interfaceName, heard.instance);
    const before = this.#entries.get(key);
    if (before === undefined && !this.#makeRoom(heard)) return 'full';
    if (before !== undefined) this.#remove(key, before);
    const nowMs = this.#clock.monotonicMs();
    const samePeer = before?.peerId === heard.peerId ? before : undefined;
    const isSame = samePeer !== undefined && sameSet(samePeer.addresses, heard.addresses);
    this.#entries.set(key, {
      ...heard,
      addresses: heard.addresses.slice(0, DISCOVERED_ADDRESSES_PER_PEER_MAX),
      firstSeenMs: samePeer?.firstSeenMs ?? this.#clock.now(),
      sinceMs: samePeer?.sinceMs ?? nowMs,
      heardAtMs: nowMs,
      ttlMs: Math.min(Math.max(heard.ttlSeconds, 1) * 1000, DISCOVERY_TTL_MS),
      jitter: this.#random() * REFRESH_JITTER,
      refreshes: 0,
    });
    this.#perSource.set(heard.source, (this.#perSource.get(heard.source) ?? 0) + 1);
    return isSame ? 'same' : 'news';
  }

  /** An instance said goodbye. Returns its peer when nothing else tells of it on that interface. */
  leave(interfaceName: string, instance: string): FoundPeer | undefined {
    const key = keyOf(interfaceName, instance);
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : this.#removeAndTell(key, entry);
  }

  /** Forgets what has run out, and returns the peers of which nothing is left. */
  expire(): FoundPeer[] {
    const nowMs = this.#clock.monotonicMs();
    return this.#removeWhere((entry) => entry.heardAtMs + entry.ttlMs <= nowMs);
  }

  /** Forgets all that was heard on an interface. */
  leaveInterface(interfaceName: string): FoundPeer[] {
    return this.#removeWhere((entry) => entry.interfaceName === interfaceName);
  }

  /** One item for each peer and interface. */
  peers(): FoundPeer[] {
    const groups = Map.groupBy(this.#entries.values(), (entry) => keyOf(entry.interfaceName, entry.peerId));
    return [...groups.values()].map((entries) => this.#merge(entries));
  }

  /** The peer as the interface tells it, or undefined. */
  peer(interfaceName: string, peerId: PeerIdText): FoundPeer | undefined {
    const entries = this.#entriesOf(interfaceName, peerId);
    return entries.length === 0 ? undefined : this.#merge(entries);
  }

  /** Instances on an interface that hold for more than half their time: what need not be answered. */
  known(interfaceName: string): KnownInstance[] {
    const nowMs = this.#clock.monotonicMs();
    const known: KnownInstance[] = [];
    for (const entry of this.#entries.values()) {
      const remainingMs = entry.heardAtMs + entry.ttlMs - nowMs;
      if (entry.interfaceName === interfaceName && remainingMs > DISCOVERY_TTL_MS / 2) {
        known.push({ instance: entry.instance, remainingMs });
      }
    }
    return known;
  }

  /** Monotonic time since when an instance is known on an interface; Infinity when it is not. */
  sinceMs(interfaceName: string, instance: string): number {
    return this.#entries.get(keyOf(interfaceName, instance))?.sinceMs ?? Number.POSITIVE_INFINITY;
  }

  countOn(interfaceName: string): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (entry.interfaceName === interfaceName) count += 1;
    return count;
  }

  /** Monotonic time at which something on that interface is to be asked for again; Infinity when there is nothing. */
  refreshAtMs(interfaceName: string): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) {
      if (entry.interfaceName === interfaceName) earliestMs = Math.min(earliestMs, refreshOf(entry));
    }
    return earliestMs;
  }

  /** A question went out on that interface. */
  refreshed(interfaceName: string): void {
    const nowMs = this.#clock.monotonicMs();
    for (const entry of this.#entries.values()) {
      if (entry.interfaceName !== interfaceName) continue;
      while (refreshOf(entry) <= nowMs) entry.refreshes += 1;
    }
  }

  /** Monotonic time at which the first entry runs out. */
  expiresAtMs(): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) earliestMs = Math.min(earliestMs, entry.heardAtMs + entry.ttlMs);
    return earliestMs;
  }

  #makeRoom(heard: HeardPeer): boolean {
    const siblings = this.#entriesOf(heard.interfaceName, heard.peerId);
    const own = siblings.filter((entry) => entry.source === heard.source);
    if (own.length >= INSTANCES_PER_SENDER_MAX) {
      // A machine that was restarted replaces what it said before, and nobody else's words.
      const oldest = own.reduce((a, b) => (a.heardAtMs <= b.heardAtMs ? a : b));
      this.#remove(keyOf(oldest.interfaceName, oldest.instance), oldest);
    } else if (siblings.length >= DISCOVERED_INSTANCES_PER_PEER_MAX) {
      return false;
    }
    if ((this.#perSource.get(heard.source) ?? 0) >= DISCOVERED_PEERS_PER_SOURCE_MAX) return false;
    return this.#entries.size < DISCOVERED_PEERS_MAX;
  }

  #entriesOf(interfaceName: string, peerId: PeerIdText): Entry[] {
    const found: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.peerId === peerId && entry.interfaceName === interfaceName) found.push(entry);
    }
    return found;
  }

  #removeWhere(matches: (entry: Entry) => boolean): FoundPeer[] {
    const gone: FoundPeer[] = [];
    for (const [key, entry] of this.#entries) {
      const peer = matches(entry) ? this.#removeAndTell(key, entry) : undefined;
      if (peer !== undefined) gone.push(peer);
    }
    return gone;
  }

  #removeAndTell(key: string, entry: Entry): FoundPeer | undefined {
    this.#remove(key, entry);
    return this.#entriesOf(entry.interfaceName, entry.peerId).length > 0 ? undefined : this.#merge([entry]);
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    const left = (this.#perSource.get(entry.source) ?? 1) - 1;
    if (left > 0) this.#perSource.set(entry.source, left);
    else this.#perSource.delete(entry.source);
  }

  #merge(entries: readonly Entry[]): FoundPeer {
    const latestFirst = entries.toSorted((a, b) => b.heardAtMs - a.heardAtMs);
    const latest = latestFirst[0]!;
    const addresses = new Set(latestFirst.flatMap((entry) => entry.addresses));
    const expiresAtMs = Math.max(...entries.map((entry) => entry.heardAtMs + entry.ttlMs));
    return {
      peerId: latest.peerId,
      addresses: [...addresses].slice(0, DISCOVERED_ADDRESSES_PER_PEER_MAX),
      interfaceName: latest.interfaceName,
      firstSeenMs: Math.min(...entries.map((entry) => entry.firstSeenMs)),
      expiresAtMs: this.#clock.now() + (expiresAtMs - this.#clock.monotonicMs()),
    };
  }
}

function keyOf(interfaceName: string, rest: string): string {
  return `${interfaceName}\n${rest}`;
}

function refreshOf(entry: Entry): number {
  const part = REFRESH_AT[entry.refreshes];
  return part === undefined ? Number.POSITIVE_INFINITY : entry.heardAtMs + entry.ttlMs * (part + entry.jitter);
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}
