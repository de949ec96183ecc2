import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import type { PackId, StateId } from '../../../common/ids.ts';
import type { BlocksHost, BlocksSession } from '../../../protocols/blocks/server.ts';
import type { PointAnswer, PointRequest } from '../../../protocols/point/messages.ts';
import type { PointHost } from '../../../protocols/point/point.ts';
import type { Store } from '../../../state/store/index.ts';
import type { Log } from '../../log.ts';
import { type LinkFacts, linkFactsOf } from '../../placement/link-facts.ts';
import { type Refusal, Refusals } from '../../refusals.ts';
import { find, keysOf, missing, snapshotOf } from './answers.ts';
import { Commits } from './commits.ts';
import { Reachability } from './copies/reachability.ts';
import { Replication } from './copies/replication.ts';
import { Doors } from './door.ts';
import { type Held, HeldStates } from './held-states.ts';
import { type HeldSummary, summaryOf } from './held-summary.ts';
import type { PointLimits } from './leases/capacity.ts';
import { Leases } from './leases/leases.ts';
import { Reservations } from './leases/reservations.ts';
import { Unfinished } from './leases/unfinished.ts';
import { type ConnectPoint, otherPointsOf } from './other-points.ts';
import { OwnWork } from './own-work.ts';
import { Parties } from './parties.ts';
import { PointFile } from './point-file.ts';
import type { PointFleet } from './point-fleet.ts';
import { Receipts } from './receipts.ts';
import { Sessions } from './sessions.ts';
import { type Sleep, sleep } from './sleep.ts';
import { ipOf, parseSubnets, type Subnets } from './subnets.ts';
import { POINT_TIMING, type PointTiming } from './timing.ts';
import { Repair } from './upkeep/repair.ts';
import { Retention } from './upkeep/retention.ts';
import { Scrub } from './upkeep/scrub.ts';

export interface PointOptions {
  /** With POINT_PACKS_IN_FLIGHT buffers for each client, and as many more for the point's own work. */
  readonly store: Store;
  readonly limits: PointLimits;
  readonly fleet: PointFleet;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly timing?: Partial<PointTiming>;
  /** Speed of the interface towards an address, in Mbit/s; 0 where it is not known. */
  readonly mbps?: LinkFacts['mbps'];
  readonly connect?: ConnectPoint;
  readonly sleep?: Sleep;
}

/**
 * A state migration point: holds states that it cannot read. A state is closed but for the one transfer that was
 * authenticated (door.ts, docs/PROTOCOLS.md). Unasked it scrubs, repairs, makes copies, and deletes what is over.
 */
export class PointRole implements PointHost, BlocksHost {
  readonly #options: PointOptions;
  readonly #subnets: Subnets;
  readonly #mbps: LinkFacts['mbps'];
  readonly #timing: PointTiming;
  readonly #held: HeldStates;
  readonly #doors: Doors;
  readonly #leases: Leases;
  readonly #parties: Parties;
  readonly #reservations: Reservations;
  readonly #sessions: Sessions;
  readonly #commits: Commits;
  readonly #file: PointFile;
  readonly #receipts: Receipts;
  readonly #retention: Retention;
  readonly #reachability: Reachability;
  readonly #replication: Replication;
  readonly #scrub: Scrub;
  readonly #work: OwnWork;
  readonly #refusals: Refusals;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #ticking: Promise<void> | undefined;

  private constructor(options: PointOptions, file: PointFile) {
    const { store, limits, fleet, clock, random, log } = options;
    this.#options = options;
    this.#file = file;
    this.#subnets = parseSubnets(limits.subnets ?? []);
    this.#mbps = options.mbps ?? linkFactsOf().mbps;
    const wished = { ...POINT_TIMING, ...options.timing };
    // Whoever wants to know soon that a holder is lost looks as often.
    const timing = { ...wished, tickMs: Math.min(wished.tickMs, wished.lostAfterMs / 4) };
    this.#timing = timing;
    const napping = options.sleep ?? sleep;
    const connect = options.connect ?? otherPointsOf(fleet);
    const held = new HeldStates(store, fleet, log);
    const doors = new Doors(clock, timing.doorStallMs);
    const leases = new Leases(clock, random, timing.leaseIdleMs);
    const parties = new Parties(fleet, held);
    const shared = { store, limits, fleet, clock, log, file, held, doors, leases, parties, timing, connect };
    const unfinished = new Unfinished(shared, timing.unfinishedKeepMs);
    const reservations = new Reservations({ ...shared, unfinished });
    const receipts = new Receipts(fleet, held, file, log);
    const onDamaged = (one: Held): Promise<void> => this.#onDamaged(one);
    const all = { ...shared, unfinished, reservations, receipts, onDamaged, sleep: napping };
    this.#held = held;
    this.#doors = doors;
    this.#leases = leases;
    this.#parties = parties;
    this.#reservations = reservations;
    this.#receipts = receipts;
    this.#sessions = new Sessions({ ...shared, onDamaged: (state, pack) => this.#onDamagedPack(state, pack) });
    this.#commits = new Commits(all);
    this.#retention = new Retention(all);
    this.#reachability = new Reachability({ connect, clock, lostAfterMs: timing.lostAfterMs, log });
    this.#replication = new Replication({ ...all, reachability: this.#reachability });
    this.#scrub = new Scrub(all);
    this.#work = new OwnWork({ ...all, repair: new Repair(all), replication: this.#replication });
    this.#refusals = new Refusals(clock);
  }

