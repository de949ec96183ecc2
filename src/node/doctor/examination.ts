import type { Connection } from '@libp2p/interface';
import { bytesOfHex, hexOf } from '../../common/bytes.ts';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { DISCOVERY_TTL_MS, DOCTOR_PEERS_AT_ONCE, DOCTOR_PEERS_MAX, PING_IDLE_TIMEOUT_MS } from '../../common/limits.ts';
import { askHowSeen } from '../../protocols/doctor/doctor.ts';
import { sayHello } from '../../protocols/hello/hello.ts';
import { WIRE_VERSION } from '../../protocols/hello/messages.ts';
import { errorOfFault } from '../../protocols/wire/fault.ts';
import type { MdnsDiscovery } from '../discovery/index.ts';
import type { Link } from '../link/libp2p-node.ts';
import { answers } from '../link/stale-connections.ts';
import type { Fleet } from '../membership/fleet.ts';
import type { Membership } from '../membership/membership.ts';
import { addressesOf, withoutPeer } from './addresses.ts';
import { checkClock, checkDuplicates, checkFleet, checkListening, checkMulticast } from './agent-checks.ts';
import { type Finding, fault, ok, unknown, warning } from './finding.ts';
import { checkFirewall } from './firewall.ts';
import { checkInterfaces, checkLeftOut, checkRoutes, checkSubnets, type InterfaceFacts } from './interface-checks.ts';
import type { Patient } from './patient.ts';
import {
  type AddressProbe,
  checkAddresses,
  checkOtherSide,
  checkPeer,
  type HelloFacts,
  type OwnFacts,
  type PeerFacts,
} from './peer-checks.ts';
import { DIAL_OUTCOMES, type DialOutcome, networkProber, type Prober } from './probe.ts';
import { probeAll } from './probe-all.ts';
import { system as realSystem, type SystemFacts } from './system.ts';

/** Others that were heard within this count as heard now. */
const HEARD_LATELY_MS = 5 * 60_000;

export interface DoctorOptions {
  readonly membership: Membership;
  readonly discovery: MdnsDiscovery;
  readonly link: Link;
  readonly fleet: Fleet;
  /** As the agent was started. */
  readonly interfaces: readonly string[];
  readonly listen: readonly string[];
  readonly peers: readonly string[];
  /** Multiaddrs without `/p2p` at which the agent listens. */
  readonly listening: () => readonly string[];
  readonly defaultPort: number;
  readonly clock: Clock;
  readonly system?: SystemFacts;
  readonly probe?: Prober;
}

export type Tell = (finding: Finding) => void;

/** One run: what was observed so far, and the parts of it. */
export class Examination {
  readonly #options: DoctorOptions;
  readonly #tell: Tell;
  readonly #signal: AbortSignal;
  readonly #system: SystemFacts;
  readonly #probe: Prober;
  readonly #facts: InterfaceFacts;
  readonly #routes: readonly string[] | undefined;
  #somebodyMissing = false;

  constructor(options: DoctorOptions, tell: Tell, signal: AbortSignal) {
    this.#options = options;
    this.#tell = tell;
    this.#signal = signal;
    this.#system = options.system ?? realSystem;
    this.#probe = options.probe ?? networkProber(options.link);
    this.#facts = { links: this.#system.links(), named: options.interfaces };
    this.#routes = this.#system.defaultRoutes();
  }

  /** This machine's interfaces, and its agent. */
  self(): void {
    const { membership, listening, defaultPort, listen } = this.#options;
    const { links } = this.#facts;
    const roster = membership.roster();
    this.#all(checkInterfaces(this.#facts));
    this.#all(checkLeftOut(this.#facts));
    this.#all(checkSubnets(this.#facts));
    this.#all(checkListening({ addresses: listening(), defaultPort, isByHand: listen.length > 0, links }));
    const status = roster.members.get(membership.self)?.status;
    this.#all(checkFleet({ fleetName: roster.fleet?.name, status, joining: membership.joinRefusal?.message }));
  }

  /** @param askedAgoMs this long ago everybody was asked */
  multicast(askedAgoMs: number): void {
    const { discovery, membership } = this.#options;
    const members = [...membership.roster().members.values()].filter(({ status }) => status === 'active');
    this.#all(checkMulticast({ reports: discovery.report(), askedAgoMs, expectsOthers: members.length > 1 }));
    this.#all(checkDuplicates(discovery.duplicates()));
  }

