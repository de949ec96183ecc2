/** A log's records in memory: judged, with what of them may be passed on, and fingerprints over that. */
import type { FleetId } from '../../common/ids.ts';
import { Fingerprints } from './fingerprints.ts';
import { dossierOf, Judgement } from './judgement.ts';
import type { Kept, KnownRecord } from './known.ts';
import { type Surroundings, whyNoPlace, whyNoRoom } from './place.ts';
import type { RecordSet } from './record-set.ts';
import { Relay } from './relay.ts';
import type { StoredRecord } from './types.ts';

export class Holdings {
  readonly set: RecordSet;
  readonly judgement: Judgement;
  readonly fingerprints: Fingerprints;
  readonly #relay: Relay;
  readonly #around: Surroundings;
  /** Grows whenever the roster may have changed. */
  #version = 0;

  constructor(set: RecordSet, fleetId: FleetId | undefined) {
    this.set = set;
    const judgement = new Judgement(set);
    this.judgement = judgement;
    this.#relay = new Relay(set, judgement, fleetId);
    this.fingerprints = new Fingerprints((record) => this.#relay.includes(record));
    for (const record of set.byHash.values()) this.fingerprints.add(record);
    this.#around = {
      fleetId,
      get membership() {
        return judgement.membership;
      },
      association: (id) => judgement.migrations.get(id),
      isAdmitted: (peerId, ageRecipient) =>
        set.admissionsOf(peerId).some(({ body }) => body.ageRecipient === ageRecipient),
    };
  }

  get version(): number {
    return this.#version + this.judgement.migrations.version;
  }

  /** Why a record may not be stored now, or undefined. */
  whyNot(record: StoredRecord): string | undefined {
    return whyNoPlace(record, this.#around) ?? whyNoRoom(record, record.envelope.length, this.set);
  }

  isPassedOn(record: KnownRecord): boolean {
    return this.#relay.includes(record);
  }

  /** Puts a record among the others. Who is a member is computed anew only in `settle`, once for many records. */
  take(record: Kept): void {
    const forked = this.set.add(record);
    this.judgement.added(record, forked);
    this.#relay.added(record);
    this.fingerprints.add(record);
    if (record.body.type === 'event') return;
    const id = dossierOf(record);
    for (const { hash } of (id && this.set.dossiers.get(id)?.events) || []) this.fingerprints.touch(hash);
  }

  /** After some records were taken. Returns those that are here no more because newer ones replaced them. */
  settle(taken: readonly Kept[]): Kept[] {
    const dropped = this.set.settle(taken);
    for (const record of dropped) {
      this.judgement.dropped(record);
      this.#relay.dropped(record);
      this.fingerprints.remove(record);
    }
    const before = this.judgement.membershipVersion;
    for (const hash of this.#relay.refresh(this.judgement.refresh())) this.fingerprints.touch(hash);
    if (this.judgement.membershipVersion !== before) this.#version += 1;
    return dropped;
  }
}
