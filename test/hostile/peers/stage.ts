/** Real agents that are attacked, an honest member that must be served all the same, and the hostile machines. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AssociationId, associationId, type StateId, stateId } from '../../../src/common/ids.ts';
import { BlocksSink } from '../../../src/protocols/blocks/client.ts';
import { askOver, haveSame } from '../../../src/protocols/records/client.ts';
import { signDescriptor } from '../../../src/state/format/index.ts';
import { createInvite, plainAssociation, readRecord } from '../../../src/state/records/index.ts';
import { somePacks, type TestPack } from '../../node/point/support/office.ts';
import type { AgentProcess } from '../../support/agents.ts';
import { eventually, Scene } from '../../support/scene.ts';
import { Peer } from './peer.ts';

/** What an agent may have in memory at most, whatever is done to it. */
export const MEMORY_MAX_BYTES = 400 * 1024 * 1024;
const HONEST_HOST = '127.0.0.1';
const NEVER = new AbortController().signal;
/** A line of a process that fails in a way that nobody has thought of: no line of its log, or one of an error. */
const isCrash = (line: string): boolean =>
  line.startsWith('{') ? /^\{"level":[56]0/.test(line) : /Error|unhandled|uncaught|FATAL|Warning/i.test(line);

/** A state of somebody's on the point: an association of its own, and a lease. */
export interface Leased {
  readonly association: Uint8Array;
  readonly state: StateId;
  readonly lease: string;
}

/** A state that the agent holds. */
export interface Held extends Leased {
  readonly packs: readonly TestPack[];
  readonly descriptor: Uint8Array;
}

/** The door closes a moment after the transfer has said goodbye. */
function inUse(error: Error): undefined {
  if (!/in use/.test(error.message)) throw error;
}

/** A descriptor as a source signs it. */
export function describe(
  source: Peer,
  association: AssociationId,
  state: StateId,
  packs: readonly TestPack[],
  changes: Partial<Parameters<typeof signDescriptor>[0]> = {},
): Promise<Uint8Array> {
  const about = {
    stateId: state,
    association,
    snapshot: 1,
    previous: null,
    keyCheck: randomBytes(16),
    manifestHash: randomBytes(32),
    packs: packs.map(({ id, bytes }) => ({ id, sizeBytes: bytes.length })),
    sealed: randomBytes(100),
  };
  return signDescriptor({ ...about, ...changes }, source.key);
}

export class Stage {
  readonly scene = new Scene();
  /** A point, and the fleet's first operator. */
  nas!: AgentProcess;
  honest!: Peer;
  member!: Peer;
  operator!: Peer;
  revoked!: Peer;
  /** Takes what there is to take, and keeps it. */
  greedy!: Peer;
  /** Of the honest member's state. */
  destination!: Peer;
  /** An honest state that is on the agent. */
  held!: Held;
  /** The honest machine that shows that others are served. */
  #served!: Peer;
  #turn: Promise<void> = Promise.resolve();
  #hosts = 0;
  readonly #ends: (() => unknown)[] = [];

  static async open(): Promise<Stage> {
    const stage = new Stage();
    const { scene } = stage;
    stage.nas = await scene.point('nas', ['--verbose']);
    await scene.done('nas', ['fleet', 'init', '--name', 'office']);
    const { token } = await scene.done('nas', ['fleet', 'invite', '--role', 'operator']);
    stage.operator = await stage.#peer('oscar', undefined, token as string);
    stage.honest = await stage.#peer('honest', HONEST_HOST);
    stage.#served = await stage.#peer('hanna', HONEST_HOST);
    stage.member = await stage.#peer('mallory');
    stage.destination = await stage.#peer('dora');
    stage.greedy = await stage.#peer('gus');
    stage.revoked = await stage.#peer('rita');
    await scene.done('nas', ['fleet', 'revoke', stage.revoked.peerId]);
    stage.held = await stage.#capture();
    return stage;
  }

  /** The whole way of an honest capture to the agent. */
  async #capture(): Promise<Held> {
    const packs = somePacks(300_000, 400_000);
    const leased = await this.lease(this.honest, 1_000_000, this.destination);
    const { state, lease } = leased;
    const connection = await this.honest.to(this.address);
    const sink = await BlocksSink.open({ connection, name: 'the point', state }, lease, NEVER);
    for (const pack of packs) await sink.put(pack, NEVER);
    await sink.close();
    const association = this.associationIdOf(leased);
    const descriptor = await describe(this.honest, association, state, packs);
    const keys = [{ name: this.destination.peerId, bytes: randomBytes(200) }];
    const commit = { lease, snapshot: 1, descriptor, keys, packs: new Uint8Array(0) };
    const client = await this.honest.point(this.address);
    await eventually('the state is free', () => client.commit(commit, 700_000, NEVER).then(() => true, inUse));
    await this.destination.connect(this.address);
    await this.destination.sync();
    return { ...leased, packs, descriptor };
  }

  async #peer(name: string, from?: string, token?: string): Promise<Peer> {
    const peer = await Peer.make(name, from ? { from } : {});
    this.#ends.push(() => peer.end());
    await peer.join(this.address, token ?? (await this.invite()));
    return peer;
  }

  /** Where the attacked agent listens. */
  get address(): string {
    return this.nas.addresses[0]!;
  }

  get log(): string {
    return this.nas.command.stderr;
  }

  /** A token of the operator's, for one machine. */
  invite(): Promise<string> {
    const { log, key } = this.operator;
    const terms = { role: 'member', uses: 1, expiresInMs: 3_600_000, seeds: [] } as const;
    return createInvite({ log, issuerKey: key, ...terms, now: Date.now(), random: randomBytes });
  }

  /** A loopback address that nobody else comes from, so that what is done from it counts for it alone. */
  newHost(): string {
    this.#hosts += 1;
    return `127.66.${this.#hosts >> 8}.${this.#hosts & 255}`;
  }

  /** Somebody whom nobody knows joins, and gets all records. */
  async newcomerIsAdmitted(): Promise<void> {
    const newcomer = await Peer.make('newcomer', { from: this.newHost() });
    await newcomer.join(this.address, await this.invite());
    await newcomer.end();
  }

  /** To be done when all is over. */
  after(end: () => unknown): void {
    this.#ends.push(end);
  }

  /** Waits until the agent has written a line that fits, counted from a place in its log. */
  async logged(fits: RegExp, from = 0): Promise<void> {
    await eventually(`the log says ${fits}`, () => fits.test(this.log.slice(from)) || undefined);
  }

  /** A peer's association with somebody, a new state of it, and a lease for so many bytes. */
  async lease(of: Peer, bytes: number, to = this.honest): Promise<Leased> {
    const nonce = randomBytes(16).toString('hex');
    const { peerId: source } = of;
    const body = plainAssociation({ source, destination: to.peerId, mode: 'side-by-side', nonce });
    const { envelope } = await of.log.append(body);
    const state = stateId(randomBytes(32).toString('hex'));
    const client = await of.point(this.address);
    const { lease } = await client.reserve({ association: envelope, state, bytes, copy: false }, NEVER);
    return { association: envelope, state, lease };
  }

  associationIdOf({ association }: Pick<Leased, 'association'>): AssociationId {
    return associationId(readRecord(association).hash);
  }

  /** Gives a lease up, as soon as the transfer under it is over. */
  async release(of: Peer, lease: string): Promise<void> {
    const client = await of.point(this.address);
    await eventually('the transfer is over', () => client.release(lease, NEVER).then(() => true, inUse));
  }

  /** An honest member that connects anew is greeted as one. */
  async honestGreeting(): Promise<void> {
    await this.#oneByOne(async () => {
      await (await this.#served.connect(this.address)).close();
    });
  }

  /** What an honest member gets, on a new connection: a greeting, equal records, room, and a pack taken. */
  async honestService(): Promise<void> {
    await this.#oneByOne(async () => {
      const connection = await this.#served.connect(this.address);
      await this.#served.sync();
      assert.ok(await haveSame(askOver(connection), this.#served.log));
      const { state, lease } = await this.lease(this.#served, 200_000, this.member);
      const sink = await BlocksSink.open({ connection, name: 'the point', state }, lease, NEVER);
      for (const pack of somePacks(100_000)) await sink.put(pack, NEVER);
      await sink.close();
      await this.release(this.#served, lease);
      await connection.close();
    });
  }

  /** Behaviours that run at once share the honest machine. */
  async #oneByOne(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    await turn;
  }

  /** The agent runs, has not said that something went wrong that nobody thought of, and has not been too large. */
  assertUnharmed(agent = this.nas): void {
    const log = agent.command.stderr;
    assert.ok(agent.running, `the agent has ended: ${log.slice(-2000)}`);
    const line = log.split('\n').find(isCrash);
    assert.equal(line, undefined);
    const peak = this.peakBytes(agent);
    assert.ok(peak < MEMORY_MAX_BYTES, `the agent had ${Math.round(peak / 1e6)} MB in memory`);
  }

  /** The most that the agent had in memory since `forgetPeak`. */
  peakBytes(agent = this.nas): number {
    const status = readFileSync(`/proc/${agent.pid}/status`, 'utf8');
    // One that has just ended has none.
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.nas.pid}/clear_refs`, '5');
  }

  async end(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
    await this.scene.end();
  }
}
