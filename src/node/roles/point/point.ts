import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import {
  type AssociationId,
  associationId,
  type PackId,
  type PeerIdText,
  type StateId,
  stateId,
} from '../../../common/ids.ts';
import { UNFINISHED_KEEP_MS } from '../../../common/limits.ts';
import type { BlocksHost, BlocksSession } from '../../../protocols/blocks/server.ts';
import type {
  AskMissing,
  Commit,
  Holding,
  PointAnswer,
  PointRequest,
  Reserve,
} from '../../../protocols/point/messages.ts';
import { joinPackIds, type PointHost, splitPackIds } from '../../../protocols/point/point.ts';
import { openDescriptor, type PackReference } from '../../../state/format/index.ts';
import type { Association } from '../../../state/records/index.ts';
import type { Store } from '../../../state/store/index.ts';
import type { Log } from '../../log.ts';
import { grantableBytes, type PointLimits } from './capacity.ts';
import { type LeaseRecord, Leases } from './leases.ts';
import { parseStateInfo, type StateInfo } from './state-info.ts';

/** What a point needs to know of the fleet. */
export interface PointFleet {
  association(id: AssociationId): Association | undefined;
  /** Takes a record that a member brought; what it says counts only if the roster then shows it. */
  insert(records: readonly Uint8Array[]): Promise<unknown>;
  associationIdOf(envelope: Uint8Array): Promise<AssociationId>;
}

export interface PointOptions {
  readonly store: Store;
  readonly limits: PointLimits;
  readonly fleet: PointFleet;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

export interface HeldSummary {
  readonly state: StateId;
  readonly association: AssociationId | undefined;
  readonly snapshots: readonly number[];
  readonly bytes: number;
  readonly accessible: boolean;
}

const EXPIRY_CHECK_MS = 30_000;

/**
 * A state migration point: holds states that it cannot read. A state is closed but for the one transfer that was
 * authenticated: it is accessible exactly while a blocks session or a commit for it is under way (docs/PROTOCOLS.md).
 */
export class PointRole implements PointHost, BlocksHost {
  readonly #store: Store;
  readonly #limits: PointLimits;
  readonly #fleet: PointFleet;
  readonly #log: Log;
  readonly #leases: Leases;
  /** States that are accessible now, with what is done to them. */
  readonly #open = new Map<StateId, { puts: number; gets: number }>();
  readonly #info = new Map<StateId, StateInfo>();
  readonly #used = new Map<StateId, { bytes: number; snapshots: number[] }>();
  /** States with packs that no descriptor refers to, and since when nobody works on them: kept for a capture to go on. */
  readonly #unfinished = new Map<StateId, number>();
  readonly #clock: Clock;
  readonly #expiry: ReturnType<typeof setInterval>;
  #clients = 0;
  /** Reservations one at a time: two must not be granted the same bytes. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: PointOptions) {
    this.#store = options.store;
    this.#limits = options.limits;
    this.#fleet = options.fleet;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#leases = new Leases(options.clock, options.random);
    this.#expiry = setInterval(() => void this.#expire(), EXPIRY_CHECK_MS);
    this.#expiry.unref();
  }

  /** Looks through the store. Leases died with the process; what unfinished captures left waits for them to go on. */
  static async start(options: PointOptions): Promise<PointRole> {
    const point = new PointRole(options);
    for (const held of await options.store.states()) {
      const { stateId: state, snapshots } = held;
      point.#used.set(state, { bytes: held.usedBytes, snapshots: [...snapshots] });
      const hint = parseStateInfo(held.info);
      const info = snapshots.length > 0 ? await point.#infoFromDescriptor(state, snapshots) : hint;
      if (info) point.#info.set(state, { ...info, lease: null });
      if (snapshots.length === 0 && !info) await point.#dropUnfinished(state).catch(point.#warn(state));
      else if (snapshots.length === 0 || hint?.lease) point.#unfinished.set(state, options.clock.now());
    }
    return point;
  }

  /** What the newest descriptor that its source signed says of a state: the hint beside it may be lost or forged. */
  async #infoFromDescriptor(state: StateId, snapshots: readonly number[]): Promise<StateInfo | undefined> {
    const bytes = await this.#store.readDescriptor(state, Math.max(...snapshots));
    const header = bytes && (await openDescriptor(bytes).catch(() => undefined));
    const association = header?.association && this.#fleet.association(header.association);
    if (!association || header.stateId !== state || association.body.source !== header.source) {
      this.#log.warn({ state }, 'a state whose descriptor or association is not to be had stays closed');
      return undefined;
    }
    const { source } = association.body;
    return { version: 1, state, association: association.id, source, status: 'held', lease: null };
  }