  /** Looks through the store, takes up the leases that a process before this one granted, and begins its own work. */
  static async start(options: PointOptions): Promise<PointRole> {
    const point = new PointRole(options, await PointFile.open(options.store, options.clock));
    await point.#held.load();
    await point.#reservations.takeUp();
    const { signal } = point.#stop;
    const timer = setInterval(() => void point.tick(), point.#timing.tickMs);
    timer.unref();
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    point.#loops.push(point.#scrub.run(signal), point.#work.run(signal));
    return point;
  }

  /** Closes every door, ends its own work, and writes the time that it has observed. */
  async stop(): Promise<void> {
    const reason = new ResettleError('interrupted', 'the point ends');
    this.#stop.abort(reason);
    this.#doors.endAll(reason);
    await Promise.allSettled([...this.#loops, this.#ticking]);
    await this.#file.save().catch((error: unknown) => this.#warn(error, 'the time observed was not saved'));
  }

  /** What the point looks after now and then: stalls, leases, retention, receipts, whether others are there. */
  tick(): Promise<void> {
    this.#ticking ??= this.#tick().finally(() => {
      this.#ticking = undefined;
    });
    return this.#ticking;
  }

  /** For an asker whose connection comes from that address; undefined: this machine itself. */
  async capacity(address?: string): Promise<NonNullable<PointAnswer['capacity']>> {
    const { limits } = this.#options;
    return {
      freeBytes: await this.#reservations.grantable(),
      reservedBytes: this.#leases.outstandingBytes(),
      clients: this.#sessions.clients,
      maxClients: limits.maxClients,
      draining: limits.drain,
      heldBytes: this.#held.usedBytes(),
      linkMbps: this.#mbps((address && ipOf(address)) ?? ''),
      refusal: this.#subnets.serves(address) ? '' : this.#servesOnly(),
    };
  }

  /** Each state that is here, for `status`. */
  held(): HeldSummary[] {
    return this.#held.all().map((one) =>
      summaryOf(one, {
        door: this.#doors.of(one.state),
        lease: this.#leases.ofState(one.state),
        leases: this.#leases,
        keptForMs: this.#retention.keptForMs(one),
        acknowledged: this.#retention.isAcknowledged(one),
        copies: this.#replication.copies(one),
        observedMs: this.#file.observedMs(),
      }),
    );
  }

  /** The last things that were not done for others, and why. */
  refusals(): readonly Refusal[] {
    return this.#refusals.list();
  }

  /** Remembers why a request or a transfer of a peer failed, for `refusals`. */
  noteRefusal(error: unknown, peer: string): void {
    this.#refusals.note(error, peer);
  }

  async onPointRequest(
    request: Partial<PointRequest>,
    remotePeer: string,
    address?: string,
  ): Promise<Partial<PointAnswer>> {
    return await this.#answer(request, remotePeer, address);
  }

  async openBlocks(
    open: { state: StateId; put: boolean; lease: string },
    remotePeer: string,
    address?: string,
  ): Promise<BlocksSession> {
    this.#mustServe(address);
    return this.#sessions.open(open, remotePeer);
  }

  async #answer(request: Partial<PointRequest>, peer: string, address?: string): Promise<Partial<PointAnswer>> {
    const parts = { store: this.#options.store, held: this.#held, parties: this.#parties };
    if (request.capacity) return { capacity: await this.capacity(address) };
    if (request.reserve) {
      this.#mustServe(address);
      return { lease: await this.#reservations.reserve(request.reserve, peer) };
    }
    if (request.release) {
      await this.#reservations.release(this.#leases.use(request.release, peer));
      return {};
    }
    if (request.commit) {
      await this.#commits.commit(request.commit, peer);
      this.#work.wake();
      return {};
    }
    if (request.addKey) {
      await this.#commits.addKey(request.addKey, peer);
      return {};
    }
    if (request.missing) return { missing: await missing(parts, request.missing, peer) };
    if (request.find) return { holdings: find(parts, request.find.state, peer) };
    if (request.keys) return { keys: await keysOf(parts, request.keys, peer) };
    if (request.snapshot) return snapshotOf(parts, request.snapshot, peer);
    throw new ResettleError('usage', 'a request without a question');
  }

  async #tick(): Promise<void> {
    for (const { state, by } of this.#doors.endStalled()) {
      this.#options.log.info({ state, peer: by }, 'a transfer that stood still was ended');
    }
    for (const one of this.#held.unknown()) await this.#held.recognise(one);
    await this.#reservations.expire().catch((error: unknown) => this.#warn(error, 'leases could not be looked at'));
    await this.#retention.look().catch((error: unknown) => this.#warn(error, 'retention could not be looked at'));
    await this.#receipts.reconcile().catch((error: unknown) => this.#warn(error, 'receipts could not be looked at'));
    const { signal } = this.#stop;
    await this.#reachability.look(this.#replication.otherHolders(), signal).catch((error: unknown) => {
      if (!signal.aborted) this.#warn(error, 'other holders could not be looked at');
    });
    this.#work.wake();
  }

  #mustServe(address: string | undefined): void {
    if (!this.#subnets.serves(address)) throw new ResettleError('no-point', this.#servesOnly());
  }

  #servesOnly(): string {
    return `serves only ${this.#subnets.texts.join(', ')}`.slice(0, 200);
  }

  async #onDamaged(one: Held): Promise<void> {
    await this.#held.recount(one);
    this.#work.noteDamage(one.state);
  }

  async #onDamagedPack(state: StateId, pack: PackId): Promise<void> {
    this.#options.log.warn({ state, pack }, 'a pack is damaged; it is not given to anybody');
    const one = this.#held.get(state);
    if (one) await this.#onDamaged(one);
  }

  #warn(error: unknown, message: string): void {
    this.#options.log.warn({ err: error }, message);
  }
}
