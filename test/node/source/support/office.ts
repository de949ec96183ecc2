/** A source with its role, a destination, and points that fail as they are told: one process, real protocols on loopback. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Libp2p } from 'libp2p';
import { systemClock } from '../../../../src/common/clock.ts';
import { ResettleError } from '../../../../src/common/errors.ts';
import type { AssociationId, PeerIdText } from '../../../../src/common/ids.ts';
import type { TaskEvent } from '../../../../src/node/events.ts';
import type { FleetView } from '../../../../src/node/fleet-view.ts';
import { Home } from '../../../../src/node/home/home.ts';
import { createLink } from '../../../../src/node/link/libp2p-node.ts';
import { WordKeeper } from '../../../../src/node/roles/source/safety/keep-word.ts';
import { SourceRole } from '../../../../src/node/roles/source/source-role.ts';
import type {
  CaptureDone,
  CaptureRequest,
  SourceOptions,
  SourceTimes,
} from '../../../../src/node/roles/source/types.ts';
import {
  type AssociationBody,
  createAuthority,
  foundFleet,
  type MemberBody,
  plainAssociation,
  type RecordBody,
  type SignedEvent,
} from '../../../../src/state/records/index.ts';
import {
  envelopesOf,
  invite,
  join as joinFleet,
  type Machine,
  machine,
  memberBody,
  START,
} from '../../../records/machines.ts';
import { FakePoint } from './fake-point.ts';

const MIB = 1024 * 1024;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** Everything that waits for others waits shortly. */
export const QUICK: SourceTimes = {
  capacityWaitMs: 2_000,
  stallMs: 400,
  reconnectMs: 3_000,
  reconnectFirstMs: 50,
  safetyWaitMs: 1_500,
  replicateWaitMs: 1_500,
  jobRetryFirstMs: 100,
  startJitterMs: 50,
  startSettleMs: 200,
  startSilentMs: 2_000,
};

export interface OfficeOptions {
  /** By name: how many MiB each point has room for. */
  readonly points: Readonly<Record<string, number>>;
  readonly recovery?: boolean;
  readonly source?: Partial<SourceOptions>;
}

type AgedMachine = Machine & { readonly ageIdentity: string };

export class Office {
  readonly dir: string;
  readonly home: Home;
  readonly source: AgedMachine;
  readonly destination: AgedMachine;
  readonly operator: Machine;
  readonly points = new Map<string, FakePoint>();
  readonly events: TaskEvent[] = [];
  readonly view: FleetView;
  readonly role: SourceRole;
  /** The destination tries whatever is stored for it, as its agent would. */
  tries = true;
  readonly #options: SourceOptions;
  readonly #link: Libp2p;
  readonly #tried = new Set<string>();

  static async open(test: { after(end: () => Promise<void>): void }, options: OfficeOptions): Promise<Office> {
    const operator = await aged('operator');
    const recovery = await identityToRecipient(await generateX25519Identity());
    await foundFleet(operator.log, {
      name: 'office',
      authorityKey: await createAuthority(randomBytes),
      memberBody: memberBody(operator),
      recoveryRecipient: options.recovery ? recovery : null,
      now: START,
    });
    const names = ['laptop', 'desk', ...Object.keys(options.points)];
    const token = await invite(operator, { uses: names.length });
    const machines = new Map<string, AgedMachine>();
    for (const name of names) {
      const one = await aged(name);
      const body: Partial<MemberBody> = { point: name in options.points, acceptsOperators: name === 'laptop' };
      await joinFleet(one, operator, token, memberBody(one, body));
      machines.set(name, one);
    }
    const link = await createLink({
      privateKey: machines.get('laptop')!.key,
      listen: [],
      guard: (registrar) => registrar,
    });
    await link.start();
    const office = new Office(operator, machines, link, options);
    test.after(() => office.close());
    for (const [name, mib] of Object.entries(options.points)) {
      const point = new FakePoint(machines.get(name)!, mib * MIB);
      point.onSigned = (envelope) => office.source.log.insert([envelope]);
      office.points.set(name, point);
      await point.start();
    }
    await office.spread();
    return office;
  }

  private constructor(operator: Machine, machines: Map<string, AgedMachine>, link: Libp2p, options: OfficeOptions) {
    this.dir = mkdtempSync(join(tmpdir(), 'resettle-office-'));
    this.home = new Home(join(this.dir, 'home'));
    this.operator = operator;
    this.source = machines.get('laptop')!;
    this.destination = machines.get('desk')!;
    this.#link = link;
    const { log } = this.source;
    this.view = {
      self: this.source.peerId,
      roster: () => log.roster(),
      connectTo: (peerId, signal) => this.#dial(peerId, signal),
      refresh: async () => {},
      append: (body) => log.append(body),
      events: (id) => log.events(id),
      onChange: (listener) => log.onChange(listener),
      envelopeOf: (id) => log.envelopeOf(id as never),
    };
    log.onChange(() => void this.#tryWhatIsNew());
    this.#options = {
      fleet: this.view,
      home: this.home,
      privateKey: this.source.key,
      ageIdentity: this.source.ageIdentity,
      clock: systemClock,
      random: randomBytes,
      log: quiet,
      exclude: [this.home.dir],
      times: QUICK,
      ...options.source,
    };
    this.role = this.roleAgain();
  }

