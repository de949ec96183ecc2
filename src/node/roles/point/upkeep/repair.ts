import { messageOf } from '../../../../common/errors.ts';
import { failpoint } from '../../../../common/failpoint.ts';
import type { PackId, PeerIdText } from '../../../../common/ids.ts';
import { PACK_MAX_BYTES } from '../../../../common/limits.ts';
import type { Association } from '../../../../state/records/index.ts';
import type { KeyName, Store } from '../../../../state/store/index.ts';
import type { Log } from '../../../log.ts';
import type { Doors } from '../door.ts';
import type { Held, HeldStates } from '../held-states.ts';
import type { ConnectPoint, OtherPoint } from '../other-points.ts';
import type { Parties } from '../parties.ts';
import type { PointFleet } from '../point-fleet.ts';
import type { Receipts } from '../receipts.ts';
import { isSame, noteOf, notesAfter } from './key-notes.ts';

export interface RepairParts {
  readonly store: Store;
  readonly fleet: PointFleet;
  readonly held: HeldStates;
  readonly parties: Parties;
  readonly doors: Doors;
  readonly receipts: Receipts;
  readonly connect: ConnectPoint;
  readonly log: Log;
}

/** Fetches packs and keys that are damaged or missing here from other holders. What nobody has, the source sends again. */
export class Repair {
  readonly #parts: RepairParts;

  constructor(parts: RepairParts) {
    this.#parts = parts;
  }

  /** Tries every other holder; then says by a receipt how the state is. Returns how much is still missing. */
  async repair(one: Held, signal: AbortSignal): Promise<number> {
    const { held, parties, receipts, log } = this.#parts;
    const association = parties.associationOf(one);
    let lacking = await this.#lacking(one);
    for (const peer of association && lacking.size > 0 ? this.#others(one, association) : []) {
      try {
        await this.#fetchFrom(peer, one, lacking, signal);
      } catch (error) {
        signal.throwIfAborted();
        log.info({ state: one.state, peer, reason: messageOf(error) }, 'could not repair from that holder');
      }
      lacking = await this.#lacking(one);
      if (lacking.size === 0) break;
    }
    const keys = association ? await this.#repairKeys(one, association, signal) : 0;
    if (held.get(one.state) !== one) return 0;
    await held.recount(one);
    if (lacking.size + keys === 0 && one.info?.scrub)
      await held.remember(one, { scrub: { ...one.info.scrub, bad: 0 } });
    failpoint('repair.noted');
    await receipts.tell(one);
    return lacking.size + keys;
  }

  /** Returns how many are still not as they were brought. */
  async #repairKeys(one: Held, association: Association, signal: AbortSignal): Promise<number> {
    const { held, connect, log } = this.#parts;
    let bad = await held.badKeys(one);
    for (const peer of bad.length > 0 ? this.#others(one, association) : []) {
      try {
        const theirs = await (await connect(peer, signal)).keys(one.state, signal);
        for (const { name, bytes } of theirs)
          if (bad.some((one) => one === name)) await this.#settleKey(one, name, bytes);
      } catch (error) {
        signal.throwIfAborted();
        log.info({ state: one.state, peer, reason: messageOf(error) }, 'no key from that holder');
      }
      bad = await held.badKeys(one);
      if (bad.length === 0) break;
    }
    return bad.length;
  }

  /** What another holder has is right where it is as we noted, or as we have it: then it is the note that was wrong. */
  async #settleKey(one: Held, name: string, bytes: Uint8Array): Promise<void> {
    const { store, held, log } = this.#parts;
    const theirs = noteOf(name, bytes);
    const ours = await store.readKey(one.state, name as KeyName).catch(() => undefined);
    if (one.info?.keys.some((note) => isSame(note, theirs))) {
      await store.writeKey(one.state, name as KeyName, bytes);
      log.info({ state: one.state, key: name }, 'a key file was fetched again from another holder');
    } else if (ours && isSame(noteOf(name, ours), theirs)) {
      await held.remember(one, { keys: notesAfter(one.info, [theirs]) });
    }
  }

  async #lacking(one: Held): Promise<Map<PackId, number>> {
    const expected = await this.#parts.held.expected(one);
    const missing = await this.#parts.store.missingPacks(one.state, [...expected.keys()]);
    return new Map(missing.map((id) => [id, expected.get(id)!]));
  }

  /** Also those whose copy is damaged: what they lack may be something else. */
  #others(one: Held, association: Association): PeerIdText[] {
    const { fleet } = this.#parts;
    const { members } = fleet.roster();
    return fleet
      .events(association.id)
      .filter(({ signer, body }) => body.step === 'holder' && body.state === one.state && signer !== fleet.self)
      .filter(({ signer, body }) => body.phase !== 'deleted' && members.get(signer)?.status === 'active')
      .map(({ signer }) => signer);
  }

  async #fetchFrom(
    peer: PeerIdText,
    one: Held,
    lacking: ReadonlyMap<PackId, number>,
    signal: AbortSignal,
  ): Promise<void> {
    const { connect, doors, fleet, log } = this.#parts;
    const other = await connect(peer, signal);
    const absent = new Set(await other.missing(one.state, [...lacking.keys()], signal));
    const wanted = [...lacking].filter(([id]) => !absent.has(id));
    if (wanted.length === 0) return;
    // So that the state is not deleted under it.
    const pass = doors.enter(one.state, 'get', fleet.self, true);
    try {
      const fetched = await this.#fetch(other, one, wanted, AbortSignal.any([signal, pass.signal]));
      log.info({ state: one.state, peer, packs: fetched }, 'packs were fetched again from another holder');
    } finally {
      pass.close();
    }
  }

  /** One pack at a time: damage is rare, and nobody waits for it. */
  async #fetch(other: OtherPoint, one: Held, wanted: [PackId, number][], signal: AbortSignal): Promise<number> {
    const { store, log } = this.#parts;
    const source = await other.openSource(one.state, signal);
    const fetchOne = async (id: PackId, sizeBytes: number): Promise<void> => {
      let buffer: Uint8Array | undefined = await store.borrow(signal);
      try {
        await source.get(id, sizeBytes, buffer, signal);
        const whole = buffer;
        buffer = undefined;
        // Checks that it is what its name says.
        await store.storePack(one.state, id, whole, sizeBytes);
        failpoint('repair.fetched');
      } finally {
        // What a transfer that broke may still write to goes to the collector, not to others.
        if (buffer) store.giveBack(new Uint8Array(PACK_MAX_BYTES));
      }
    };
    let fetched = 0;
    try {
      for (const [id, sizeBytes] of wanted) {
        signal.throwIfAborted();
        await fetchOne(id, sizeBytes).then(
          () => {
            fetched += 1;
          },
          (error: unknown) => log.info({ state: one.state, pack: id, reason: messageOf(error) }, 'not from there'),
        );
      }
      await source.close();
    } catch (error) {
      source.abort(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
    return fetched;
  }
}
