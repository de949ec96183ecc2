/** Points of a made-up fleet in one process: real stores, records and roles; calls in place of a network. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../../src/common/clock.ts';
import { ResettleError } from '../../../../src/common/errors.ts';
import {
  type AssociationId,
  associationId,
  type PackId,
  type PeerIdText,
  packId,
  type StateId,
  stateId,
} from '../../../../src/common/ids.ts';
import { POINT_PACKS_IN_FLIGHT } from '../../../../src/common/limits.ts';
import type { HeldSummary } from '../../../../src/node/roles/point/held-summary.ts';
import type { PointLimits } from '../../../../src/node/roles/point/leases/capacity.ts';
import type { ConnectPoint, OtherPoint } from '../../../../src/node/roles/point/other-points.ts';
import { PointRole } from '../../../../src/node/roles/point/point.ts';
import type { PointFleet } from '../../../../src/node/roles/point/point-fleet.ts';
import type { Sleep } from '../../../../src/node/roles/point/sleep.ts';
import type { PointTiming } from '../../../../src/node/roles/point/timing.ts';
import type { Commit, KeyFile } from '../../../../src/protocols/point/messages.ts';
import { joinPackIds, splitPackIds } from '../../../../src/protocols/point/point.ts';
import { digest, signDescriptor } from '../../../../src/state/format/index.ts';
import {
  type AssociationBody,
  associationIdOf,
  type EventBody,
  plainAssociation,
  plainEvent,
  readRecord,
  type SignedEvent,
} from '../../../../src/state/records/index.ts';
import { Store } from '../../../../src/state/store/index.ts';
import {
  type Fleet,
  fleetOf,
  invite,
  join as joinFleet,
  type Machine,
  machine,
  memberBody,
  sync,
} from '../../../records/machines.ts';

export const NEVER = new AbortController().signal;
const LOG = { debug() {}, info() {}, warn() {}, error() {} };
const WAIT_MAX_MS = 20_000;

/** Repeats until the answer is one. */
export async function eventually<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const until = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > until) throw new Error(`never came true: ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

/** Time that tests move: the wall clock and the monotonic one, each on its own. */
export class OfficeClock implements Clock {
  wallSkewMs = 0;
  skippedMs = 0;

  now(): number {
    return Date.UTC(2026, 0, 2) + performance.now() + this.wallSkewMs;
  }

  monotonicMs(): number {
    return performance.now() + this.skippedMs;
  }
}

export interface TestPack {
  readonly id: PackId;
  readonly bytes: Uint8Array;
}

export function somePacks(...sizes: number[]): TestPack[] {
  return sizes.map((size) => {
    const bytes = randomBytes(size);
    return { id: packId(digest(bytes).toString('hex')), bytes };
  });
}

export interface PointSettings {
  readonly limits?: Partial<PointLimits>;
  readonly timing?: Partial<PointTiming>;
  /** How its own work waits, where time does not pass by itself. */
  readonly sleep?: Sleep;
}

/** One machine with a point, which can be stopped, killed and started again on the same store. */
export class OfficePoint {
  readonly office: Office;
  readonly machine: Machine;
  readonly dir: string;
  readonly clock = new OfficeClock();
  /** Nobody reaches it, and it reaches nobody. */
  away = false;
  /** Gives other bytes than it has. */
  lies = false;
  /** How often others asked for its keys. */
  keysAsked = 0;
  settings: PointSettings = {};
  #role: PointRole | undefined;
  #store: Store | undefined;

  constructor(office: Office, of: Machine, dir: string) {
    this.office = office;
    this.machine = of;
    this.dir = dir;
  }

  get peer(): PeerIdText {
    return this.machine.peerId;
  }

  get role(): PointRole {
    assert.ok(this.#role, `${this.machine.name} runs`);
    return this.#role;
  }

  get store(): Store {
    return this.#store!;
  }

  get runs(): boolean {
    return this.#role !== undefined;
  }

  async start(settings: PointSettings = this.settings): Promise<void> {
    this.settings = settings;
    const limits = { quotaBytes: undefined, keepFreeBytes: 0, maxClients: 8, drain: false, ...settings.limits };
    this.#store = await Store.open(this.dir, {
      create: true,
      buffers: POINT_PACKS_IN_FLIGHT * (limits.maxClients + 1),
    });
    this.#role = await PointRole.start({
      store: this.#store,
      limits,
      fleet: this.office.fleetOf(this.machine),
      clock: this.clock,
      random: randomBytes,
      log: LOG,
      // A day's scrub comes when a test asks for it.
      timing: { tickMs: 25, retryMs: 25, settleMs: 0, backupDelayMs: 60_000, ...settings.timing },
      connect: this.connectFrom(),
      ...(settings.sleep ? { sleep: settings.sleep } : {}),
    });
  }

  async stop(): Promise<void> {
    await this.#role?.stop();
    await this.#store?.close();
    this.#role = undefined;
  }

  async restart(settings: PointSettings = this.settings): Promise<void> {
    await this.stop();
    await this.start(settings);
  }

  held(state: StateId): HeldSummary | undefined {
    return this.role.held().find((one) => one.state === state);
  }

  /** What it has signed of a state. */
  receipt(association: AssociationId, state: StateId): EventBody | undefined {
    return this.machine.log
      .events(association)
      .find(({ signer, body }) => signer === this.peer && body.step === 'holder' && body.state === state)?.body;
  }

  /** Another point as this machine reaches it, or any machine in its name. */
  connectFrom(as: PeerIdText = this.peer): ConnectPoint {
    return async (peer) => {
      const other = this.office.points.find((point) => point.peer === peer);
      if (this.away || !other || other.away || !other.runs) throw new ResettleError('failed', `${peer} is away`);
      return callsTo(other, as);
    };
  }

  packPath(state: StateId, id: PackId): string {
    return join(this.dir, 'states', state, 'packs', id.slice(0, 2), id);
  }

  damage(state: StateId, id: PackId): void {
    const path = this.packPath(state, id);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
  }

  filesOf(state: StateId): string[] {
    try {
      return readdirSync(join(this.dir, 'states', state), { recursive: true }) as string[];
    } catch {
      return [];
    }
  }
}

function callsTo(point: OfficePoint, as: PeerIdText): OtherPoint {
  const { role } = point;
  const ask = (request: Parameters<PointRole['onPointRequest']>[0]) => {
    if (point.away) throw new ResettleError('failed', 'the connection ended');
    return role.onPointRequest(request, as);
  };
  return {
    capacity: async () => (await ask({ capacity: true })).capacity!,
    reserve: async (reserve) => (await ask({ reserve })).lease!,
    release: async (release) => {
      await ask({ release });
    },
    commit: async (commit) => {
      await ask({ commit });
    },
    missing: async (state, packs) =>
      splitPackIds((await ask({ missing: { state, packs: joinPackIds(packs) } })).missing!),
    keys: async (state) => {
      const keys = (await ask({ keys: { state } })).keys!;
      point.keysAsked += 1;
      return point.lies ? keys.map(({ name, bytes }) => ({ name, bytes: bytes.map((byte) => byte ^ 1) })) : keys;
    },
    openSink: async (state, lease) => {
      const session = await role.openBlocks({ state, put: true, lease }, as);
      return {
        put: async ({ id, bytes }) => {
          session.signal?.throwIfAborted();
          if ((await session.holder.packSize(state, id)) !== undefined) return;
          session.book(bytes.length);
          const buffer = await session.holder.borrow(NEVER);
          buffer.set(bytes);
          await session.holder.storePack(state, id, buffer, bytes.length);
          session.stored(bytes.length);
        },
        close: async () => session.close(),
        abort: () => session.close(),
      };
    },
    openSource: async (state) => {
      const session = await role.openBlocks({ state, put: false, lease: '' }, as);
      return {
        get: async (id, sizeBytes, into) => {
          session.signal?.throwIfAborted();
          assert.equal(await session.holder.loadPack(state, id, into), sizeBytes);
          if (point.lies) into[7]! ^= 1;
          session.delivered?.(sizeBytes);
        },
        close: async () => session.close(),
        abort: () => session.close(),
      };
    },
  };
}

/** What one capture brings to points. */
export interface Capture {
  readonly state: StateId;
  readonly association: AssociationId;
  readonly snapshot: number;
  readonly descriptor: Uint8Array;
  readonly descriptorHash: string;
  readonly packs: readonly TestPack[];
  readonly keys: readonly KeyFile[];
}

/** A fleet with a source, a destination and some points. All have the same records, at once. */
export class Office {
  readonly fleet: Fleet;
  readonly source: Machine;
  readonly destination: Machine;
  readonly points: OfficePoint[] = [];
  readonly machines: Machine[] = [];
  /** Sizes of all packs that were made up. */
  readonly packs = new Map<PackId, number>();
  readonly #dir = mkdtempSync(join(tmpdir(), 'resettle-points-'));
  #spreading: Promise<void> = Promise.resolve();

  private constructor(fleet: Fleet, source: Machine, destination: Machine) {
    this.fleet = fleet;
    this.source = source;
    this.destination = destination;
  }

  /** `machineClaims`: what each point says that it runs on, by its place. */
  static async open(
    t: { after(end: () => Promise<void>): void },
    pointCount: number,
    machineClaims: readonly (string | null)[] = [],
  ): Promise<Office> {
    const fleet = await fleetOf('office');
    const [source, destination] = [await machine('source'), await machine('destination')];
    const office = new Office(fleet, source, destination);
    t.after(() => office.end());
    await office.enter(source);
    await office.enter(destination);
    for (let number = 0; number < pointCount; number += 1) {
      await office.addPoint(`point ${number}`, machineClaims[number] ?? null);
    }
    return office;
  }

  async addPoint(name: string, claim: string | null = null): Promise<OfficePoint> {
    const one = await machine(name);
    await this.enter(one, { point: true, machine: claim });
    const point = new OfficePoint(this, one, join(this.#dir, name));
    this.points.push(point);
    return point;
  }

  /** Lets a machine in. `quietly`: the others hear of it at the next `spread`. */
  async enter(one: Machine, about: Parameters<typeof memberBody>[1] = {}, quietly = false): Promise<void> {
    const { operator } = this.fleet;
    one.clock.set(operator.clock.now());
    await joinFleet(one, operator, await invite(operator), memberBody(one, about));
    this.machines.push(one);
    if (!quietly) await this.spread();
  }

  /** Everybody gets everybody's records; one after the other, since two at once would wait for each other's. */
  spread(): Promise<void> {
    const turn = this.#spreading.then(async () => {
      for (const one of this.machines) await sync(one, this.fleet.operator);
      for (const one of this.machines) await sync(one, this.fleet.operator);
    });
    this.#spreading = turn.catch(() => {});
    return turn;
  }

  async append(signer: Machine, body: Parameters<Machine['log']['append']>[0]) {
    const record = await signer.log.append(body);
    await this.spread();
    return record;
  }

  fleetOf(one: Machine): PointFleet {
    return {
      self: one.peerId,
      roster: () => one.log.roster(),
      append: (body) => this.append(one, body),
      events: (id) => one.log.events(id),
      envelopeOf: (id) => one.log.envelopeOf(id as Parameters<typeof one.log.envelopeOf>[0]),
      connectTo: () => Promise.reject(new Error('there is no network here')),
      association: (id) => one.log.association(id),
      insert: (records) => one.log.insert(records),
      associationIdOf: async (envelope) => associationIdOf(readRecord(envelope).hash),
    };
  }

  async associate(changes: Partial<AssociationBody> = {}, source = this.source): Promise<AssociationId> {
    const record = await this.append(source, {
      ...plainAssociation({
        source: source.peerId,
        destination: this.destination.peerId,
        mode: 'side-by-side',
        nonce: randomBytes(16).toString('hex'),
      }),
      ...changes,
    });
    return associationId(record.hash);
  }

  envelope(association: AssociationId): Uint8Array {
    return this.source.log.envelopeOf(association as unknown as Parameters<Machine['log']['envelopeOf']>[0])!;
  }

  /** A snapshot, signed by its source. */
  async snapshot(
    association: AssociationId,
    packs: readonly TestPack[],
    more: { state?: StateId; snapshot?: number; signer?: Machine; keys?: readonly KeyFile[] } = {},
  ): Promise<Capture> {
    for (const { id, bytes } of packs) this.packs.set(id, bytes.length);
    const state = more.state ?? stateId(randomBytes(32).toString('hex'));
    const snapshot = more.snapshot ?? 1;
    const descriptor = await signDescriptor(
      {
        stateId: state,
        association,
        snapshot,
        previous: null,
        keyCheck: randomBytes(16),
        manifestHash: randomBytes(32),
        packs: packs.map(({ id, bytes }) => ({ id, sizeBytes: bytes.length })),
        sealed: randomBytes(100),
      },
      (more.signer ?? this.source).key,
    );
    const { destination } = this.source.log.association(association) ?? {};
    const keys = more.keys ?? (destination ? [{ name: destination, bytes: randomBytes(200) }] : []);
    return {
      state,
      association,
      snapshot,
      descriptor,
      descriptorHash: digest(descriptor).toString('hex'),
      packs,
      keys,
    };
  }

  /** The whole way of a capture to a point, as its source. Says to the fleet what it stored, unless `silent`. */
  async capture(
    point: OfficePoint,
    capture: Capture,
    more: { bits?: Uint8Array; silent?: boolean; source?: Machine; peers?: PeerIdText[] } = {},
  ): Promise<void> {
    const source = more.source ?? this.source;
    const other = callsTo(point, source.peerId);
    const mine = capture.packs.filter((_, index) => !more.bits || (more.bits[index >> 3]! >> (index & 7)) % 2 === 1);
    const bytes = mine.reduce((sum, pack) => sum + pack.bytes.length, 100_000);
    const wish = { association: this.envelope(capture.association), state: capture.state, bytes, copy: false };
    // As sources do: a copy of it may be on its way just now.
    const { lease } = await eventually('the state is free', () =>
      other.reserve(wish, NEVER).catch((error: Error) => {
        if (/in use/.test(error.message)) return undefined;
        throw error;
      }),
    );
    const sink = await other.openSink(capture.state, lease, NEVER);
    for (const pack of mine) await sink.put(pack, NEVER);
    await sink.close();
    await other.commit(commitOf(capture, lease, more.bits), bytes, NEVER);
    if (more.silent) return;
    await this.append(source, eventOf(capture, { step: 'commit', phase: 'stored', peers: more.peers ?? [point.peer] }));
  }

  /** The destination says that it has restored a snapshot. */
  async acknowledge(capture: Capture, changes: Partial<EventBody> = {}): Promise<void> {
    await this.append(this.destination, eventOf(capture, { step: 'restore', phase: 'restored', ...changes }));
  }

  asSource(point: OfficePoint): OtherPoint {
    return callsTo(point, this.source.peerId);
  }

  as(peer: PeerIdText, point: OfficePoint): OtherPoint {
    return callsTo(point, peer);
  }

  events(association: AssociationId): readonly SignedEvent[] {
    return this.fleet.operator.log.events(association);
  }

  async end(): Promise<void> {
    for (const point of this.points) await point.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

export function commitOf(capture: Capture, lease: string, bits: Uint8Array = new Uint8Array(0)): Commit {
  const { snapshot, descriptor, keys } = capture;
  return { lease, snapshot, descriptor, keys: [...keys], packs: bits };
}

export function eventOf(capture: Capture, what: Pick<EventBody, 'step' | 'phase'> & Partial<EventBody>): EventBody {
  return plainEvent({
    association: capture.association,
    state: capture.state,
    snapshot: capture.snapshot,
    descriptorHash: capture.descriptorHash,
    ...what,
  });
}
