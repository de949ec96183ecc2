/** A fleet in one process: real logs, real membership, real protocols, over a network in memory. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../../src/common/clock.ts';
import type { PeerIdText } from '../../../src/common/ids.ts';
import { Membership } from '../../../src/node/membership/membership.ts';
import { serveHello } from '../../../src/protocols/hello/hello.ts';
import { serveRecords } from '../../../src/protocols/records/server.ts';
import { type Handlers, membersOnly } from '../../../src/protocols/wire/registrar.ts';
import { plainAssociation, RecordLog } from '../../../src/state/records/index.ts';
import { SimulatedLink, SimulatedNetwork } from './network.ts';
import { memberBody, membershipRecords, type Person, type Population, populationOf } from './population.ts';

const random = (count: number): Uint8Array => new Uint8Array(randomBytes(count));
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const INSERTED_AT_ONCE = 256;
/** A file system in memory: hundreds of agents on one disk would wait for it, each on its own does not. */
const MEMORY_DISK = '/dev/shm';

export interface SimulatedAgent {
  readonly person: Person;
  readonly peerId: PeerIdText;
  readonly log: RecordLog;
  readonly link: SimulatedLink;
  readonly membership: Membership;
}

/** How a record went through the fleet. */
export interface Journey {
  /** From its writing until the last of those who were to have it had it. */
  readonly tookMs: number;
  /** The most agents that handed it on, one to another, before one had it. */
  readonly hops: number;
  /** Bytes sent in that time, and streams opened. */
  readonly bytes: number;
  readonly streams: number;
}

export class SimulatedFleet {
  readonly network: SimulatedNetwork;
  readonly agents: SimulatedAgent[] = [];
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #population: Population;

  private constructor(delayMs: number, clock: Clock, population: Population) {
    this.#clock = clock;
    this.#population = population;
    this.network = new SimulatedNetwork({ delayMs });
    this.#folder = mkdtempSync(join(existsSync(MEMORY_DISK) ? MEMORY_DISK : tmpdir(), 'resettle-simulated-'));
  }

  /** All agents know all members; none is connected. The last `late` ones do not know yet that they are members. */
  static async of(count: number, { delayMs = 2, clock = systemClock, late = 0 } = {}): Promise<SimulatedFleet> {
    const population = await populationOf(count);
    const fleet = new SimulatedFleet(delayMs, clock, population);
    const template = join(fleet.#folder, 'template.db');
    const log = await fleet.#open(template, population.members[0]!);
    await fleet.#fill(log);
    log.close();
    for (const [index, person] of population.members.entries()) {
      const path = join(fleet.#folder, `${index}.db`);
      if (index < count - late) copyFileSync(template, path);
      fleet.agents.push(await fleet.#agent(person, await fleet.#open(path, person)));
    }
    return fleet;
  }

  /** A late one learns of the fleet and of all members, itself among them. */
  admit({ log }: SimulatedAgent): Promise<void> {
    return this.#fill(log);
  }

  async #fill(log: RecordLog): Promise<void> {
    log.joinFleet(this.#population.fleetId);
    const envelopes: Uint8Array[] = [];
    for await (const envelope of membershipRecords(this.#population)) envelopes.push(envelope);
    for (let at = 0; at < envelopes.length; at += INSERTED_AT_ONCE) {
      await log.insert(envelopes.slice(at, at + INSERTED_AT_ONCE));
    }
  }

  #open(path: string, { key }: Person): Promise<RecordLog> {
    return RecordLog.open({ path, privateKey: key, clock: this.#clock, random });
  }

  async #agent(person: Person, log: RecordLog): Promise<SimulatedAgent> {
    const { peerId } = person;
    const link = new SimulatedLink(peerId, this.network);
    const index = this.agents.length;
    const body = memberBody(person, `pc-${index}`);
    const unused = (): never => {
      throw new Error('nobody joins here');
    };
    const membership = new Membership({
      fleet: {
        log,
        identity: { peerId },
        memberBody: () => body,
        pendingJoin: async () => undefined,
        dropPendingJoin: unused,
        joinRequest: unused,
        admitted: unused,
      },
      link: link.asLink(),
      discovery: { peers: () => [], hurry: () => {}, onPeer: () => () => {} },
      seeds: [],
      clock: this.#clock,
      random,
      log: quiet,
      about: () => ({ point: false, addresses: [...body.addresses] }),
    });
    const open: Handlers = { handle: (protocol, handler) => link.handle(protocol, handler) };
    await serveHello(open, membership);
    await serveRecords(
      membersOnly(
        open,
        (peer) => membership.isMember(peer),
        () => {},
      ),
      log,
      membership.spreading,
    );
    return { person, peerId, log, link, membership };
  }

  async start(agents: readonly SimulatedAgent[] = this.agents): Promise<void> {
    await Promise.all(agents.map(({ membership }) => membership.start()));
  }

  /** The members with whom each of them is connected. */
  degrees(agents: readonly SimulatedAgent[] = this.agents): number[] {
    return agents.map(({ membership }) => this.agents.filter(({ peerId }) => membership.isConnected(peerId)).length);
  }

  /** In how many parts the agents are, as they are connected. */
  parts(agents: readonly SimulatedAgent[] = this.agents): number {
    const left = new Set(agents);
    let parts = 0;
    for (const first of agents) {
      if (!left.delete(first)) continue;
      parts += 1;
      const found = [first];
      for (let agent = found.pop(); agent; agent = found.pop()) {
        for (const other of left) {
          if (agent.membership.isConnected(other.peerId) && left.delete(other)) found.push(other);
        }
      }
    }
    return parts;
  }

  /** Waits until it is so; throws after the time. */
  async until(what: string, isSo: () => boolean, mostMs = 60_000): Promise<number> {
    const began = performance.now();
    while (!isSo()) {
      if (performance.now() - began > mostMs) throw new Error(`after ${mostMs} ms it is not so: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return performance.now() - began;
  }

  /** One of them signs an association; `to` are those who are to have it. */
  async write(author: SimulatedAgent, to: readonly SimulatedAgent[], mostMs = 60_000): Promise<Journey> {
    const parties = { source: author.peerId, destination: null, mode: 'side-by-side' } as const;
    const nonce = Buffer.from(random(16)).toString('hex');
    const before = { bytes: this.network.bytes, streams: this.network.streams };
    const hops = new Map<string, number>([[author.peerId, 0]]);
    let hash = '';
    const endings = to.map(({ log, peerId }) =>
      log.onAdded((hashes, from) => {
        if (from !== undefined && hashes.includes(hash as never)) hops.set(peerId, (hops.get(from) ?? 0) + 1);
      }),
    );
    const began = performance.now();
    hash = (await author.membership.append(plainAssociation({ ...parties, nonce }))).hash;
    const left = new Set(to);
    await this.until(
      'all have the record',
      () => {
        for (const agent of left) if (agent.log.has(hash)) left.delete(agent);
        return left.size === 0;
      },
      mostMs,
    );
    const tookMs = performance.now() - began;
    for (const end of endings) end();
    return {
      tookMs,
      hops: Math.max(...hops.values()),
      bytes: this.network.bytes - before.bytes,
      streams: this.network.streams - before.streams,
    };
  }

  /** Switches a machine off; with `silently` nobody is told. */
  off(agent: SimulatedAgent, silently = false): void {
    agent.membership.stop();
    agent.link.off(silently);
  }

  close(): void {
    for (const agent of this.agents) {
      this.off(agent);
      agent.log.close();
    }
    rmSync(this.#folder, { recursive: true });
  }
}
