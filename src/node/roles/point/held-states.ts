import { hexOf } from '../../../common/bytes.ts';
import { ResettleError } from '../../../common/errors.ts';
import type { AssociationId, PackId, PeerIdText, StateId } from '../../../common/ids.ts';
import { SPREAD_SNAPSHOTS_MAX } from '../../../common/limits.ts';
import { openDescriptor, type PackReference, type SnapshotHeader } from '../../../state/format/index.ts';
import type { KeyName, StateUsage, Store } from '../../../state/store/index.ts';
import type { Log } from '../../log.ts';
import { chosen, type PackBits } from './pack-bits.ts';
import type { PointFleet } from './point-fleet.ts';
import { newStateInfo, parseStateInfo, type StateInfo } from './state-info.ts';
import { lookAtKeys, notesAfter } from './upkeep/key-notes.ts';

/** The newest snapshot of a state, as far as this point has it. */
export interface Newest {
  readonly snapshot: number;
  /** 64 hex digits. */
  readonly descriptorHash: string;
  /** Of all packs that the descriptor names. */
  readonly totalBytes: number;
  /** Of those that this point shall hold and has. */
  readonly heldBytes: number;
  /** Other packs of it are with other points. */
  readonly spread: boolean;
  /** Packs that this point shall hold and does not have. */
  readonly missing: number;
}

interface Claim {
  readonly association: AssociationId;
  readonly source: PeerIdText;
  readonly hint: StateInfo | undefined;
}

/** A state on this point. */
export interface Held {
  readonly state: StateId;
  /** Undefined: whose it is cannot be proved, so nobody gets it. */
  info: StateInfo | undefined;
  /** What its newest descriptor says, while the records do not have that association. */
  claim: Claim | undefined;
  /** Ascending. */
  snapshots: readonly number[];
  usage: StateUsage;
  newest: Newest | undefined;
  /** Key files that are not as they were brought. */
  badKeys: number;
}

/** The states of a point: in memory what the store has, kept equal to it. */
export class HeldStates {
  readonly #store: Store;
  readonly #fleet: PointFleet;
  readonly #log: Log;
  readonly #states = new Map<StateId, Held>();
  /** Being deleted: a hint written now would make the folder anew. */
  readonly #going = new Set<Held>();

  constructor(store: Store, fleet: PointFleet, log: Log) {
    this.#store = store;
    this.#fleet = fleet;
    this.#log = log;
  }

  /** Looks through the store. */
  async load(): Promise<void> {
    for (const { stateId: state, snapshots, usedBytes, packBytes, info } of await this.#store.states()) {
      const usage = { usedBytes, packBytes };
      const held: Held = { state, info: undefined, claim: undefined, snapshots, usage, newest: undefined, badKeys: 0 };
      this.#states.set(state, held);
      const hint = parseStateInfo(info);
      const header = await this.#newestHeader(held);
      if (!header) held.info = held.snapshots.length === 0 && hint?.state === state ? hint : undefined;
      else if (header.association) held.claim = { association: header.association, source: header.source, hint };
      await this.recognise(held);
      if (!held.info) this.#log.warn({ state }, 'a state whose association is not to be had stays closed');
    }
  }

  /** Opens a state to its parties as soon as the records say who they are. */
  async recognise(held: Held): Promise<void> {
    const { state, claim } = held;
    const association = claim && this.#fleet.association(claim.association);
    if (association && association.body.source === claim.source) {
      const fresh = newStateInfo(state, association.id, claim.source);
      const trusted = claim.hint?.association === association.id ? claim.hint : fresh;
      held.info = { ...trusted, state, source: claim.source, status: 'held' };
      held.claim = undefined;
    }
    await this.recount(held);
  }

