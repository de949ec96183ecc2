import type { AssociationId, PeerIdText, StateId } from '../../../common/ids.ts';
import { EVENT_NOTE_TEXT_MAX, EVENT_NOTES_MAX, EVENT_PEERS_MAX } from '../../../common/limits.ts';
import { type EventBody, type EventPhase, plainEvent } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { Log } from '../../log.ts';

export interface ActivitySaid {
  readonly bytes?: number;
  readonly peers?: readonly PeerIdText[];
  readonly notes?: readonly string[];
}

export interface CommitSaid {
  readonly state: StateId;
  readonly phase: 'stored' | 'safe';
  readonly snapshot: number;
  readonly descriptorHash: string;
  readonly bytes: number;
  readonly peers: readonly PeerIdText[];
  readonly untilMs: number;
  readonly machine: Uint8Array | null;
  readonly skipped: number;
  readonly notes: readonly string[];
}

/** What this source says of its migrations to the fleet: signed events, and only what changes something. */
export class Voice {
  readonly #fleet: Pick<FleetView, 'self' | 'append' | 'events'>;
  readonly #log: Log;

  constructor(fleet: Pick<FleetView, 'self' | 'append' | 'events'>, log: Log) {
    this.#fleet = fleet;
    this.#log = log;
  }

  /** Of one association: where its capture stands. */
  async activity(association: AssociationId, phase: EventPhase, said: ActivitySaid = {}): Promise<void> {
    const { bytes = 0, peers = [], notes = [] } = said;
    await this.#say(plainEvent({ association, step: 'activity', phase, bytes, peers, notes }));
  }

  /** Of one state: its newest snapshot, and whether the source may be wiped. */
  async commit(association: AssociationId, said: CommitSaid): Promise<void> {
    await this.#say(plainEvent({ association, step: 'commit', ...said }));
  }

  /** What this source has said last of a step. */
  last(association: AssociationId, step: EventBody['step'], state: StateId | null): EventBody | undefined {
    const { self } = this.#fleet;
    return this.#fleet
      .events(association)
      .find(({ signer, body }) => signer === self && body.step === step && body.state === state)?.body;
  }

  /** That it cannot be said ends no capture: the state is where it is. */
  async #say(said: EventBody): Promise<void> {
    const body: EventBody = {
      ...said,
      peers: said.peers.slice(0, EVENT_PEERS_MAX),
      notes: said.notes.slice(0, EVENT_NOTES_MAX).map(noteOf),
    };
    const before = this.last(body.association, body.step, body.state);
    if (before && isSame(before, body)) return;
    await this.#fleet.append(body).catch((error: unknown) => {
      this.#log.warn({ err: error, step: body.step, phase: body.phase }, 'an event could not be signed');
    });
  }
}

/** A sentence as a record takes it. */
function noteOf(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').trim() || 'without a reason';
  return clean.length > EVENT_NOTE_TEXT_MAX ? `${clean.slice(0, EVENT_NOTE_TEXT_MAX - 1)}…` : clean;
}

function isSame(a: EventBody, b: EventBody): boolean {
  const textOf = (body: EventBody): string =>
    JSON.stringify(
      Object.entries(body)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([key, value]) => [key, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value]),
    );
  return textOf(a) === textOf(b);
}
