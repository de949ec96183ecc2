/** A point in memory behind the real protocols, whose owner may be careless or a liar. */
import type { Libp2p } from 'libp2p';
import { hexOf } from '../../../src/common/bytes.ts';
import { ResettleError } from '../../../src/common/errors.ts';
import type { PackId, PeerIdText, StateId } from '../../../src/common/ids.ts';
import { PACK_MAX_BYTES } from '../../../src/common/limits.ts';
import type { PackHolder } from '../../../src/common/ports.ts';
import { type BlocksHost, type BlocksSession, serveBlocks } from '../../../src/protocols/blocks/server.ts';
import type { Holding, PointAnswer, PointRequest } from '../../../src/protocols/point/messages.ts';
import { joinPackIds, type PointHost, servePoint, splitPackIds } from '../../../src/protocols/point/point.ts';
import { startNode } from '../../protocols/support.ts';

export interface Snapshot {
  readonly number: number;
  readonly descriptor: Uint8Array;
  /** BLAKE3 of the descriptor. */
  readonly hash: string;
  readonly packs: ReadonlyMap<PackId, Uint8Array>;
}

export class MemoryPoint implements PointHost, BlocksHost {
  readonly name: string;
  readonly peerId: PeerIdText;
  readonly node: Libp2p;
  readonly snapshots = new Map<number, Uint8Array>();
  readonly packs = new Map<PackId, Uint8Array>();
  /** By name: '' is the destination's. */
  readonly keys = new Map<string, Uint8Array>();
  /** Numbers that it says it has besides. */
  claims: number[] = [];
  /** Numbers that it does not show. */
  hides: number[] = [];
  /** Says this of what it holds, besides. */
  says: Holding[] = [];
  /** Packs that it says it has. */
  pretends: ReadonlySet<PackId> = new Set();
  isFull = false;
  sessions = 0;
  packsGiven = 0;
  asked: string[] = [];
  /** A pack is given when this has settled. */
  beforePack: () => Promise<unknown> = async () => {};
  /** A question is answered when this has settled. */
  beforeAnswer: (question: string) => Promise<unknown> = async () => {};
  state!: StateId;
  association = '';
  destination = '';

  private constructor(name: string, node: Libp2p) {
    this.name = name;
    this.node = node;
    this.peerId = node.peerId.toString() as PeerIdText;
  }

  static async start(name: string): Promise<MemoryPoint> {
    return await MemoryPoint.on(await startNode(), name);
  }

  /** On a node that runs already. */
  static async on(node: Libp2p, name: string): Promise<MemoryPoint> {
    const point = new MemoryPoint(name, node);
    await servePoint(node, point, () => {});
    await serveBlocks(node, point, () => {});
    return point;
  }

  take({ number, descriptor, packs }: Snapshot, only: (id: PackId) => boolean = () => true): void {
    this.snapshots.set(number, descriptor);
    for (const [id, bytes] of packs) if (only(id)) this.packs.set(id, bytes);
  }

  /** Turns a bit of a pack that it holds, or of all. */
  damage(ids: Iterable<PackId> = [...this.packs.keys()]): void {
    for (const id of ids) {
      const bytes = this.packs.get(id)!.slice();
      bytes[Math.floor(bytes.length / 2)]! ^= 1;
      this.packs.set(id, bytes);
    }
  }

  async onPointRequest(request: Partial<PointRequest>, remotePeer: string): Promise<Partial<PointAnswer>> {
    const question = Object.keys(request).find((key) => request[key as keyof PointRequest]) ?? '';
    this.asked.push(question);
    await this.beforeAnswer(question);
    if (remotePeer !== this.destination) throw new ResettleError('refused', 'that state is for another machine');
    if (request.find) {
      const snapshots = [...this.snapshots.keys(), ...this.claims].filter((number) => !this.hides.includes(number));
      if (snapshots.length === 0) return { holdings: this.says };
      const bytes = [...this.packs.values()].reduce((sum, { length }) => sum + length, 0);
      const own = { state: this.state, association: this.association, snapshots, bytes, partial: false };
      return { holdings: [own, ...this.says] };
    }
    if (request.snapshot) {
      const { snapshot, key } = request.snapshot;
      const descriptor = this.snapshots.get(snapshot);
      if (!descriptor) throw new ResettleError('not-found', `snapshot ${snapshot} is not here`);
      return { descriptor, key: this.keys.get(key) ?? new Uint8Array(0) };
    }
    if (request.missing) {
      return {
        missing: joinPackIds(
          splitPackIds(request.missing.packs).filter((id) => !this.packs.has(id) && !this.pretends.has(id)),
        ),
      };
    }
    throw new ResettleError('usage', 'not asked in these tests');
  }

  async openBlocks(open: { state: StateId; put: boolean }, remotePeer: string): Promise<BlocksSession> {
    if (remotePeer !== this.destination || open.put) throw new ResettleError('refused', 'not yours');
    if (this.isFull) throw new ResettleError('no-point', 'serves 8 of at most 8 clients already');
    this.sessions += 1;
    let isOpen = true;
    return {
      holder: this.#holder,
      put: false,
      book() {},
      stored() {},
      close: () => {
        if (isOpen) this.sessions -= 1;
        isOpen = false;
      },
    };
  }

  readonly #holder: PackHolder = {
    packSize: async (_, id) => this.packs.get(id)?.length,
    borrow: async () => new Uint8Array(PACK_MAX_BYTES),
    giveBack() {},
    storePack: async () => {},
    loadPack: async (_, id, buffer) => {
      await this.beforePack();
      const bytes = this.packs.get(id);
      if (!bytes) throw new ResettleError('not-found', `pack ${id} is not here`);
      buffer.set(bytes);
      this.packsGiven += 1;
      return bytes.length;
    },
  };
}

export const hashText = (hash: Uint8Array): string => hexOf(hash);
