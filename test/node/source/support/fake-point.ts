/** A point in memory behind the real protocols on loopback, that can be told to fail in every way that a point can. */
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { hexOf } from '../../../../src/common/bytes.ts';
import { ResettleError } from '../../../../src/common/errors.ts';
import { type PackId, packId, type StateId, stateId } from '../../../../src/common/ids.ts';
import { PACK_MAX_BYTES } from '../../../../src/common/limits.ts';
import type { PackHolder } from '../../../../src/common/ports.ts';
import { createLink } from '../../../../src/node/link/libp2p-node.ts';
import { type BlocksHost, type BlocksSession, serveBlocks } from '../../../../src/protocols/blocks/server.ts';
import type { Capacity, Commit, PointAnswer, PointRequest } from '../../../../src/protocols/point/messages.ts';
import { joinPackIds, type PointHost, servePoint, splitPackIds } from '../../../../src/protocols/point/point.ts';
import { digest, openDescriptor, type SnapshotHeader } from '../../../../src/state/format/index.ts';
import { type EventBody, plainEvent } from '../../../../src/state/records/index.ts';
import type { Machine } from '../../../records/machines.ts';

/** What is wrong with it, changed at any time. */
export interface Faults {
  /** It says this instead of what it has. */
  capacity?: Partial<Capacity>;
  refuseReserve?: ResettleError;
  refuseBlocks?: ResettleError;
  /** Every pack that it would take is refused instead, as if it had run full. */
  full?: boolean;
  /** From then on it answers nothing on transfers. */
  stall?: boolean;
  /** It commits, and then its answer is lost. */
  loseCommitAnswer?: boolean;
  /** It commits, and then its process is killed before it has said so to anybody. */
  vanishInCommit?: boolean;
  refuseCommit?: ResettleError;
  wrongBytes?: boolean;
  signsNothing?: boolean;
}

interface HeldState {
  readonly packs: Map<PackId, Uint8Array>;
  readonly snapshots: Map<number, { header: SnapshotHeader; bitmap: Uint8Array }>;
  readonly keys: Map<string, Uint8Array>;
}

interface LeaseOf {
  readonly state: StateId;
  readonly bytes: number;
  booked: number;
}

/** Who it is. */
type PointMachine = Pick<Machine, 'name' | 'key' | 'peerId' | 'log'>;

export class FakePoint<M extends PointMachine = Machine> implements PointHost, BlocksHost {
  readonly machine: M;
  readonly faults: Faults = {};
  readonly states = new Map<StateId, HeldState>();
  readonly leases = new Map<string, LeaseOf>();
  /** Bytes of packs that arrived whole, also those that it has already. */
  receivedBytes = 0;
  reservations = 0;
  commits: Commit[] = [];
  roomBytes: number;
  /** Called after each pack that it has stored. */
  onStored: () => void = () => {};
  /** Brings what it has signed to the others. */
  onSigned: (envelope: Uint8Array) => Promise<unknown> = async () => {};
  #link: Libp2p | undefined;
  #port = 0;
  readonly #stalled = Promise.withResolvers<never>();

  constructor(machine: M, roomBytes: number) {
    this.machine = machine;
    this.roomBytes = roomBytes;
    this.#stalled.promise.catch(() => {});
  }

  get isUp(): boolean {
    return this.#link !== undefined;
  }

  get address(): string {
    return `/ip4/127.0.0.1/tcp/${this.#port}/p2p/${this.machine.peerId}`;
  }

  /** @param serveMore what else it serves, before anybody can ask */
  async start(serveMore: (link: Libp2p) => Promise<void> = async () => {}): Promise<void> {
    const listen = [`/ip4/127.0.0.1/tcp/${this.#port}`];
    const link = await createLink({ privateKey: this.machine.key, listen, guard: (registrar) => registrar });
    await link.start();
    this.#port = Number(multiaddr(link.getMultiaddrs()[0]!.toString()).toString().split('/')[4]);
    await servePoint(link, this, () => {});
    await serveBlocks(link, this, () => {});
    await serveMore(link);
    this.#link = link;
  }

