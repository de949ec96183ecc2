/** What a set of records says, kept up to date record by record: a new event costs no look at any other migration. */
import type { AssociationId } from '../../common/ids.ts';
import type { Dossier } from './dossiers.ts';
import type { KnownRecord } from './known.ts';
import { type Membership, membershipOf } from './membership.ts';
import { Migrations } from './migrations.ts';
import { isLasting } from './record.ts';
import { membershipRecords, type RecordSet } from './record-set.ts';

const NOTHING_OUT: ReadonlySet<never> = new Set();

export class Judgement {
  readonly #set: RecordSet;
  #membership: Membership;
  #isStale = false;
  readonly migrations: Migrations;
  /** Grows whenever the membership was computed anew. */
  membershipVersion = 0;

  constructor(set: RecordSet) {
    this.#set = set;
    this.#membership = membershipOf(membershipRecords(set, NOTHING_OUT));
    this.migrations = new Migrations(set.dossiers, this.#membership, () => false);
  }

  get membership(): Membership {
    return this.#membership;
  }

  /**
   * After a record was put into the set; `forked`: in a place with another one. Membership is as it was until `refresh`,
   * so that many records cost one computation.
   */
  added(record: KnownRecord, forked: boolean): void {
    if (forked || this.#speaksOfMembership(record)) this.#isStale = true;
    this.#judge(record);
  }

  /** After a record was taken out of the set. */
  dropped({ header, body }: KnownRecord): void {
    if (body.type === 'member' || this.#membership.forks.signers.has(header.signer)) this.#isStale = true;
  }

  /** Computes what has changed. Returns the dossiers that were judged anew because of it. */
  refresh(): readonly Dossier[] {
    if (!this.#isStale) return [];
    this.#isStale = false;
    this.membershipVersion += 1;
    this.#membership = membershipOf(membershipRecords(this.#set, NOTHING_OUT), this.#membership);
    return this.migrations.update(this.#membership);
  }

  #judge(record: KnownRecord): void {
    const id = dossierOf(record);
    const dossier = id && this.#set.dossiers.get(id);
    if (dossier) this.migrations.judge(dossier);
  }

  /** Where a signer has a fork or was revoked, each lasting record may change how far his words count. */
  #speaksOfMembership(record: KnownRecord): boolean {
    if (['fleet', 'admission', 'member', 'revocation'].includes(record.body.type)) return true;
    const { signer } = record.header;
    const { cuts, forks } = this.#membership;
    return isLasting(record) && (cuts.since(signer) !== undefined || forks.signers.has(signer));
  }
}

/** The association that a record is about. */
export function dossierOf({ hash, body }: KnownRecord): AssociationId | undefined {
  if (body.type === 'association') return hash as string as AssociationId;
  if (body.type === 'naming' || body.type === 'ending' || body.type === 'event') return body.association;
  return undefined;
}
