import { hexOf } from '../../../common/bytes.ts';
import { type ErrorCode, messageOf, ResettleError } from '../../../common/errors.ts';
import type { PeerIdText } from '../../../common/ids.ts';
import { EVENT_PEERS_MAX } from '../../../common/limits.ts';
import type { SnapshotHeader } from '../../../state/format/index.ts';
import { type Association, type EventBody, plainEvent, type SignedEvent } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { Applied, RestoreWish } from './apply.ts';

/** The destination's signed word that a snapshot is restored: holders keep it from then on as long as was agreed. */
export interface RestoreReceipt {
  /** Hash of the record. */
  readonly record: string;
  readonly descriptorHash: string;
  /** ISO 8601, by this machine's clock. */
  readonly time: string;
}

/** Why a restore failed, as all members may read it: error messages have paths and names in them, these have none. */
const REASONS: Partial<Record<ErrorCode, string>> = {
  interrupted: 'it was interrupted; the same command goes on',
  damaged: 'no holder has every pack as it should be',
  refused: 'a holder or the target refused it',
  'not-found': 'something that was asked for is not there',
};
const OTHER_REASON = 'it failed there; that machine says why, and the same command goes on';

/**
 * Tells the fleet how a restore of one snapshot goes. A restore that brings only a part, or writes nothing, says
 * nothing. Nor does one of a snapshot that was acknowledged already, or of an older one: the later word would take the
 * place of the acknowledgement.
 */
export class Acknowledgement {
  readonly #fleet: Pick<FleetView, 'append'>;
  readonly #association: Association;
  readonly #header: SnapshotHeader;
  readonly #speaks: boolean;
  readonly #onNote: (message: string) => void;
  #began: Promise<unknown> | undefined;

  constructor(
    fleet: Pick<FleetView, 'self' | 'events' | 'append'>,
    subject: { readonly association: Association; readonly header: SnapshotHeader },
    wish: Pick<RestoreWish, 'dryRun' | 'only'>,
    onNote: (message: string) => void,
  ) {
    this.#fleet = fleet;
    this.#association = subject.association;
    this.#header = subject.header;
    this.#onNote = onNote;
    const before = ownWord(fleet.events(subject.association.id), fleet.self, subject.header);
    this.#speaks = !wish.dryRun && wish.only === undefined && !isAcknowledged(before, subject.header);
  }

  /** A pack is asked for: called for each, said once. A restore that is refused before that says nothing. */
  restoring(): void {
    this.#began ??= this.#say({ phase: 'restoring' });
  }

  /** After the last check of the last file. Undefined where nothing was said. */
  async restored(applied: Applied, peers: readonly PeerIdText[]): Promise<RestoreReceipt | undefined> {
    const { bytes, skipped } = applied;
    await this.#began;
    return this.#say({ phase: 'restored', bytes, skipped, peers: peers.slice(0, EVENT_PEERS_MAX) });
  }

  async failed(error: unknown, isAborted: boolean): Promise<void> {
    if (!this.#began) return;
    await this.#began;
    const code = isAborted ? 'interrupted' : error instanceof ResettleError ? error.code : 'failed';
    await this.#say({ phase: 'failed', notes: [REASONS[code] ?? OTHER_REASON] });
  }

  /** A restore is not worth less for a word that could not be signed: that is told and nothing more. */
  async #say(word: Pick<EventBody, 'phase'> & Partial<EventBody>): Promise<RestoreReceipt | undefined> {
    if (!this.#speaks) return undefined;
    const { stateId, snapshot } = this.#header;
    const descriptorHash = hexOf(this.#header.descriptorHash);
    try {
      const record = await this.#fleet.append(
        plainEvent({
          association: this.#association.id,
          state: stateId,
          step: 'restore',
          snapshot,
          descriptorHash,
          ...word,
        }),
      );
      return { record: record.hash, descriptorHash, time: new Date(record.header.time).toISOString() };
    } catch (error) {
      this.#onNote(`the fleet could not be told that this state is ${word.phase}: ${messageOf(error)}`);
      return undefined;
    }
  }
}

function ownWord(events: readonly SignedEvent[], self: PeerIdText, { stateId }: SnapshotHeader): EventBody | undefined {
  return events.find(({ signer, body }) => signer === self && body.step === 'restore' && body.state === stateId)?.body;
}

function isAcknowledged(word: EventBody | undefined, { snapshot }: SnapshotHeader): boolean {
  return word?.phase === 'restored' && word.snapshot >= snapshot;
}