  /** As if its process were killed: what it has stored stays, its leases do not. */
  async vanish(keepLeases = false): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    if (!keepLeases) this.leases.clear();
    for (const connection of link?.getConnections() ?? []) connection.abort(new Error('killed'));
    await link?.stop();
  }

  /** Cuts every connection, and stays. */
  cut(): void {
    for (const connection of this.#link?.getConnections() ?? []) connection.abort(new Error('cut'));
  }

  /** Lets every transfer that it holds up go, so that the test can end. */
  letGo(): void {
    this.#stalled.reject(new Error('the test is over'));
  }

  held(state: string): HeldState {
    const known = this.states.get(stateId(state));
    if (known) return known;
    const fresh = { packs: new Map(), snapshots: new Map(), keys: new Map() };
    this.states.set(stateId(state), fresh);
    return fresh;
  }

  get usedBytes(): number {
    return [...this.states.values()].reduce(
      (sum, { packs }) => sum + [...packs.values()].reduce((bytes, pack) => bytes + pack.length, 0),
      0,
    );
  }

  async onPointRequest(request: Partial<PointRequest>): Promise<Partial<PointAnswer>> {
    if (request.capacity) return { capacity: { ...this.#capacity(), ...this.faults.capacity } };
    if (request.reserve) return { lease: await this.#reserve(request.reserve) };
    if (request.release) {
      if (!this.leases.delete(request.release)) throw new ResettleError('refused', 'no such lease');
      return {};
    }
    if (request.commit) return await this.#commit(request.commit);
    if (request.missing) {
      const { packs } = this.held(request.missing.state);
      return { missing: joinPackIds(splitPackIds(request.missing.packs).filter((id) => !packs.has(id))) };
    }
    if (request.find) {
      const snapshots = [...this.held(request.find.state).snapshots.keys()];
      const holding = { state: request.find.state, association: '', snapshots, bytes: 1, partial: false };
      return { holdings: snapshots.length > 0 ? [holding] : [] };
    }
    if (request.addKey) {
      this.held(request.addKey.state).keys.set(request.addKey.key!.name, request.addKey.key!.bytes);
      return {};
    }
    throw new ResettleError('usage', 'not asked by a source');
  }

  #capacity(): Capacity {
    const reserved = [...this.leases.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      freeBytes: Math.max(0, this.roomBytes - this.usedBytes - reserved),
      reservedBytes: reserved,
      clients: 0,
      maxClients: 8,
      draining: false,
      heldBytes: this.usedBytes,
      linkMbps: 0,
      refusal: '',
    };
  }

  async #reserve(wish: NonNullable<PointRequest['reserve']>): Promise<NonNullable<PointAnswer['lease']>> {
    if (this.faults.refuseReserve) throw this.faults.refuseReserve;
    const state = stateId(wish.state);
    for (const [id, lease] of this.leases) if (lease.state === state) this.leases.delete(id);
    if (wish.bytes > this.#capacity().freeBytes && !this.faults.capacity) {
      throw new ResettleError('no-point', `${wish.bytes} bytes are needed`);
    }
    await this.machine.log.insert([wish.association]);
    this.reservations += 1;
    const lease = hexOf(digest(Buffer.from(`${this.machine.name}/${this.reservations}`)));
    this.leases.set(lease, { state, bytes: wish.bytes, booked: 0 });
    const snapshot = Math.max(0, ...this.held(wish.state).snapshots.keys());
    return { lease, expiresAtMs: 0, snapshot };
  }

  async #commit(commit: Commit): Promise<Partial<PointAnswer>> {
    if (this.faults.refuseCommit) throw this.faults.refuseCommit;
    const lease = this.leases.get(commit.lease);
    if (!lease) throw new ResettleError('refused', 'no such lease');
    const header = await openDescriptor(commit.descriptor);
    const held = this.held(lease.state);
    if (commit.snapshot <= Math.max(0, ...held.snapshots.keys())) throw new ResettleError('refused', 'not newer');
    const mine = header.packs.filter((_, index) => isSet(commit.packs, index));
    const lacking = mine.filter(({ id }) => !held.packs.has(id));
    if (lacking.length > 0) throw new ResettleError('damaged', `${lacking.length} packs are missing here`);
    this.commits.push(commit);
    held.snapshots.set(header.snapshot, { header, bitmap: commit.packs });
    for (const { name, bytes } of commit.keys) held.keys.set(name, bytes);
    this.leases.delete(commit.lease);
    if (this.faults.vanishInCommit) {
      this.faults.vanishInCommit = false;
      await this.vanish();
      throw new ResettleError('failed', 'killed');
    }
    if (this.faults.loseCommitAnswer) {
      this.faults.loseCommitAnswer = false;
      this.cut();
      throw new ResettleError('failed', 'lost');
    }
    if (!this.faults.signsNothing) await this.sign(lease.state, header, 'held');
    return {};
  }

  /** Says what it has of a snapshot. */
  async sign(state: StateId, header: SnapshotHeader, phase: 'held' | 'damaged' | 'deleted'): Promise<void> {
    const { packs } = this.held(state);
    const sum = (list: readonly { sizeBytes: number }[]): number =>
      list.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
    const body: EventBody = plainEvent({
      association: header.association!,
      state,
      step: 'holder',
      phase,
      snapshot: header.snapshot,
      descriptorHash: hexOf(header.descriptorHash),
      bytes: sum(header.packs.filter(({ id }) => packs.has(id))),
      totalBytes: sum(header.packs),
    });
    await this.onSigned((await this.machine.log.append(body)).envelope);
  }

  async openBlocks(open: { state: StateId; put: boolean; lease: string }): Promise<BlocksSession> {
    if (this.faults.refuseBlocks) throw this.faults.refuseBlocks;
    const lease = this.leases.get(open.lease);
    if (open.put && lease?.state !== open.state) throw new ResettleError('refused', 'no such lease');
    return {
      holder: this.#holder(),
      put: open.put,
      book: (sizeBytes) => {
        lease!.booked += sizeBytes;
        if (lease!.booked > lease!.bytes) throw new ResettleError('refused', 'the lease is used up');
      },
      stored: () => {},
      close: () => {},
    };
  }

  #holder(): PackHolder {
    return {
      packSize: async (state, id) => {
        if (this.faults.stall) await this.#stalled.promise;
        return this.held(state).packs.get(id)?.length;
      },
      borrow: async () => new Uint8Array(PACK_MAX_BYTES),
      giveBack: () => {},
      storePack: async (state, id, buffer, sizeBytes) => {
        if (this.faults.full) throw new ResettleError('failed', 'no space left on device');
        const bytes = buffer.slice(0, sizeBytes);
        this.receivedBytes += sizeBytes;
        if (packId(hexOf(digest(bytes))) !== id) throw new ResettleError('damaged', `not pack ${id}`);
        this.held(state).packs.set(id, bytes);
        this.onStored();
      },
      loadPack: async (state, id, buffer) => {
        const bytes = this.held(state).packs.get(id);
        if (!bytes) throw new ResettleError('not-found', `no pack ${id}`);
        buffer.set(bytes);
        if (this.faults.wrongBytes) buffer[bytes.length >> 1]! ^= 1;
        return bytes.length;
      },
    };
  }
}

function isSet(bitmap: Uint8Array, index: number): boolean {
  return bitmap.length === 0 || (bitmap[index >> 3]! & (1 << (index & 7))) !== 0;
}