  /** The role as an agent that starts again on the same HOME has it. */
  roleAgain(): SourceRole {
    return new SourceRole(this.#options);
  }

  /** What keeps the role's word true, by itself. */
  wordKeeper(changes: Partial<SourceOptions>): WordKeeper {
    return new WordKeeper({ ...this.#options, ...changes });
  }

  point(name: string): FakePoint {
    return this.points.get(name)!;
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  capture(
    paths: readonly string[],
    more: Partial<CaptureRequest> = {},
    signal = AbortSignal.timeout(60_000),
  ): Promise<CaptureDone> {
    return this.role.capture({ paths, for: 'desk', ...more }, (event) => this.events.push(event), signal);
  }

  notes(): string {
    return this.events.map((event) => (event.event === 'note' ? event.message : '')).join('\n');
  }

  /** All records to all logs. */
  async spread(): Promise<void> {
    const all = [
      this.operator,
      this.source,
      this.destination,
      ...[...this.points.values()].map((point) => point.machine),
    ];
    const records = all.flatMap((one) => envelopesOf(one));
    for (const one of all) for (let added = 1; added > 0; ) ({ added } = await one.log.insert(records));
  }

  /** Signs an association as the source, or as an operator. */
  async associate(changes: Partial<AssociationBody> = {}, by: Machine = this.source): Promise<AssociationId> {
    const nonce = randomBytes(16).toString('hex');
    const parties = {
      source: this.source.peerId,
      destination: this.destination.peerId,
      mode: 'side-by-side' as const,
      nonce,
    };
    const { hash } = await by.log.append({ ...plainAssociation(parties), ...changes });
    await this.spread();
    return hash as string as AssociationId;
  }

  /** Another party says something. */
  async say(by: Machine, body: RecordBody): Promise<void> {
    await by.log.insert(envelopesOf(this.source));
    await this.source.log.insert([(await by.log.append(body)).envelope]);
  }

  said(association: AssociationId, step: string): SignedEvent['body'] | undefined {
    return this.source.log
      .events(association)
      .find(({ body, signer }) => body.step === step && signer === this.source.peerId)?.body;
  }

  async close(): Promise<void> {
    this.role.stop();
    for (const point of this.points.values()) {
      point.letGo();
      await point.vanish();
    }
    await this.#link.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #dial(peerId: PeerIdText, signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    if (peerId === this.destination.peerId && this.tries) return {} as Connection;
    const point = [...this.points.values()].find(({ machine: one }) => one.peerId === peerId);
    if (!point?.isUp) throw new ResettleError('failed', `${point?.machine.name ?? peerId} cannot be reached`);
    const open = this.#link
      .getConnections()
      .find((one) => one.remotePeer.toString() === peerId && one.status === 'open');
    return open ?? (await this.#link.dial(multiaddr(point.address), { signal }));
  }

  async #tryWhatIsNew(): Promise<void> {
    if (!this.tries) return;
    const { log } = this.source;
    for (const { id, destination } of log.roster().associations.values()) {
      if (destination !== this.destination.peerId) continue;
      const holders = log.events(id).filter(({ body }) => body.step === 'holder' && body.phase === 'held');
      const newest = Math.max(0, ...holders.map(({ body }) => body.snapshot));
      const about = holders.filter(({ body }) => body.snapshot === newest);
      const key = `${id}/${about.map(({ signer, body }) => signer + body.descriptorHash).join()}`;
      if (about.length === 0 || this.#tried.has(key)) continue;
      this.#tried.add(key);
      const body = {
        ...about[0]!.body,
        step: 'trial' as const,
        phase: 'tried' as const,
        peers: about.map(({ signer }) => signer),
      };
      await this.say(this.destination, { ...body, bytes: 0, totalBytes: 0 });
    }
  }
}

async function aged(name: string): Promise<AgedMachine> {
  const ageIdentity = await generateX25519Identity();
  return { ...(await machine(name)), ageIdentity, ageRecipient: await identityToRecipient(ageIdentity) };
}

/** Repeats until the answer is one. */
export async function until<T>(what: string, ask: () => T | undefined | false): Promise<T> {
  for (let left = 400; left > 0; left--) {
    const answer = ask();
    if (answer !== undefined && answer !== false) return answer;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`never came true: ${what}`);
}
