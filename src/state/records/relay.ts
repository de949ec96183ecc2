/**
 * Which records may be passed on: those that a log with nothing but them would take, so that equal rosters come with equal
 * fingerprints, and each with its whole chain, so that nobody can hide a record by leaving it out. Almost always that is
 * all of them, and then it costs nothing to know.
 */
import type { AssociationId, FleetId, PeerIdText } from '../../common/ids.ts';
import { alongChain } from './chain.ts';
import type { Dossier } from './dossiers.ts';
import { dossierOf, type Judgement } from './judgement.ts';
import type { Kept, KnownRecord } from './known.ts';
import { type Membership, membershipOf } from './membership.ts';
import { Migrations } from './migrations.ts';
import { type Surroundings, whyNoPlace } from './place.ts';
import { isLasting } from './record.ts';
import { membershipRecords, type RecordSet } from './record-set.ts';
import type { RecordHash } from './types.ts';

type Hashes = Set<RecordHash>;

export class Relay {
  readonly #set: RecordSet;
  readonly #judgement: Judgement;
  readonly #fleetId: FleetId | undefined;
  /** All but events: those of migrations follow from the rest. */
  #out: Hashes = new Set();
  #eventsOut: Hashes = new Set();
  /** Of its own only while something is out. */
  #membership: Membership;
  #migrations: Migrations;
  #membershipVersion = -1;
  #gapVersion = -1;

  constructor(set: RecordSet, judgement: Judgement, fleetId: FleetId | undefined) {
    this.#set = set;
    this.#judgement = judgement;
    this.#fleetId = fleetId;
    this.#membership = judgement.membership;
    this.#migrations = judgement.migrations;
    this.refresh();
    for (const dossier of set.dossiers.all()) this.#judgeEvents(dossier);
  }

  includes({ hash }: KnownRecord): boolean {
    return !this.#out.has(hash) && !this.#eventsOut.has(hash);
  }

  /** After a record was put into the set and judged there. */
  added(record: KnownRecord): void {
    if (isLasting(record) && !this.#isPlain(record.header.signer, this.#membership)) this.#membershipVersion = -1;
    const id = dossierOf(record);
    const dossier = id && this.#set.dossiers.get(id);
    if (!dossier) return;
    if (this.#migrations !== this.#judgement.migrations) this.#migrations.judge(dossier);
    this.#judgeEvents(dossier);
  }

  dropped({ hash }: KnownRecord): void {
    this.#out.delete(hash);
    this.#eventsOut.delete(hash);
  }

  /**
   * Takes over what has changed in the judgement. `touched` are the dossiers that it judged anew. Returns the records that
   * are passed on now and were not, or the reverse.
   */
  refresh(touched: readonly Dossier[] = []): Set<RecordHash> {
    const { membershipVersion } = this.#judgement;
    const gapVersion = this.#set.gaps.version;
    const isSame = this.#membershipVersion === membershipVersion && this.#gapVersion === gapVersion;
    const before = new Set([...this.#out, ...this.#eventsOut]);
    this.#membershipVersion = membershipVersion;
    this.#gapVersion = gapVersion;
    const again = isSame ? touched : [...touched, ...this.#refreshAll()];
    for (const dossier of again) this.#judgeEvents(dossier);
    const after = new Set([...this.#out, ...this.#eventsOut]);
    return difference(before, after);
  }

  /** Returns the dossiers that were judged anew. */
  #refreshAll(): Dossier[] {
    const { out, membership } = this.#fixpoint();
    const changed = difference(this.#out, out);
    this.#out = out;
    this.#membership = membership;
    if (out.size === 0 && this.#migrations === this.#judgement.migrations) return [];
    if (out.size === 0) {
      this.#migrations = this.#judgement.migrations;
      return [...this.#set.dossiers.all()];
    }
    if (this.#migrations === this.#judgement.migrations) {
      this.#migrations = new Migrations(this.#set.dossiers, membership, (record) => this.#out.has(record.hash));
      return [...this.#set.dossiers.all()];
    }
    const ids = new Set<AssociationId>();
    for (const hash of changed) {
      const record = this.#set.byHash.get(hash);
      const id = record && dossierOf(record);
      if (id) ids.add(id);
    }
    return this.#migrations.update(membership, ids);
  }

  /** Takes away what has no place, and what has none without that, until nothing changes. */
  #fixpoint(): { out: Hashes; membership: Membership } {
    const out: Hashes = new Set(this.#set.gaps.hashes);
    let { membership } = this.#judgement;
    let isOwn = false;
    for (;;) {
      const more = this.#withoutPlace(membership, out);
      if (more.length === 0 && (isOwn || out.size === 0)) return { out, membership };
      this.#takeOut(more, out);
      membership = membershipOf(membershipRecords(this.#set, out), this.#membership);
      isOwn = true;
    }
  }

  /** Of what counts for membership and chains; only of signers about whom there is something is each record looked at. */
  #withoutPlace(membership: Membership, out: Hashes): Kept[] {
    const around = this.#around(membership, out);
    const within = (record: KnownRecord): boolean => !out.has(record.hash);
    const suspects: Kept[] = [...this.#set.fleets, ...this.#set.admissions, ...this.#set.members];
    suspects.push(...this.#set.revocations);
    for (const signer of this.#set.signers()) {
      if (!this.#isPlain(signer, membership)) suspects.push(...this.#set.lastingOf(signer));
    }
    return suspects.filter((record) => within(record) && whyNoPlace(record, around) !== undefined);
  }

  /** True for a signer of whom every lasting record has a place, but for admissions and revocations. */
  #isPlain(signer: PeerIdText, { authority, standings, cuts }: Membership): boolean {
    const standing = standings.get(signer);
    return signer === authority || (standing && !standing.suspended && cuts.since(signer) === undefined) === true;
  }

  /** With a lasting record goes all that comes after it in the chain. */
  #takeOut(records: readonly Kept[], out: Hashes): void {
    for (const { hash } of records) out.add(hash);
    const isAfter = alongChain(this.#set.byHash, ({ hash }) => out.has(hash));
    const signers = new Set(records.filter(isLasting).map(({ header }) => header.signer));
    for (const signer of signers) {
      for (const record of this.#set.lastingOf(signer)) if (isAfter(record)) out.add(record.hash);
    }
  }

  #around(membership: Membership, out: Hashes): Surroundings {
    const isIn = ({ hash }: KnownRecord): boolean => !out.has(hash);
    return {
      fleetId: this.#fleetId,
      membership,
      association: (id) => this.#migrations.get(id),
      isAdmitted: (peerId: PeerIdText, ageRecipient) =>
        this.#set.admissionsOf(peerId).some((record) => isIn(record) && record.body.ageRecipient === ageRecipient),
    };
  }

  #judgeEvents({ events }: Dossier): void {
    if (events.length === 0) return;
    const around = this.#around(this.#membership, this.#out);
    for (const event of events) {
      if (whyNoPlace(event, around) === undefined) this.#eventsOut.delete(event.hash);
      else this.#eventsOut.add(event.hash);
    }
  }
}

/** What is in one of them only. */
function difference(a: Hashes, b: Hashes): Hashes {
  return new Set([...[...a].filter((hash) => !b.has(hash)), ...[...b].filter((hash) => !a.has(hash))]);
}