  /** Those whose association was not known when they were looked at. */
  unknown(): Held[] {
    return this.all().filter(({ claim }) => claim && this.#fleet.association(claim.association));
  }

  get(state: StateId): Held | undefined {
    return this.#states.get(state);
  }

  all(): Held[] {
    return [...this.#states.values()];
  }

  usedBytes(): number {
    let sum = 0;
    for (const { usage } of this.#states.values()) sum += usage.usedBytes;
    return sum;
  }

  /** A state that begins here. */
  async begin(info: StateInfo): Promise<Held> {
    const { state } = info;
    await this.#store.createState(state);
    const known = this.#states.get(state);
    if (known) return known;
    const usage = await this.#store.usage(state);
    const held: Held = { state, info, claim: undefined, snapshots: [], usage, newest: undefined, badKeys: 0 };
    this.#states.set(state, held);
    return held;
  }

  /** Changes what is remembered of a state, durably. Of one that is gone nothing is remembered. */
  async remember(held: Held, change: Partial<StateInfo>): Promise<void> {
    if (!held.info || this.#states.get(held.state) !== held || this.#going.has(held)) return;
    held.info = { ...held.info, ...change };
    await this.#store.writeInfo(held.state, held.info);
  }

  /** A pack was stored: what is exact is counted at the next `recount`. */
  grow(state: StateId, sizeBytes: number): void {
    const held = this.#states.get(state);
    if (!held) return;
    const { usedBytes, packBytes } = held.usage;
    held.usage = { usedBytes: usedBytes + sizeBytes, packBytes: packBytes + sizeBytes };
  }

  /** Counts a state on the disk, and looks what its newest snapshot has. */
  async recount(held: Held): Promise<void> {
    held.usage = await this.#store.usage(held.state);
    held.newest = await this.#newestOf(held);
    held.badKeys = (await this.badKeys(held)).length;
  }

  /** Key files that are not as they were brought. Those of which nothing is known are noted as they are. */
  async badKeys(held: Held): Promise<readonly KeyName[]> {
    const { bad, fresh } = await lookAtKeys(this.#store, held.state, held.info);
    if (fresh.length > 0) await this.remember(held, { keys: notesAfter(held.info, fresh) });
    return bad;
  }

  /** Removes a state whole: descriptors first. */
  async drop(held: Held): Promise<void> {
    this.#going.add(held);
    try {
      await this.#store.deleteState(held.state);
      this.#states.delete(held.state);
    } finally {
      this.#going.delete(held);
    }
  }

  /** The descriptor of a snapshot, or undefined where it is not held or damaged. */
  async header(state: StateId, snapshot: number): Promise<SnapshotHeader | undefined> {
    const bytes = await this.#store.readDescriptor(state, snapshot).catch((error: unknown) => {
      // What the disk cannot give is as damaged as what is not right.
      if (error instanceof ResettleError && error.code === 'damaged') return undefined;
      throw error;
    });
    const header = bytes && (await openDescriptor(bytes).catch(() => undefined));
    return header?.stateId === state && header.snapshot === snapshot ? header : undefined;
  }

  /** Which packs of a snapshot this point shall hold. Where that is not known any more, it is those that it has. */
  async own(held: Held, header: SnapshotHeader): Promise<PackReference[]> {
    const bits = this.bitsOf(held, header.snapshot);
    if (bits) return chosen(header.packs, bits);
    const ids = header.packs.map(({ id }) => id);
    const missing = new Set(await this.#store.missingPacks(held.state, ids));
    return header.packs.filter(({ id }) => !missing.has(id));
  }

  /** Every pack that a snapshot of the state names and this point shall hold, by id. */
  async expected(held: Held): Promise<Map<PackId, number>> {
    const packs = new Map<PackId, number>();
    for (const snapshot of held.snapshots) {
      const header = await this.header(held.state, snapshot);
      for (const { id, sizeBytes } of header ? await this.own(held, header) : []) packs.set(id, sizeBytes);
    }
    return packs;
  }

  /** Empty: all packs; undefined: it is spread, and not known how. */
  bitsOf(held: Held, snapshot: number): PackBits | undefined {
    const known = held.info?.spread.find((one) => one.snapshot === snapshot);
    if (known) return Buffer.from(known.packs, 'base64');
    const spread = held.info?.spread ?? [];
    // Beyond the oldest that is remembered it is not known; nor where only the signed receipt tells that it was spread.
    const forgotten =
      spread.length >= SPREAD_SNAPSHOTS_MAX && snapshot < Math.min(...spread.map((one) => one.snapshot));
    return forgotten || this.#toldSpread(held, snapshot) ? undefined : new Uint8Array(0);
  }

  #toldSpread(held: Held, snapshot: number): boolean {
    const body =
      held.info &&
      this.#fleet
        .events(held.info.association)
        .find(({ signer, body }) => signer === this.#fleet.self && body.step === 'holder' && body.state === held.state)
        ?.body;
    return body?.phase === 'held' && body.snapshot === snapshot && body.bytes < body.totalBytes;
  }

  async #newestOf(held: Held): Promise<Newest | undefined> {
    const snapshot = held.snapshots.at(-1);
    const header = snapshot === undefined ? undefined : await this.header(held.state, snapshot);
    if (!header) return undefined;
    const own = await this.own(held, header);
    const missing = new Set(
      await this.#store.missingPacks(
        held.state,
        own.map(({ id }) => id),
      ),
    );
    const present = own.filter(({ id }) => !missing.has(id));
    return {
      snapshot: header.snapshot,
      descriptorHash: hexOf(header.descriptorHash),
      totalBytes: bytesOf(header.packs),
      heldBytes: bytesOf(present),
      spread: own.length < header.packs.length,
      missing: missing.size,
    };
  }

  /** Of the newest descriptor that can be read; those that are damaged are set aside, for a copy to bring them again. */
  async #newestHeader(held: Held): Promise<SnapshotHeader | undefined> {
    for (;;) {
      const snapshot = held.snapshots.at(-1);
      if (snapshot === undefined) return undefined;
      const header = await this.header(held.state, snapshot);
      if (header) return header;
      this.#log.warn({ state: held.state, snapshot }, 'a descriptor is damaged');
      await this.setSnapshotAside(held, snapshot);
    }
  }

  async setSnapshotAside(held: Held, snapshot: number): Promise<void> {
    await this.#store.setSnapshotAside(held.state, snapshot);
    held.snapshots = held.snapshots.filter((number) => number !== snapshot);
  }
}

function bytesOf(packs: readonly PackReference[]): number {
  return packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
