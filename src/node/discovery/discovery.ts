import { networkInterfaces } from 'node:os';
import { messageOf } from '../../common/errors.ts';
import { DISCOVERY_TTL_MS } from '../../common/limits.ts';
import { chooseInterfaces, isOnLink, isReachableOn, withoutZone } from './interfaces.ts';
import { Link, type LinkHost } from './link.ts';
import {
  type HeardInstance,
  type HeardPacket,
  type HeardQuestion,
  instanceName,
  readQuestion,
  readResponse,
  readTcpAddress,
  SERVICE_TAG,
} from './packets.ts';
import { PeerTable } from './peer-table.ts';
import { openMulticastSocket } from './socket.ts';
import type {
  DiscoveryOptions,
  DuplicateIdentity,
  FoundPeer,
  InterfaceInUse,
  InterfaceReport,
  SeenDuplicate,
  Timers,
} from './types.ts';

/** How often the system's interfaces and our own addresses are looked at. */
const LOOK_EVERY_MS = 2000;
/** The same while somebody waits, and after the start, when cables and radios come up one by one. */
const LOOK_OFTEN_MS = 500;
const LOOK_OFTEN_AFTER_START_MS = 10_000;
/** A duplicate identity, or a flood of peers, is told of no more often than this. */
const WARNING_GAP_MS = 60_000;
const MDNS_PORT = 5353;
/** Duplicates that are remembered for `doctor`: the addresses that tell of them are few, or somebody is lying. */
const DUPLICATES_MAX = 8;