  stop(): void {
    clearInterval(this.#expiry);
  }

  async capacity(): Promise<NonNullable<PointAnswer['capacity']>> {
    const heldBytes = this.#usedBytes();
    return {
      freeBytes: grantableBytes(this.#limits, {
        diskFreeBytes: await this.#store.freeBytes(),
        usedBytes: heldBytes,
        outstandingBytes: this.#leases.outstandingBytes(),
      }),
      reservedBytes: this.#leases.outstandingBytes(),
      clients: this.#clients,
      maxClients: this.#limits.maxClients,
      draining: this.#limits.drain,
      heldBytes,
      linkMbps: 0,
      refusal: '',
    };
  }

  held(): HeldSummary[] {
    return [...this.#used].map(([state, { bytes, snapshots }]) => ({
      state,
      association: this.#info.get(state)?.association,
      snapshots,
      bytes,
      accessible: this.#open.has(state),
    }));
  }

  async onPointRequest(request: Partial<PointRequest>, remotePeer: string): Promise<Partial<PointAnswer>> {
    if (request.capacity) return { capacity: await this.capacity() };
    if (request.reserve) return { lease: await this.#inTurn(() => this.#reserve(request.reserve!, remotePeer)) };
    if (request.release) {
      const lease = this.#leases.use(request.release, remotePeer);
      await this.#inTurn(() => this.#giveUp(lease));
      return {};
    }
    if (request.commit) {
      await this.#commit(request.commit, remotePeer);
      return {};
    }
    if (request.missing) return { missing: await this.#missing(request.missing, remotePeer) };
    if (request.find) return { holdings: this.#find(request.find.state, remotePeer) };
    if (request.snapshot) {
      const { state, snapshot } = request.snapshot;
      return this.#snapshot(stateId(state), snapshot, remotePeer);
    }
    throw new ResettleError('usage', 'a request without a question');
  }

  async #reserve(wish: Reserve, remotePeer: string): Promise<NonNullable<PointAnswer['lease']>> {
    if (this.#limits.drain) throw new ResettleError('no-point', 'this point takes nothing new (it is draining)');
    const state = stateId(wish.state);
    await this.#fleet.insert([wish.association]);
    const association = this.#fleet.association(await this.#fleet.associationIdOf(wish.association));
    if (!association || association.body.source !== remotePeer) {
      throw new ResettleError('refused', 'no association of this fleet makes that machine the source');
    }
    const known = this.#info.get(state);
    // A state that is held but whose descriptor could not be checked belongs to nobody who asks.
    const held = (this.#used.get(state)?.snapshots.length ?? 0) > 0;
    if (known ? known.association !== association.id : held) {
      throw new ResettleError('refused', 'that state belongs to another association');
    }
    if (this.#open.has(state)) throw new ResettleError('refused', 'that state is in use by a transfer');
    const old = this.#leases.ofState(state);
    if (old) this.#leases.release(old.id);
    const lease = this.#leases.grant(
      { state, association: association.id, source: association.body.source, bytes: wish.bytes },
      await this.#freeFor(wish.bytes, state),
    );
    try {
      await this.#store.createState(state);
      if (!this.#used.has(state)) this.#used.set(state, { bytes: 0, snapshots: [] });
      await this.#writeInfo(state, {
        version: 1,
        state,
        association: association.id,
        source: association.body.source,
        status: known?.status ?? 'receiving',
        lease: { bytes: lease.bytes, expiresAtMs: lease.expiresAtMs },
      });
    } catch (error) {
      this.#leases.release(lease.id);
      throw error;
    }
    this.#log.info({ state, source: remotePeer, bytes: wish.bytes }, 'reserved');
    const snapshots = this.#used.get(state)?.snapshots ?? [];
    return { lease: lease.id, expiresAtMs: lease.expiresAtMs, snapshot: Math.max(0, ...snapshots) };
  }

  /** Bytes that are free for a reservation; what captures left unfinished makes room for one that needs it. */
  async #freeFor(bytes: number, state: StateId): Promise<number> {
    let { freeBytes } = await this.capacity();
    for (const other of this.#unfinished.keys()) {
      if (freeBytes >= bytes) break;
      if (other === state || this.#open.has(other) || this.#leases.ofState(other)) continue;
      await this.#dropUnfinished(other);
      ({ freeBytes } = await this.capacity());
    }
    return freeBytes;
  }

  async #missing(question: AskMissing, remotePeer: string): Promise<Uint8Array> {
    const state = stateId(question.state);
    const ids = splitPackIds(question.packs);
    // Of a state that is not here, every pack is missing: that says nothing to a stranger.
    if (!this.#used.has(state)) return question.packs;
    this.#party(state, remotePeer, 'source');
    return joinPackIds(await this.#store.missingPacks(state, ids));
  }

  async #commit(commit: Commit, remotePeer: string): Promise<void> {
    const lease = this.#leases.use(commit.lease, remotePeer);
    const { state } = lease;
    const association = this.#party(state, remotePeer, 'source');
    const close = this.#openState(state, 'puts');
    try {
      const header = await openDescriptor(commit.descriptor);
      const used = this.#used.get(state);
      if (
        header.stateId !== state ||
        header.source !== association.body.source ||
        header.association !== association.id
      ) {
        throw new ResettleError('refused', 'the descriptor is not of this state, source and association');
      }
      if (header.snapshot !== commit.snapshot || header.snapshot <= Math.max(0, ...(used?.snapshots ?? []))) {
        throw new ResettleError('refused', `snapshot ${header.snapshot} is not newer than what this point holds`);
      }
      const bad = await this.#badPacks(state, header.packs);
      if (bad.length > 0) {
        throw new ResettleError(
          'damaged',
          `${bad.length} of ${header.packs.length} packs are missing or damaged here`,
          {
            hint: 'run the capture again',
          },
        );
      }
      const { destination } = association;
      const names = new Set<string | undefined>([destination, 'recovery']);
      if (!commit.keys.some(({ name }) => name === destination) || commit.keys.some(({ name }) => !names.has(name))) {
        throw new ResettleError(
          'refused',
          'the state key must be wrapped to the destination of the association, and to nobody unknown',
        );
      }
      for (const { name, bytes } of commit.keys) await this.#store.writeKey(state, name as PeerIdText, bytes);
      await this.#store.writeDescriptor(state, header.snapshot, commit.descriptor);
      used?.snapshots.push(header.snapshot);
      this.#leases.release(lease.id);
      await this.#writeInfo(state, { ...this.#info.get(state)!, status: 'held', lease: null });
      this.#log.info({ state, snapshot: header.snapshot, packs: header.packs.length }, 'committed');
    } finally {
      close();
    }
    // What an interrupted capture before this one left.
    await this.#dropUnfinished(state).catch(this.#warn(state));
  }

  /**
   * The packs of a descriptor that are missing or damaged. Those of the snapshot before were read at its commit, and
   * are only asked for.
   */
  async #badPacks(state: StateId, packs: readonly PackReference[]): Promise<PackId[]> {
    const last = Math.max(0, ...(this.#used.get(state)?.snapshots ?? []));
    const bytes = last > 0 ? await this.#store.readDescriptor(state, last) : undefined;
    const earlier = new Set(bytes ? (await openDescriptor(bytes)).packs.map(({ id }) => id) : []);
    const missing = await this.#store.missingPacks(
      state,
      packs.map(({ id }) => id),
    );
    const bad = await this.#store.verifyPacks(
      state,
      packs.filter(({ id }) => !earlier.has(id)),
    );
    return [...new Set([...missing, ...bad])];
  }

  #find(wanted: string, remotePeer: string): Holding[] {
    const holdings: Holding[] = [];
    for (const [state, { bytes, snapshots }] of this.#used) {
      if (snapshots.length === 0 || (wanted !== '' && state !== wanted)) continue;
      const association = this.#associationOf(state);
      if (association && (association.destination === remotePeer || association.body.source === remotePeer)) {
        holdings.push({ state, association: association.id, snapshots: [...snapshots], bytes, partial: false });
      } else if (wanted !== '') {
        throw notYours(state);
      }
    }
    return holdings;
  }

  async #snapshot(state: StateId, snapshot: number, remotePeer: string): Promise<Partial<PointAnswer>> {
    const association = this.#party(state, remotePeer, 'destination');
    const descriptor = await this.#store.readDescriptor(state, snapshot);
    const key = association.destination && (await this.#store.readKey(state, association.destination));
    if (!descriptor || !key) throw new ResettleError('not-found', `snapshot ${snapshot} of state ${state} is not here`);
    return { descriptor, key };
  }

  async openBlocks(open: { state: StateId; put: boolean; lease: string }, remotePeer: string): Promise<BlocksSession> {
    const { state, put } = open;
    this.#party(state, remotePeer, put ? 'source' : 'destination');
    const lease = put ? this.#leases.use(open.lease, remotePeer, state) : undefined;
    if (put && this.#open.has(state)) throw new ResettleError('refused', 'that state is in use by another transfer');
    if (this.#clients >= this.#limits.maxClients) {
      throw new ResettleError(
        'no-point',
        `serves ${this.#clients} of at most ${this.#limits.maxClients} clients already`,
      );
    }
    const close = this.#openState(state, put ? 'puts' : 'gets');
    this.#clients += 1;
    this.#log.info({ state, peer: remotePeer, put }, 'opened');
    let ended = false;
    return {
      holder: this.#store,
      put,
      book: (sizeBytes) => this.#leases.book(lease!, sizeBytes),
      stored: (sizeBytes) => {
        this.#leases.stored(lease!, sizeBytes);
        this.#used.get(state)!.bytes += sizeBytes;
      },
      close: () => {
        if (ended) return;
        ended = true;
        this.#clients -= 1;
        close();
        this.#log.info({ state, peer: remotePeer }, 'closed');
      },
    };
  }

  /** Makes a state accessible until the returned function is called. */
  #openState(state: StateId, what: 'puts' | 'gets'): () => void {
    const entry = this.#open.get(state) ?? { puts: 0, gets: 0 };
    entry[what] += 1;
    this.#open.set(state, entry);
    return () => {
      entry[what] -= 1;
      if (entry.puts + entry.gets === 0) this.#open.delete(state);
    };
  }

  #associationOf(state: StateId): Association | undefined {
    const info = this.#info.get(state);
    return info && this.#fleet.association(associationId(info.association));
  }

  /** The association of a state, if the peer has that part in it. Throws `not-found` or `refused`. */
  #party(state: StateId, peer: string, part: 'source' | 'destination'): Association {
    if (!this.#used.has(state)) throw new ResettleError('not-found', `state ${state} is not here`);
    const association = this.#associationOf(state);
    const who = part === 'source' ? association?.body.source : association?.destination;
    if (!association || who !== peer) throw notYours(state);
    return association;
  }

  /** Ends a lease; what was stored under it waits for the capture to go on. */
  async #giveUp(lease: LeaseRecord): Promise<void> {
    if (this.#open.has(lease.state)) throw new ResettleError('refused', 'that state is in use by a transfer');
    this.#leases.release(lease.id);
    await this.#leaveUnfinished(lease);
  }

  async #leaveUnfinished({ state, storedBytes }: LeaseRecord): Promise<void> {
    if (storedBytes === 0 && !this.#unfinished.has(state) && this.#used.get(state)?.snapshots.length === 0) {
      await this.#dropUnfinished(state);
      return;
    }
    this.#unfinished.set(state, this.#clock.now());
    const info = this.#info.get(state);
    // The mark of a lease stays with it, so that a start after this one knows that there is something unfinished.
    if (info) await this.#writeInfo(state, info);
  }

  /** Removes what no descriptor of the state refers to; a state without any is removed whole. */
  async #dropUnfinished(state: StateId): Promise<void> {
    this.#unfinished.delete(state);
    const used = this.#used.get(state);
    if (!used) return;
    if (used.snapshots.length === 0) {
      await this.#store.deleteState(state);
      this.#used.delete(state);
      this.#info.delete(state);
      return;
    }
    const keep = [];
    for (const snapshot of used.snapshots) {
      const descriptor = await this.#store.readDescriptor(state, snapshot);
      if (descriptor) keep.push(...(await openDescriptor(descriptor)).packs.map(({ id }) => id));
    }
    used.bytes -= await this.#store.dropPacksExcept(state, keep);
    const info = this.#info.get(state);
    if (info) await this.#writeInfo(state, { ...info, lease: null });
  }

  async #expire(): Promise<void> {
    for (const lease of this.#leases.expire((state) => this.#open.has(state))) {
      this.#log.info({ state: lease.state, source: lease.source }, 'lease expired');
      await this.#inTurn(() => this.#leaveUnfinished(lease)).catch(this.#warn(lease.state));
    }
    for (const [state, sinceMs] of this.#unfinished) {
      if (this.#clock.now() - sinceMs < UNFINISHED_KEEP_MS || this.#leases.ofState(state)) continue;
      this.#log.info({ state }, 'what a capture left unfinished was not taken up again');
      await this.#inTurn(() => this.#dropUnfinished(state)).catch(this.#warn(state));
    }
  }

  readonly #warn = (state: StateId) => (error: unknown) =>
    this.#log.warn({ err: error, state }, 'what an unfinished capture left could not be removed');

  async #writeInfo(state: StateId, info: StateInfo): Promise<void> {
    this.#info.set(state, info);
    await this.#store.writeInfo(state, info);
  }

  #usedBytes(): number {
    let sum = 0;
    for (const { bytes } of this.#used.values()) sum += bytes;
    return sum;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

function notYours(state: StateId): ResettleError {
  return new ResettleError('refused', `state ${state} is for another machine`, {
    hint: 'only the destination that its association names can have it',
  });
}
