import type { PeerIdText, StateId } from '../../../common/ids.ts';
import { EVENT_PEERS_MAX } from '../../../common/limits.ts';
import { type EventBody, plainEvent } from '../../../state/records/index.ts';
import type { Log } from '../../log.ts';
import type { Held, HeldStates } from './held-states.ts';
import type { Deletion, PointFile } from './point-file.ts';
import type { PointFleet } from './point-fleet.ts';

type HolderWord = Pick<EventBody, 'phase' | 'snapshot' | 'descriptorHash' | 'bytes' | 'totalBytes' | 'peers' | 'notes'>;

/**
 * What this point signs about the states that it holds: its receipts. A word is published only when it says something
 * else than the one before, and again at each `reconcile` where a crash came between a deed and its word.
 */
export class Receipts {
  readonly #fleet: PointFleet;
  readonly #held: HeldStates;
  readonly #file: PointFile;
  readonly #log: Log;

  constructor(fleet: PointFleet, held: HeldStates, file: PointFile, log: Log) {
    this.#fleet = fleet;
    this.#held = held;
    this.#file = file;
    this.#log = log;
  }

  /** Says what is held of a state now. `copiedTo`: a point that this one has made a copy on, for others to know it by. */
  async tell(held: Held, copiedTo?: PeerIdText): Promise<void> {
    const { newest, info, state } = held;
    // What was deleted meanwhile is not held any more, whatever whoever asks still remembers of it.
    if (!newest || !info || this.#held.get(state) !== held || this.#isBeingDeleted(state)) return;
    const own = this.#own(info.association, held.state);
    const before = own?.descriptorHash === newest.descriptorHash ? own.peers : [];
    const peers = copiedTo && !before.includes(copiedTo) ? [...before, copiedTo].slice(-EVENT_PEERS_MAX) : before;
    const notes = [
      ...(newest.missing > 0 ? [`${newest.missing} of its packs are missing or damaged here`] : []),
      ...(held.badKeys > 0 ? [`${held.badKeys} of its key files are missing or damaged here`] : []),
    ];
    await this.#say(info.association, held.state, {
      phase: notes.length > 0 ? 'damaged' : 'held',
      snapshot: newest.snapshot,
      descriptorHash: newest.descriptorHash,
      bytes: newest.heldBytes,
      totalBytes: newest.totalBytes,
      peers,
      notes,
    });
  }

  async tellDeleted({ association, state, snapshot, descriptorHash, totalBytes, reason }: Deletion): Promise<void> {
    const notes = [reason];
    await this.#say(association, state, {
      phase: 'deleted',
      snapshot,
      descriptorHash,
      bytes: 0,
      totalBytes,
      peers: [],
      notes,
    });
  }

  #isBeingDeleted(wanted: StateId): boolean {
    return this.#file.deletions().some(({ state }) => state === wanted);
  }

  /** Says what a crash, or a time outside the fleet, left unsaid. */
  async reconcile(): Promise<void> {
    for (const held of this.#held.all()) await this.tell(held).catch(this.#later(held.state));
    for (const { id } of this.#associations()) {
      for (const { signer, body } of this.#fleet.events(id)) {
        if (signer !== this.#fleet.self || body.step !== 'holder' || body.state === null) continue;
        if (body.phase === 'deleted' || this.#isBeingDeleted(body.state) || this.#held.get(body.state)?.newest)
          continue;
        const gone = { ...body, phase: 'damaged' as const, bytes: 0, notes: ['it is not in the store of this point'] };
        await this.#say(id, body.state, gone).catch(this.#later(body.state));
      }
    }
  }

  *#associations(): Iterable<{ id: EventBody['association'] }> {
    const { associations, pastAssociations } = this.#fleet.roster();
    yield* associations.values();
    yield* pastAssociations.values();
  }

  #own(association: EventBody['association'], state: EventBody['state']): EventBody | undefined {
    return this.#fleet
      .events(association)
      .find(({ signer, body }) => signer === this.#fleet.self && body.step === 'holder' && body.state === state)?.body;
  }

  async #say(association: EventBody['association'], state: EventBody['state'], word: HolderWord): Promise<void> {
    const before = this.#own(association, state);
    if (before && sameWord(before, word)) return;
    await this.#fleet.append(
      plainEvent({
        association,
        state,
        step: 'holder',
        phase: word.phase,
        snapshot: word.snapshot,
        descriptorHash: word.descriptorHash,
        bytes: word.bytes,
        totalBytes: word.totalBytes,
        peers: word.peers,
        notes: word.notes,
      }),
    );
    this.#log.info({ state, phase: word.phase, snapshot: word.snapshot }, 'receipt signed');
  }

  readonly #later = (state: EventBody['state']) => (error: unknown) =>
    this.#log.debug({ err: error, state }, 'a receipt could not be signed now');
}

function sameWord(a: HolderWord, b: HolderWord): boolean {
  return (
    a.phase === b.phase &&
    a.snapshot === b.snapshot &&
    a.descriptorHash === b.descriptorHash &&
    a.bytes === b.bytes &&
    a.totalBytes === b.totalBytes &&
    a.peers.join() === b.peers.join() &&
    a.notes.join() === b.notes.join()
  );
}
