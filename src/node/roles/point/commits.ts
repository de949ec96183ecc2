import { asBuffer, hexOf } from '../../../common/bytes.ts';
import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import { type PackId, type PeerIdText, type StateId, stateId } from '../../../common/ids.ts';
import { SPREAD_SNAPSHOTS_MAX } from '../../../common/limits.ts';
import type { AddKey, Commit, KeyFile } from '../../../protocols/point/messages.ts';
import { openDescriptor, type PackReference, type SnapshotHeader } from '../../../state/format/index.ts';
import type { Association } from '../../../state/records/index.ts';
import type { Store } from '../../../state/store/index.ts';
import type { Log } from '../../log.ts';
import type { Doors, Pass } from './door.ts';
import type { Held, HeldStates } from './held-states.ts';
import type { LeaseRecord, Leases } from './leases/leases.ts';
import type { Reservations } from './leases/reservations.ts';
import type { Unfinished } from './leases/unfinished.ts';
import { bitsOf, checkPackBits, chosen, joinPackBits, type PackBits } from './pack-bits.ts';
import type { Parties } from './parties.ts';
import type { PointFile } from './point-file.ts';
import type { PointFleet } from './point-fleet.ts';
import type { Receipts } from './receipts.ts';
import type { StateInfo } from './state-info.ts';
import { isAsNoted, noteOf, notesAfter, notesWith } from './upkeep/key-notes.ts';
import { verifyInTurns } from './upkeep/verify-in-turns.ts';

export interface CommitParts {
  readonly store: Store;
  readonly fleet: PointFleet;
  readonly held: HeldStates;
  readonly leases: Leases;
  readonly doors: Doors;
  readonly parties: Parties;
  readonly reservations: Reservations;
  readonly unfinished: Unfinished;
  readonly receipts: Receipts;
  readonly file: PointFile;
  readonly log: Log;
}

/** The end of a transfer to this point: everything is looked at once more, then the descriptor makes it count. */
export class Commits {
  readonly #parts: CommitParts;

  constructor(parts: CommitParts) {
    this.#parts = parts;
  }