  /** One machine that was asked for: each of its addresses, and how it sees this one. */
  async patient(patient: Patient): Promise<void> {
    const facts = await this.#look(patient, true);
    this.#all(checkAddresses(facts, this.#own()));
    this.#all(checkPeer(facts, this.#own()));
    if (facts.hello?.takesUs || facts.connectedAt !== undefined) await this.#otherSide(patient);
  }

  /** All that are known: those that are connected count as seen, the others are looked for. */
  async everybody(peerIds: readonly PeerIdText[]): Promise<void> {
    const { membership } = this.#options;
    const missingFirst = peerIds.toSorted(
      (a, b) => Number(membership.isConnected(a)) - Number(membership.isConnected(b)),
    );
    const looked = missingFirst.slice(0, DOCTOR_PEERS_MAX);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let peerId = looked[next++]; peerId !== undefined; peerId = looked[next++]) {
        const name = membership.roster().members.get(peerId)?.name ?? peerId;
        this.#all(checkPeer(await this.#look({ peerId, name }, false), this.#own()));
      }
    };
    await Promise.all(Array.from({ length: DOCTOR_PEERS_AT_ONCE }, work));
    const left = missingFirst.length - looked.length;
    if (left > 0) {
      this.#tell(unknown('peer', `${left} others`, 'were not looked at', 'name one with --peer'));
    }
    await this.#seeds();
  }

  /** What needs to know whether somebody is missing, and what takes the system's tools long. */
  async network(): Promise<void> {
    const { listening, defaultPort } = this.#options;
    this.#all(checkRoutes(this.#facts, this.#routes, this.#somebodyMissing));
    const port = Number(/\/tcp\/(\d+)/.exec(listening()[0] ?? '')?.[1] ?? defaultPort);
    this.#all(checkFirewall(await this.#system.firewall(), port));
  }

  #all(findings: readonly Finding[]): void {
    this.#signal.throwIfAborted();
    for (const finding of findings) this.#tell(finding);
  }

  #own(): OwnFacts {
    const reports = this.#options.discovery.report();
    const lately = reports.filter(({ othersHeardAgoMs }) => (othersHeardAgoMs ?? HEARD_LATELY_MS) < HEARD_LATELY_MS);
    return {
      links: this.#facts.links,
      isInFleet: this.#options.membership.roster().fleetId !== undefined,
      hasDefaultRoute: this.#routes === undefined || this.#routes.length > 0,
      othersHeardOn: lately.map(({ name }) => name),
    };
  }

  async #look({ peerId, name }: Patient, isAskedFor: boolean): Promise<PeerFacts> {
    const { membership, discovery } = this.#options;
    const status = membership.roster().members.get(peerId)?.status;
    const nowMs = this.#options.clock.now();
    const heard = discovery
      .peers()
      .filter((peer) => peer.peerId === peerId)
      .map(({ interfaceName, expiresAtMs }) => ({ interfaceName, agoMs: DISCOVERY_TTL_MS - (expiresAtMs - nowMs) }));
    const connections = await this.#living(peerId);
    const isConnected = connections.length > 0 && membership.isConnected(peerId) && status === 'active';
    const connectedAt = isConnected ? withoutPeer(connections[0]!.remoteAddr.toString()) : undefined;
    let hello: HelloFacts | undefined;
    const use = async (connection: Connection): Promise<void> => {
      hello ??= await this.#hello(connection, name);
      // What the agent itself has need of it keeps; this one was made to look.
      if (connections.length > 0 || status !== 'active') await connection.close().catch(() => {});
      else connections.push(connection);
    };
    const known = isConnected && !isAskedFor ? [] : this.#addresses(peerId);
    const probes: AddressProbe[] = await probeAll(known, peerId, this.#probe, this.#signal, use);
    if (connectedAt === undefined && !probes.some(({ outcome }) => outcome === 'answers')) this.#somebodyMissing = true;
    return { name, status, connectedAt, heard, probes, hello, isAskedFor };
  }

  /** The connections to a peer that carry something. One that does not is closed: it stands in the way of a new one. */
  async #living(peerId: string): Promise<Connection[]> {
    const all = this.#options.link.getConnections().filter(({ remotePeer }) => remotePeer.toString() === peerId);
    const living: Connection[] = [];
    for (const connection of all) {
      if (await answers(connection, PING_IDLE_TIMEOUT_MS)) living.push(connection);
      else if (connection.streams.length <= 1) connection.abort(new Error('no answer'));
    }
    return living;
  }

  #addresses(peerId: string): Pick<AddressProbe, 'address' | 'knownBy'>[] {
    const { membership, discovery, link, peers } = this.#options;
    const dialled = link
      .getConnections()
      .filter(({ direction }) => direction === 'outbound')
      .map(({ remotePeer, remoteAddr }) => ({ peerId: remotePeer.toString(), address: remoteAddr.toString() }));
    const sources = { heard: discovery.peers(), roster: membership.roster(), seeds: peers, dialled };
    return addressesOf(peerId, { ...sources, links: this.#facts.links });
  }

  /** Says hello as a member does, and looks at the answer. Undefined when there is none. */
  async #hello(connection: Connection, name: string): Promise<HelloFacts | undefined> {
    const { membership, fleet } = this.#options;
    const { fleetId, members } = membership.roster();
    const isActive = members.get(membership.self)?.status === 'active';
    try {
      const request = {
        version: WIRE_VERSION,
        fleet: fleetId === undefined ? new Uint8Array(0) : bytesOfHex(fleetId),
        credential: isActive ? fleet.log.credential(membership.self) : [],
      };
      const answer = await sayHello(connection, request, this.#signal);
      const theirs = answer.fleet.length === 0 ? 'none' : hexOf(answer.fleet) === fleetId ? 'same' : 'other';
      const refusal = answer.fault
        ? { isVersion: answer.fault.code === 'usage', message: errorOfFault(answer.fault, name).message }
        : undefined;
      return { fleet: theirs, takesUs: answer.credential.length > 0, ...(refusal === undefined ? {} : { refusal }) };
    } catch {
      this.#signal.throwIfAborted();
      return undefined; // The check says that it takes connections and does not answer.
    }
  }

  async #otherSide({ peerId, name }: Patient): Promise<void> {
    const { membership, clock } = this.#options;
    try {
      const connection = await membership.connectTo(peerId, this.#signal);
      const { hears, dials, nowMs } = await askHowSeen(connection, { version: WIRE_VERSION }, this.#signal);
      const read = dials.map(({ address, outcome, tookMs }) => ({
        address: clean(address),
        outcome: outcomeOf(outcome),
        tookMs,
      }));
      const at = withoutPeer(connection.remoteAddr.toString());
      this.#all(checkOtherSide(name, { hears, at, dials: read }, this.#own()));
      this.#tell(checkClock(name, nowMs - clock.now()));
    } catch (error) {
      this.#signal.throwIfAborted();
      const message = `does not say how it sees this machine: ${messageOf(error).split('\n')[0]}`;
      this.#tell(unknown('other-side', name, message, 'run "resettle doctor --peer" there'));
    }
  }

  /** Addresses that were given with `--peer`, other than those of peers that were looked at. */
  async #seeds(): Promise<void> {
    const { peers, link } = this.#options;
    const connected = new Set(link.getConnections().map(({ remoteAddr }) => withoutPeer(remoteAddr.toString())));
    for (const seed of new Set(peers)) {
      if (connected.has(withoutPeer(seed))) {
        this.#tell(ok('seed', seed, 'is connected'));
        continue;
      }
      const expected = /\/p2p\/(\w+)$/.exec(seed)?.[1];
      const { outcome, tookMs, connection } = await this.#probe(seed, expected, this.#signal);
      await connection?.close().catch(() => {});
      if (outcome === 'answers') this.#tell(ok('seed', seed, `answers after ${tookMs} ms`));
      else if (outcome === 'itself')
        this.#tell(warning('seed', seed, 'is this machine itself', 'give --peer the address of another one'));
      else
        this.#tell(
          fault(
            'seed',
            seed,
            `was given with --peer and does not answer as it should: ${outcome}`,
            'see whether it is the right address, and whether an agent runs there',
          ),
        );
    }
  }
}

/** What a peer says is taken for words of ours, or not at all. */
function outcomeOf(text: string): DialOutcome {
  return DIAL_OUTCOMES.find((outcome) => outcome === text) ?? 'unreachable';
}

function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
}
