/**
 * What of a record is needed to judge it. A log with tens of thousands of records keeps this much of each in memory; the
 * envelopes, events in full and sealed parts stay in its file and are read when they are asked for.
 */
import type { AssociationId, FleetId, PeerIdText } from '../../common/ids.ts';
import type {
  AdmissionBody,
  AssociationBody,
  EventBody,
  Invite,
  RecordBody,
  RecordHash,
  RecordHeader,
  StoredRecord,
} from './types.ts';

export type EventSubject = Pick<EventBody, 'type' | 'association' | 'step' | 'state'>;
type KnownAdmission = Omit<AdmissionBody, 'invite' | 'joinSignature'>;
export type KnownBody = Exclude<RecordBody, AdmissionBody | EventBody> | KnownAdmission | EventSubject;
export type KnownInvite = Pick<Invite, 'issuer' | 'serial' | 'uses' | 'association'>;

/** A verified record, or as much of it as judging needs. Every `StoredRecord` is one. */
export interface KnownRecord<Body extends KnownBody = KnownBody> {
  readonly hash: RecordHash;
  readonly header: RecordHeader;
  readonly body: Body;
  readonly invite: KnownInvite | undefined;
}

export type KnownOf<T extends KnownBody['type']> = KnownRecord<Extract<KnownBody, { type: T }>>;

/** A record in a set. */
export interface Kept extends KnownRecord {
  /**
   * Its place in an order in which other sets can take the records: that in which this one took them, only that a record
   * has the place of the one that it replaced.
   */
  number: number;
  /** Of its envelope. */
  readonly bytes: number;
}
export type KeptOf<T extends KnownBody['type']> = Kept & KnownOf<T>;

/** Reads a body in full. */
export type BodyReader = (hash: RecordHash) => RecordBody;

/** What `Keeper` looks up among the records that are here already. */
export interface Here {
  readonly byHash: { get(hash: RecordHash): KnownRecord | undefined };
  readonly dossiers: { get(id: AssociationId): { readonly events: readonly KnownOf<'event'>[] } | undefined };
}

/** Its header stands in the record itself: with tens of thousands of them each object more is felt. */
class KeptRecord implements Kept, RecordHeader {
  readonly hash: RecordHash;
  readonly fleetId: FleetId;
  readonly signer: PeerIdText;
  readonly epoch: string;
  readonly sequence: number;
  readonly previous: RecordHash | null;
  readonly time: number;
  readonly body: KnownBody;
  readonly invite: KnownInvite | undefined;
  readonly bytes: number;
  number: number;

  constructor(hash: RecordHash, header: RecordHeader, rest: Pick<Kept, 'body' | 'invite' | 'bytes' | 'number'>) {
    this.hash = hash;
    this.fleetId = header.fleetId;
    this.signer = header.signer;
    this.epoch = header.epoch;
    this.sequence = header.sequence;
    this.previous = header.previous;
    this.time = header.time;
    this.body = rest.body;
    this.invite = rest.invite;
    this.bytes = rest.bytes;
    this.number = rest.number;
  }

  get header(): RecordHeader {
    return this;
  }
}

const NOBODY: readonly PeerIdText[] = Object.freeze([]);

/** Makes of a record what of it is kept. Texts that are equal become one: the same peer ids and hashes stand everywhere. */
export class Keeper {
  readonly #here: Here;
  readonly #read: BodyReader;
  readonly #texts = new Map<string, string>();

  constructor(here: Here, read: BodyReader) {
    this.#here = here;
    this.#read = read;
  }

  keep({ hash, header, body, invite, envelope }: StoredRecord, number: number): Kept {
    const own: RecordHeader = {
      fleetId: this.text(header.fleetId),
      signer: this.text(header.signer),
      epoch: this.text(header.epoch),
      sequence: header.sequence,
      previous: header.previous && this.#hash(header.previous),
      time: header.time,
    };
    const issuer = invite && this.text(invite.issuer);
    return new KeptRecord(hash, own, {
      body: this.#body(hash, body),
      invite: invite && issuer && { issuer, serial: invite.serial, uses: invite.uses, association: invite.association },
      bytes: envelope.length,
      number,
    });
  }

  /** The one text of those that are equal; for those of which there are few thousand. */
  text<T extends string>(text: T): T {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return (known ?? text) as T;
  }

  #hash<T extends string>(hash: T): T {
    return ((this.#here.byHash.get(hash as string as RecordHash)?.hash as string | undefined) ?? hash) as T;
  }

  #body(hash: RecordHash, body: RecordBody): KnownBody {
    switch (body.type) {
      case 'event':
        return this.#event(body);
      case 'admission': {
        const { type, role, admittedAt } = body;
        return { type, peerId: this.text(body.peerId), ageRecipient: this.text(body.ageRecipient), role, admittedAt };
      }
      case 'member':
        return { ...body, peerId: this.text(body.peerId), ageRecipient: this.text(body.ageRecipient) };
      case 'association': {
        const points = body.points.length === 0 ? NOBODY : body.points.map((point) => this.text(point));
        const destination = body.destination && this.text(body.destination);
        const slim = { ...body, source: this.text(body.source), destination, points };
        return body.sealed || body.ticketSealed ? new SealedAssociation(slim, hash, this.#read) : slim;
      }
      default:
        return body;
    }
  }

  #event({ type, association, step, state }: EventBody): EventSubject {
    const others = this.#here.dossiers.get(association)?.events ?? [];
    const same = others.find(({ body }) => body.state === state)?.body.state;
    return { type, association: this.#hash(association), step, state: same ?? state };
  }
}

/** An association whose sealed parts, up to 12 KiB, are read when they are asked for. */
class SealedAssociation implements AssociationBody {
  readonly type = 'association';
  readonly source: AssociationBody['source'];
  readonly destination: AssociationBody['destination'];
  readonly mode: AssociationBody['mode'];
  readonly nonce: string;
  readonly points: AssociationBody['points'];
  readonly replicas: number;
  readonly keepMs: number;
  readonly deadlineMs: number | null;
  readonly ticketRecipient: string | null;
  readonly shares: AssociationBody['shares'];
  readonly codeRecipient: string | null;
  readonly start: AssociationBody['start'];
  readonly #hash: RecordHash;
  readonly #read: BodyReader;

  constructor(body: AssociationBody, hash: RecordHash, read: BodyReader) {
    this.source = body.source;
    this.destination = body.destination;
    this.mode = body.mode;
    this.nonce = body.nonce;
    this.points = body.points;
    this.replicas = body.replicas;
    this.keepMs = body.keepMs;
    this.deadlineMs = body.deadlineMs;
    this.ticketRecipient = body.ticketRecipient;
    this.shares = body.shares;
    this.codeRecipient = body.codeRecipient;
    this.start = body.start;
    this.#hash = hash;
    this.#read = read;
  }

  get sealed(): Uint8Array | null {
    return this.#inFull().sealed;
  }

  get ticketSealed(): Uint8Array | null {
    return this.#inFull().ticketSealed;
  }

  #inFull(): AssociationBody {
    return this.#read(this.#hash) as AssociationBody;
  }
}