  /**
   * Settles when the snapshot is durable and its receipt signed. Throws `refused` for who may not and for a snapshot that
   * is not newer (T8), `damaged` where packs are missing.
   */
  async commit(commit: Commit, peer: string): Promise<void> {
    const { leases, doors, parties, held, unfinished, receipts, log } = this.#parts;
    const lease = leases.use(commit.lease, peer);
    const { state } = lease;
    const { held: one, association } = parties.party(state, peer, lease.copy ? ['claimant'] : ['source']);
    const pass = doors.enter(state, 'commit', peer);
    try {
      const header = await openDescriptor(commit.descriptor);
      checkDescriptor(header, state, association, commit.snapshot);
      checkPackBits(commit.packs, header.packs.length);
      checkKeys(commit.keys, association, lease.copy);
      let bits: PackBits = commit.packs;
      let keys: readonly KeyFile[] = commit.keys;
      if (await this.#isTheSame(one, header, commit.descriptor)) {
        // Its answer did not arrive; or packs were lost since; or this is another part of what is here in part.
        const before = await this.#bitsNow(one, header);
        bits = joinPackBits(before, commit.packs, header.packs.length);
        if (one.newest?.missing === 0 && one.badKeys === 0 && hexOf(bits) === hexOf(before)) {
          await this.#endLease(one, lease, {});
          return;
        }
        // A copy mends what is damaged here; it does not exchange a key that the source brought.
        if (lease.copy) keys = keys.filter((key) => isAsNoted(one.info, key));
      } else {
        this.#checkNewer(one, header, association, lease.copy);
      }
      await this.#checkPacks(one, header, chosen(header.packs, bits), pass);
      await this.#bookSmallFiles(lease, commit);
      failpoint('commit.checked');
      // Before the descriptor makes the snapshot count: else a crash would leave packs of others as missing here.
      const notes = keys.map(({ name, bytes }) => noteOf(name, bytes));
      await held.remember(one, {
        spread: spreadWith(one, header.snapshot, bits),
        keys: notesWith(one.info, notes),
      });
      failpoint('commit.part-noted');
      await this.#write(one, header, { ...commit, keys: [...keys] });
      failpoint('commit.descriptor-written');
      await this.#endLease(one, lease, {
        status: 'held',
        keys: notesAfter(one.info, notes),
        keep: { committedAtMs: this.#parts.file.observedMs(), acknowledgedAtMs: null },
      });
      log.info({ state, snapshot: header.snapshot, packs: header.packs.length, copy: lease.copy }, 'committed');
    } finally {
      pass.close();
    }
    failpoint('commit.lease-ended');
    // What an interrupted capture before this one left.
    await unfinished.drop(one).catch((error: unknown) => log.warn({ err: error, state }, 'leftovers stay for now'));
    await held.recount(one);
    await receipts.tell(one).catch((error: unknown) => log.warn({ err: error, state }, 'the receipt is signed later'));
    failpoint('commit.receipt-signed');
  }

  /** A key for a destination that was named after the capture, by the source. Throws `refused`, `not-found`. */
  async addKey(wish: AddKey, peer: string): Promise<void> {
    const { parties, store } = this.#parts;
    const state = stateId(wish.state);
    const { held, association } = parties.party(state, peer, ['source']);
    const { key } = wish;
    if (!key || key.bytes.length === 0 || key.name !== association.destination || held.snapshots.length === 0) {
      throw new ResettleError('refused', 'only a key for the destination that the association names can be added');
    }
    const notes = [noteOf(key.name, key.bytes)];
    await this.#parts.held.remember(held, { keys: notesWith(held.info, notes) });
    await store.writeKey(state, association.destination, key.bytes);
    failpoint('commit.key-added');
    await this.#parts.held.remember(held, { keys: notesAfter(held.info, notes) });
    await this.#parts.held.recount(held);
  }

  /** Which packs of a snapshot that is here this point shall hold. */
  async #bitsNow(one: Held, header: SnapshotHeader): Promise<PackBits> {
    const known = this.#parts.held.bitsOf(one, header.snapshot);
    if (known) return known;
    const own = new Set((await this.#parts.held.own(one, header)).map(({ id }) => id));
    return bitsOf(header.packs, ({ id }) => own.has(id));
  }

  /** The very snapshot that is the newest here already. */
  async #isTheSame(one: Held, header: SnapshotHeader, descriptor: Uint8Array): Promise<boolean> {
    if (one.snapshots.at(-1) !== header.snapshot) return false;
    const bytes = await this.#parts.store.readDescriptor(one.state, header.snapshot);
    return bytes !== undefined && asBuffer(bytes).equals(asBuffer(descriptor));
  }

  /**
   * T8: neither older than what is here, nor than what the source itself has told the fleet. A copy may be older than that:
   * where the newest is out of reach, the one before it is what there is.
   */
  #checkNewer(one: Held, header: SnapshotHeader, association: Association, copy: boolean): void {
    const { fleet } = this.#parts;
    const told = fleet
      .events(association.id)
      .find(({ signer, body }) => signer === header.source && body.step === 'commit' && body.state === one.state)?.body;
    const here = one.snapshots.at(-1) ?? 0;
    const sameAsTold = told?.snapshot === header.snapshot && told.descriptorHash === hexOf(header.descriptorHash);
    const olderThanTold = told && header.snapshot < told.snapshot;
    const otherThanTold = told && header.snapshot === told.snapshot && !sameAsTold;
    if (header.snapshot <= here || otherThanTold || (olderThanTold && !copy)) {
      throw new ResettleError(
        'refused',
        `snapshot ${header.snapshot} is not newer than snapshot ${Math.max(here, told?.snapshot ?? 0)}, which is known`,
        { hint: 'a HOME that was put back to an earlier time cannot go on with this state' },
      );
    }
  }

  /** Every pack is there; those that the snapshot before did not have are read again. Damaged ones are set aside. */
  async #checkPacks(one: Held, header: SnapshotHeader, packs: readonly PackReference[], pass: Pass): Promise<void> {
    const { store, held } = this.#parts;
    const { state } = one;
    const last = one.snapshots.at(-1);
    const before = last === undefined ? undefined : await held.header(state, last);
    const earlier = new Set((before?.packs ?? []).map(({ id }) => id));
    const ids = packs.map(({ id }) => id);
    const bad = new Set<PackId>(await store.missingPacks(state, ids));
    const fresh = packs.filter(({ id }) => !earlier.has(id) && !bad.has(id));
    for (const id of await verifyInTurns(store, state, fresh, () => pass.progress())) {
      await store.setPackAside(state, id);
      bad.add(id);
    }
    pass.signal.throwIfAborted();
    if (bad.size === 0) return;
    throw new ResettleError('damaged', `${bad.size} of ${header.packs.length} packs are missing or damaged here`, {
      hint: 'run the capture again',
    });
  }

  /** Descriptor and key files take room, too: of the lease, or of what is free. */
  async #bookSmallFiles(lease: LeaseRecord, { descriptor, keys }: Commit): Promise<void> {
    const bytes = keys.reduce((sum, key) => sum + key.bytes.length, descriptor.length);
    const left = lease.bytes - lease.bookedBytes;
    if (bytes <= left || bytes - left <= (await this.#parts.reservations.grantable())) return;
    throw new ResettleError('no-point', `there is no room for the ${bytes} bytes of its descriptor and keys`);
  }

  async #write(one: Held, header: SnapshotHeader, commit: Commit): Promise<void> {
    const { store } = this.#parts;
    for (const { name, bytes } of commit.keys) await store.writeKey(one.state, name as PeerIdText, bytes);
    failpoint('commit.keys-written');
    await store.writeDescriptor(one.state, header.snapshot, commit.descriptor);
    one.snapshots = [...one.snapshots.filter((number) => number !== header.snapshot), header.snapshot].sort(
      (a, b) => a - b,
    );
  }

  async #endLease(one: Held, lease: LeaseRecord, change: Partial<StateInfo>): Promise<void> {
    this.#parts.leases.release(lease.id);
    this.#parts.unfinished.takenUp(one.state);
    await this.#parts.held.remember(one, { ...change, lease: null });
  }
}

