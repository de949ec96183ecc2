import type { Connection } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { bytesOfHex, hexOf } from '../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import { type AssociationId, type PeerIdText, peerIdText } from '../../common/ids.ts';
import { CREDENTIAL_RECORDS_MAX, STRANGER_CONNECTION_MS } from '../../common/limits.ts';
import { type HelloHost, sayHello } from '../../protocols/hello/hello.ts';
import { type HelloAnswer, type HelloRequest, WIRE_VERSION } from '../../protocols/hello/messages.ts';
import { askOver } from '../../protocols/records/client.ts';
import { errorOfFault } from '../../protocols/wire/fault.ts';
import {
  admitAndStore,
  type BodyOrMaker,
  type Roster,
  type SignedEvent,
  type StoredRecord,
} from '../../state/records/index.ts';
import type { MdnsDiscovery } from '../discovery/index.ts';
import type { FleetView } from '../fleet-view.ts';
import type { Log } from '../log.ts';
import { type Refusal, Refusals } from '../refusals.ts';
import { type KnownPeer, knownPeers } from './address-book.ts';
import { Dialling } from './dialling.ts';
import type { Fleet } from './fleet.ts';
import { Joining, type JoiningFleet } from './joining.ts';
import { nameOf } from './machines.ts';
import { Spreading } from './spreading.ts';
import { oneTooMany } from './strangers.ts';

/** What of libp2p the membership needs. */
export type MembershipLink = Pick<Libp2p, 'dial' | 'getConnections' | 'addEventListener'>;

/** What of this machine's fleet it needs. */
export type FleetAtHome = Pick<Fleet, 'log' | 'memberBody'> &
  JoiningFleet & { readonly identity: { readonly peerId: PeerIdText } };

export interface MembershipOptions {
  readonly fleet: FleetAtHome;
  readonly link: MembershipLink;
  readonly discovery: Pick<MdnsDiscovery, 'peers' | 'hurry' | 'onPeer'>;
  /** Multiaddrs given by hand, with or without a peer id. */
  readonly seeds: readonly string[];
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** What this machine says of itself now. */
  readonly about: () => { name?: string; point: boolean; addresses: string[] };
}

const TICK_MS = 2_000;
const CONNECT_WAIT_MS = 5_000;
const JOIN_WAIT_MS = 10_000;
const REFRESH_WAIT_MS = 3_000;

/**
 * Who is a member, who is connected, and that all have the same records. Default deny: a connection is a stranger's
 * until both sides have shown their place in the fleet by `hello`.
 */
export class Membership implements FleetView, HelloHost {
  readonly self: PeerIdText;
  /** To be told what connected members send and ask. */
  readonly spreading: Spreading;
  readonly #options: MembershipOptions;
  readonly #fleet: FleetAtHome;
  readonly #link: MembershipLink;
  readonly #log: Log;
  readonly #joining: Joining;
  readonly #dialling: Dialling;
  readonly #refusals: Refusals;
  readonly #greeted = new Set<PeerIdText>();
  readonly #greetings = new WeakMap<Connection, Promise<boolean>>();
  readonly #stop = new AbortController();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #ticking = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#fleet = options.fleet;
    this.#link = options.link;
    this.#log = options.log;
    this.#joining = new Joining(options.fleet, options.clock, options.log);
    this.self = options.fleet.identity.peerId;
    this.#refusals = new Refusals(options.clock);
    this.#dialling = new Dialling({
      self: this.self,
      link: options.link,
      discovery: options.discovery,
      roster: () => this.roster(),
      greeted: this.#greeted,
      isMember: (peerId) => this.isMember(peerId),
      greet: (connection) => this.#greet(connection),
      seeds: () => [...options.seeds, ...(this.#isActive() ? [] : this.#joining.seeds)],
      clock: options.clock,
      random: options.random,
      log: options.log,
      signal: this.#stop.signal,
    });
    this.spreading = new Spreading({
      store: options.fleet.log,
      peers: () => this.#greeted,
      ask: (peer) => {
        const connection = this.#openConnection(peer);
        return connection && askOver(connection, this.#stop.signal);
      },
      clock: options.clock,
      random: options.random,
      log: options.log,
      signal: this.#stop.signal,
      refused: (peer, reason) => this.#noteRefusal(peer, reason),
      silent: (peer) => this.#closeSilent(peer),
    });
  }