const systemTimers: Timers = {
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Finds peers by multicast DNS, with one socket for each interface. What it finds are hints. */
export class MdnsDiscovery {
  readonly #options: DiscoveryOptions;
  readonly #timers: Timers;
  readonly #table: PeerTable;
  readonly #links = new Map<string, Link>();
  readonly #onPeer = new Set<(peer: FoundPeer) => void>();
  readonly #onGone = new Set<(peer: FoundPeer) => void>();
  readonly #onDuplicate = new Set<(duplicate: DuplicateIdentity) => void>();
  #host: LinkHost | undefined;
  #missing: string[] = [];
  #lookAtMs = 0;
  #hurryUntilMs = Number.NEGATIVE_INFINITY;
  #lookOftenUntilMs = Number.NEGATIVE_INFINITY;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #cancelWake: (() => void) | undefined;
  /** By the address that the announcement came from. */
  readonly #duplicates = new Map<string, { readonly duplicate: DuplicateIdentity; readonly atMs: number }>();
  #duplicateToldAtMs = Number.NEGATIVE_INFINITY;
  #fullToldAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#table = new PeerTable(options.clock, () => this.#random());
  }

  /** Opens the interfaces' sockets and begins. An interface that fails is tried again later; it never rejects. */
  async start(): Promise<void> {
    if (this.#host !== undefined) return;
    const serviceTag = this.#options.serviceTag ?? SERVICE_TAG;
    this.#host = {
      serviceTag,
      instance: instanceName(this.#options.random, serviceTag),
      peerId: this.#options.peerId,
      clock: this.#options.clock,
      log: this.#options.log,
      openSocket: this.#options.openSocket ?? openMulticastSocket,
      random: () => this.#random(),
      addresses: () => this.#ownAddresses(),
      onPacket: (link, packet, source) => this.#takePacket(link, packet, source),
      onChange: () => this.#arm(),
    };
    this.#lookOftenUntilMs = this.#now() + LOOK_OFTEN_AFTER_START_MS;
    await this.#look();
  }

  /** Says goodbye on every interface and closes the sockets. What was found is forgotten without a word. */
  async stop(): Promise<void> {
    if (this.#host === undefined) return;
    this.#host = undefined;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    const links = [...this.#links.values()];
    this.#links.clear();
    await Promise.all(links.map((link) => link.close({ sayGoodbye: true })));
    for (const link of links) this.#table.leaveInterface(link.local.name);
  }

  /** The peers heard of, one item for each peer and interface. */
  peers(): FoundPeer[] {
    return this.#table.peers();
  }

  /** Calls the listener for each new peer and each change of one. Returns how to end that. */
  onPeer(listener: (peer: FoundPeer) => void): () => void {
    return subscribe(this.#onPeer, listener);
  }

  /** Calls the listener for each peer that said goodbye, ran out, or whose interface went away. */
  onGone(listener: (peer: FoundPeer) => void): () => void {
    return subscribe(this.#onGone, listener);
  }

  /** Calls the listener when somebody else announces our own peer id, at most once a minute. */
  onDuplicate(listener: (duplicate: DuplicateIdentity) => void): () => void {
    return subscribe(this.#onDuplicate, listener);
  }

  /** Asks at once and every few seconds for that long, because somebody waits. */
  hurry(durationMs: number): void {
    const nowMs = this.#now();
    this.#hurryUntilMs = Math.max(this.#hurryUntilMs, nowMs + durationMs);
    this.#lookOftenUntilMs = Math.max(this.#lookOftenUntilMs, this.#hurryUntilMs);
    this.#lookAtMs = Math.min(this.#lookAtMs, nowMs + LOOK_OFTEN_MS);
    for (const link of this.#links.values()) link.schedule.hurry(nowMs, durationMs);
    this.#arm();
  }

  /** The interfaces in use, with the error of each that does not work. */
  interfacesInUse(): InterfaceInUse[] {
    const used = [...this.#links.values()].map(({ local, error }) =>
      error === undefined ? { name: local.name, address: local.address } : { ...namesOf(local), error },
    );
    const missing = this.#missing.map((name) => ({
      name,
      address: '',
      error: 'absent, down, or without an address',
    }));
    return [...used, ...missing];
  }

  /** How discovery fares on each interface in use. */
  report(): InterfaceReport[] {
    return [...this.#links.values()].map((link) => link.report());
  }

  /** Who has announced our own peer id lately, the latest last. */
  duplicates(): SeenDuplicate[] {
    return [...this.#duplicates.values()].map(({ duplicate, atMs }) => ({ ...duplicate, agoMs: this.#now() - atMs }));
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }

  #random(): number {
    return Buffer.from(this.#options.random(4)).readUInt32BE() / 2 ** 32;
  }

  #ownAddresses(): readonly string[] {
    try {
      return this.#options.addresses();
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, 'own addresses cannot be told');
      return [];
    }
  }

  /** Compares the interfaces with those in use; opens, closes, tries again, tells news. */
  async #look(): Promise<void> {
    this.#lookAtMs = this.#now() + (this.#now() < this.#lookOftenUntilMs ? LOOK_OFTEN_MS : LOOK_EVERY_MS);
    const host = this.#host;
    const system = this.#systemInterfaces();
    if (host === undefined || system === undefined) return this.#arm();
    const { usable, missing } = chooseInterfaces(system, this.#options.interfaces);
    this.#missing = missing;
    const wanted = new Map(usable.map((local) => [local.name, local]));
    for (const [name, link] of this.#links) {
      const local = wanted.get(name);
      if (local?.address === link.local.address) {
        link.update(local);
        link.checkNews();
      } else {
        this.#links.delete(name);
        void link.close({ sayGoodbye: false });
        for (const peer of this.#table.leaveInterface(name)) this.#tell(this.#onGone, peer);
      }
    }
    for (const local of usable) {
      if (this.#links.has(local.name)) continue;
      const link = new Link(host, local);
      if (this.#hurryUntilMs > this.#now()) link.schedule.hurry(this.#now(), this.#hurryUntilMs - this.#now());
      this.#links.set(local.name, link);
    }
    const due = [...this.#links.values()].filter((link) => link.isDueToOpen());
    this.#arm();
    await Promise.all(due.map((link) => link.open()));
  }

  #systemInterfaces(): ReturnType<typeof networkInterfaces> | undefined {
    try {
      return (this.#options.networkInterfaces ?? networkInterfaces)();
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, 'the interfaces cannot be listed');
      return undefined;
    }
  }

  /** Sets the one timer to the next thing to be done. */
  #arm(): void {
    if (this.#host === undefined) return;
    let atMs = Math.min(this.#lookAtMs, this.#table.expiresAtMs());
    for (const link of this.#links.values()) {
      link.schedule.refreshAt(this.#table.refreshAtMs(link.local.name));
      if (link.isOpen) atMs = Math.min(atMs, link.schedule.nextAtMs());
    }
    if (this.#cancelWake !== undefined && atMs >= this.#wakeAtMs) return;
    this.#cancelWake?.();
    this.#wakeAtMs = atMs;
    this.#cancelWake = this.#timers.after(Math.max(0, Math.ceil(atMs - this.#now())), () => this.#wake());
  }

  #wake(): void {
    this.#cancelWake = undefined;
    if (this.#now() >= this.#lookAtMs) void this.#look();
    for (const peer of this.#table.expire()) this.#tell(this.#onGone, peer);
    for (const link of this.#links.values()) if (link.isOpen) this.#act(link);
    this.#arm();
  }

  #act(link: Link): void {
    const { name } = link.local;
    const { ask, speak } = link.schedule.due(this.#now());
    if (ask) {
      void link.ask(this.#table.known(name));
      this.#table.refreshed(name);
    }
    if (speak) void link.speak();
  }

  #takePacket(link: Link, packet: HeardPacket, source: { readonly address: string; readonly port: number }): void {
    const { local } = link;
    const host = this.#host;
    // A socket may hear what came in by another interface; whoever asks from another port is no neighbour of ours.
    if (host === undefined || source.port !== MDNS_PORT || !isOnLink(local, source.address)) return;
    link.heard(this.#isOwnAddress(source.address) ? 'own' : 'other');
    try {
      const asked = readQuestion(packet, host.serviceTag);
      const heard = readResponse(packet, host.serviceTag, (ip) => isReachableOn(local, ip));
      if (asked !== undefined) this.#takeQuestion(link, asked, host.instance);
      for (const one of heard) if (one.instance !== host.instance) this.#takeInstance(link, one, source.address);
    } catch (error) {
      this.#options.log.warn({ interface: local.name, error: messageOf(error) }, 'a packet could not be taken');
    }
    this.#arm();
  }

  #isOwnAddress(ip: string): boolean {
    return [...this.#links.values()].some(({ local }) => local.own.has(withoutZone(ip).ip));
  }

  #takeQuestion(link: Link, asked: HeardQuestion, ownInstance: string): void {
    const { name } = link.local;
    const nowMs = this.#now();
    const halfSeconds = DISCOVERY_TTL_MS / 2000;
    if ((asked.known.get(ownInstance) ?? 0) < halfSeconds && link.hasAddress()) {
      const askerSinceMs = asked.asker === undefined ? undefined : this.#table.sinceMs(name, asked.asker);
      link.schedule.questionHeard(nowMs, this.#table.countOn(name), askerSinceMs);
    }
    // An agent names itself in its question, so a newcomer, who is not known here, does not ask in our place.
    if (asked.asker === undefined || asked.asker === ownInstance) return;
    const known = new Set(this.#table.known(name).map((item) => item.instance));
    const isCovered = [...asked.known.keys()].every((instance) => instance === ownInstance || known.has(instance));
    if (isCovered && link.schedule.questionCovered(nowMs)) this.#table.refreshed(name);
  }

  #takeInstance(link: Link, heard: HeardInstance, source: string): void {
    const { name } = link.local;
    if (heard.ttlSeconds === 0) {
      const gone = this.#table.leave(name, heard.instance);
      if (gone !== undefined) this.#tell(this.#onGone, gone);
      return;
    }
    const { peerId, addresses } = heard;
    if (peerId === undefined || addresses.length === 0) return;
    if (peerId === this.#options.peerId) {
      this.#takeOwnId(name, addresses, source);
      return;
    }
    const outcome = this.#table.hear({ ...heard, peerId, interfaceName: name, source });
    const peer = outcome === 'news' ? this.#table.peer(name, peerId) : undefined;
    if (peer !== undefined) this.#tell(this.#onPeer, peer);
    if (outcome === 'full' && this.#now() - this.#fullToldAtMs > WARNING_GAP_MS) {
      this.#fullToldAtMs = this.#now();
      this.#options.log.warn({ interface: name, source }, 'more peers are announced than can be remembered');
    }
  }

  /** Another instance announces our own peer id: at an address of ours it is an echo, elsewhere a duplicate. */
  #takeOwnId(interfaceName: string, addresses: string[], source: string): void {
    const own = new Set(this.#ownAddresses().map((text) => readTcpAddress(text)?.address));
    const foreign = addresses.filter((address) => !own.has(address));
    if (foreign.length === 0) return;
    const duplicate = { peerId: this.#options.peerId, addresses: foreign, source, interfaceName };
    this.#duplicates.delete(source);
    this.#duplicates.set(source, { duplicate, atMs: this.#now() });
    const oldest = this.#duplicates.keys().next().value;
    if (this.#duplicates.size > DUPLICATES_MAX && oldest !== undefined) this.#duplicates.delete(oldest);
    if (this.#now() - this.#duplicateToldAtMs < WARNING_GAP_MS) return;
    this.#duplicateToldAtMs = this.#now();
    this.#options.log.warn(duplicate, 'another machine announces our own peer id');
    this.#tell(this.#onDuplicate, duplicate);
  }

  #tell<T>(listeners: ReadonlySet<(item: T) => void>, item: T): void {
    for (const listener of [...listeners]) {
      try {
        listener(item);
      } catch (error) {
        this.#options.log.warn({ error: messageOf(error) }, 'a listener of discovery threw');
      }
    }
  }
}

function namesOf(local: { readonly name: string; readonly address: string }): { name: string; address: string } {
  return { name: local.name, address: local.address };
}

function subscribe<T>(listeners: Set<(item: T) => void>, listener: (item: T) => void): () => void {
  const own = (item: T): void => listener(item);
  listeners.add(own);
  return () => void listeners.delete(own);
}