function checkDescriptor(header: SnapshotHeader, state: StateId, association: Association, snapshot: number): void {
  if (header.stateId !== state || header.source !== association.body.source || header.association !== association.id) {
    throw new ResettleError('refused', 'the descriptor is not of this state, source and association');
  }
  if (header.snapshot !== snapshot) {
    throw new ResettleError('refused', `the descriptor is of snapshot ${header.snapshot}, not ${snapshot}`);
  }
}

/**
 * Keys for nobody unknown, and for somebody: the destination where it is known, else who can wrap the key to it later.
 * In place with a ticket it is the shares that carry the key. A copy has the keys that its origin has.
 */
function checkKeys(keys: readonly KeyFile[], association: Association, copy: boolean): void {
  const { destination, body } = association;
  const known = new Set<string | undefined>([destination, 'recovery', 'code']);
  if (keys.some(({ name, bytes }) => !known.has(name) || bytes.length === 0)) {
    throw new ResettleError('refused', 'the state key is wrapped to somebody unknown');
  }
  if (copy || (body.mode === 'in-place' && body.ticketRecipient !== null)) return;
  if (destination !== undefined && !keys.some(({ name }) => name === destination)) {
    throw new ResettleError('refused', 'the state key is not wrapped to the destination of the association');
  }
  if (keys.length === 0) {
    throw new ResettleError('refused', 'the state key is wrapped to nobody', {
      hint: 'name a destination, or use a recovery key or a recovery code',
    });
  }
}

/** Of the newest few snapshots which packs are this point's. */
function spreadWith(one: Held, snapshot: number, packs: Uint8Array): StateInfo['spread'] {
  const spread = (one.info?.spread ?? []).filter((known) => known.snapshot !== snapshot);
  if (packs.length === 0) return spread;
  return [...spread, { snapshot, packs: asBuffer(packs).toString('base64') }].slice(-SPREAD_SNAPSHOTS_MAX);
}