  async start(): Promise<void> {
    this.#link.addEventListener('connection:open', (event) => this.#onOpen(event.detail));
    this.#link.addEventListener('peer:disconnect', (event) => {
      const peerId = event.detail.toString() as PeerIdText;
      if (this.#greeted.delete(peerId)) this.#dialling.ended(peerId);
    });
    this.#fleet.log.onAdded((hashes, from) => this.spreading.added(hashes, from));
    this.#options.discovery.onPeer(({ peerId }) => {
      this.#dialling.heardAnew(peerId);
      void this.#tick();
    });
    const timer = setInterval(() => void this.#tick(), TICK_MS);
    this.#timers.add(timer);
    await this.#tick();
  }

  stop(): void {
    this.#stop.abort(new ResettleError('interrupted', 'the agent ends'));
    this.spreading.stop();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  roster(): Roster {
    return this.#fleet.log.roster();
  }

  isMember(peerId: string): boolean {
    return this.roster().members.get(peerId as PeerIdText)?.status === 'active' && this.#isActive();
  }

  isConnected(peerId: PeerIdText): boolean {
    return this.#greeted.has(peerId);
  }

  known(): Map<PeerIdText, KnownPeer> {
    return knownPeers(this.#options.discovery.peers(), this.roster(), this.self);
  }

  append(body: BodyOrMaker): Promise<StoredRecord> {
    return this.#fleet.log.append(body);
  }

  events(id: AssociationId): readonly SignedEvent[] {
    return this.#fleet.log.events(id);
  }

  onChange(listener: () => void): () => void {
    return this.#fleet.log.onChange(listener);
  }

  envelopeOf(id: string): Uint8Array | undefined {
    return this.#fleet.log.envelopeOf(id as StoredRecord['hash']);
  }

  async connectTo(peerId: PeerIdText, signal: AbortSignal): Promise<Connection> {
    const name = nameOf(this.roster(), peerId);
    const deadline = AbortSignal.timeout(CONNECT_WAIT_MS);
    let problem = 'it has not been seen on the network';
    for (;;) {
      signal.throwIfAborted();
      const open = this.#openConnection(peerId);
      if (open) {
        this.#dialling.used(open);
        return open;
      }
      try {
        if (await this.#dialling.dialMember(peerId)) {
          const connection = this.#openConnection(peerId);
          if (connection) return connection;
          problem = 'it does not take this machine for a member';
        }
      } catch (error) {
        problem = messageOf(error).split('\n')[0] ?? '';
      }
      if (deadline.aborted) {
        throw new ResettleError('failed', `${name} cannot be reached: ${problem}`, {
          hint: 'check that its agent runs and that both machines are on one network; --peer gives an address by hand',
        });
      }
      this.#options.discovery.hurry(CONNECT_WAIT_MS);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  #openConnection(peerId: PeerIdText): Connection | undefined {
    if (!this.#greeted.has(peerId) || !this.isMember(peerId)) return undefined;
    const all = this.#link.getConnections();
    return all.find((one) => one.remotePeer.toString() === peerId && one.status === 'open');
  }

  async refresh(signal: AbortSignal): Promise<void> {
    this.#options.discovery.hurry(CONNECT_WAIT_MS);
    await this.#tick();
    signal.throwIfAborted();
    // A machine that was put to sleep stays connected for a while: nobody waits long for its answer.
    const enough = new Promise((resolve) => setTimeout(resolve, REFRESH_WAIT_MS).unref());
    await Promise.race([this.#dialling.running(), enough]);
    await Promise.race([this.spreading.withAll(), enough]);
  }

  /** Why records that others brought were not taken: for `status`, the oldest first, bounded. */
  refusals(): readonly Refusal[] {
    return this.#refusals.list();
  }

  #noteRefusal(peer: string, reason: string): void {
    this.#log.debug({ peer, reason }, 'a record was refused');
    this.#refusals.note(new ResettleError('refused', `a record: ${reason}`), peer);
  }

  /** A machine that was switched off leaves a connection behind that nobody ends. */
  #closeSilent(peerId: PeerIdText): void {
    for (const connection of this.#link.getConnections()) {
      if (connection.remotePeer.toString() === peerId) connection.abort(new Error('no answer'));
    }
  }

  /** Uses the staged invite now. Returns whether this machine was admitted; throws `bad-invite` when it was refused. */
  async join(signal: AbortSignal): Promise<boolean> {
    this.#joining.begin();
    const deadline = AbortSignal.timeout(JOIN_WAIT_MS);
    this.#options.discovery.hurry(JOIN_WAIT_MS);
    for (const connection of this.#link.getConnections()) await connection.close().catch(() => {});
    while (!deadline.aborted && !signal.aborted) {
      await this.#tick();
      if (this.#isActive()) return true;
      const { refusal } = this.#joining;
      if (refusal?.certain) throw this.#joining.giveUp(refusal);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const { refusal } = this.#joining;
    if (refusal && !signal.aborted) throw this.#joining.giveUp(refusal);
    return false;
  }

  /** Why this machine's invite came to nothing, if it did. */
  get joinRefusal(): ResettleError | undefined {
    return this.#joining.refusal?.error;
  }

  #isActive(): boolean {
    return this.roster().members.get(this.self)?.status === 'active';
  }

  // --- greeting ---

  async onHello(request: HelloRequest, remotePeer: string): Promise<Partial<HelloAnswer>> {
    const remote = peerIdText(remotePeer);
    const { fleetId } = this.roster();
    const told = { version: WIRE_VERSION, fleet: fleetId ? bytesOfHex(fleetId) : new Uint8Array(0) };
    if (request.version !== WIRE_VERSION) {
      throw new ResettleError('usage', `this machine speaks version ${WIRE_VERSION}, not ${request.version}`, {
        hint: 'run the same version of resettle on both machines',
      });
    }
    if (!this.#isActive() || !fleetId || hexOf(request.fleet) !== fleetId) return told;
    const { log } = this.#fleet;
    if (request.join) {
      const { invite, member, signature } = request.join;
      const now = this.#options.clock.now();
      await admitAndStore(log, { invite, member, joinSignature: signature }, { remote, now });
      this.#log.info({ peer: remote, name: nameOf(this.roster(), remote) }, 'admitted');
      this.#greeted.add(remote);
      return { ...told, credential: joined(log.credential(remote), log.credential(this.self)) };
    }
    await this.#takeCredential(request.credential, remote);
    if (!this.isMember(remote)) return told;
    this.#greeted.add(remote);
    return { ...told, credential: log.credential(this.self) };
  }

  async #takeCredential(envelopes: readonly Uint8Array[], remote: PeerIdText): Promise<void> {
    const { refused } = await this.#fleet.log.insert(envelopes, remote);
    for (const { reason, kind } of refused) if (kind === 'never') this.#noteRefusal(remote, reason);
  }

  #onOpen(connection: Connection): void {
    if (connection.direction === 'outbound') {
      this.#greet(connection).catch((error: unknown) => {
        this.#log.debug({ err: error, peer: connection.remotePeer.toString() }, 'greeting failed');
      });
      return;
    }
    // A member that has not greeted yet has proved its key all the same: no stranger keeps it out.
    const isStranger = (one: Connection): boolean =>
      one.direction === 'inbound' &&
      !this.#greeted.has(one.remotePeer.toString() as PeerIdText) &&
      !this.isMember(one.remotePeer.toString());
    const tooMany = oneTooMany(this.#link.getConnections().filter(isStranger));
    tooMany?.abort(new Error('too many strangers'));
    if (tooMany === connection) return;
    this.#closeIfStranger(connection);
  }

  /** Gives the other side time to show its place: it may be joining over this very connection. */
  #closeIfStranger(connection: Connection): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#greeted.has(connection.remotePeer.toString() as PeerIdText)) void connection.close().catch(() => {});
    }, STRANGER_CONNECTION_MS);
    timer.unref();
    this.#timers.add(timer);
  }

  /**
   * Says hello on a connection, whoever opened it. True when both sides take each other for members. That is asked once;
   * a refusal is not remembered, since either side may become a member while the connection stands.
   */
  #greet(connection: Connection): Promise<boolean> {
    const known = this.#greetings.get(connection);
    if (known) return known;
    const greeting = this.#sayHello(connection).then((member) => {
      const remote = peerIdText(connection.remotePeer.toString());
      if (member) {
        this.#greeted.add(remote);
        void this.spreading.with(remote);
      } else {
        this.#closeIfStranger(connection);
      }
      return member;
    });
    this.#greetings.set(connection, greeting);
    const forget = () => this.#greetings.delete(connection);
    greeting.then((member) => member || forget(), forget);
    return greeting;
  }

  /** True when both sides take each other for members afterwards. */
  async #sayHello(connection: Connection): Promise<boolean> {
    const remote = peerIdText(connection.remotePeer.toString());
    const { log } = this.#fleet;
    if (this.#isActive()) {
      const fleet = bytesOfHex(this.roster().fleetId!);
      const credential = log.credential(this.self);
      const answer = await sayHello(connection, { version: WIRE_VERSION, fleet, credential }, this.#stop.signal);
      if (answer.fault) throw errorOfFault(answer.fault, remote);
      if (answer.credential.length === 0) return false;
      await this.#takeCredential(answer.credential, remote);
      return this.isMember(remote);
    }
    const body = this.#fleet.memberBody(this.#options.about());
    const admitted = await this.#joining.ask(connection, body, this.#stop.signal);
    return admitted && this.isMember(remote);
  }

  // --- connections ---

  async #tick(): Promise<void> {
    if (this.#ticking || this.#stop.signal.aborted) return;
    this.#ticking = true;
    try {
      await this.updateOwnRecord();
      if (this.#isActive() || (await this.#joining.pending())) this.#dialling.tick();
      this.spreading.tick();
    } catch (error) {
      this.#log.warn({ err: error }, 'keeping connections failed');
    } finally {
      this.#ticking = false;
    }
  }

  /** Signs anew what this machine says of itself, if that has changed. */
  async updateOwnRecord(): Promise<void> {
    const own = this.roster().members.get(this.self);
    if (own?.status !== 'active') return;
    const body = this.#fleet.memberBody(this.#options.about());
    const same =
      body.name === own.name &&
      body.point === own.point &&
      body.machine === own.machine &&
      body.addresses.join() === own.addresses.join();
    if (!same) await this.#fleet.log.append(body);
  }
}

function joined(a: readonly Uint8Array[], b: readonly Uint8Array[]): Uint8Array[] {
  const unique = new Map([...a, ...b].map((envelope) => [hexOf(envelope), envelope]));
  return [...unique.values()].slice(0, CREDENTIAL_RECORDS_MAX);
}
