/** The shapes of everything that other folders see of records. Hashes, epochs and serials are hex text in memory. */
import type { AssociationId, FleetId, PeerIdText } from '../../common/ids.ts';

declare const brand: unique symbol;

/** BLAKE3 of a record's signed payload, 64 hex digits. */
export type RecordHash = string & { readonly [brand]: 'RecordHash' };
/** What a member may do: `operator` also invites, revokes members and associates others. */
export type Role = 'member' | 'operator';

/** Signed by the authority only; the newest one counts. */
export interface FleetBody {
  readonly type: 'fleet';
  readonly name: string;
  /** The authority's public key as libp2p protobuf; its BLAKE3 is the fleet id. */
  readonly authorityKey: Uint8Array;
  /** An age recipient whose private half stays offline. */
  readonly recoveryRecipient: string | null;
  /** The oldest program version that may take part, such as `0.1.0`. */
  readonly minimumVersion: string;
  /** The cipher suite's number; 1 is the only one. */
  readonly suite: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Binds a peer id to an age recipient and a role. Signed by an online member, or by the authority without an invite. */
export interface AdmissionBody {
  readonly type: 'admission';
  readonly peerId: PeerIdText;
  readonly ageRecipient: string;
  readonly role: Role;
  /** The invite's envelope; null only where the authority admits directly. */
  readonly invite: Uint8Array | null;
  /** Milliseconds since 1970 by the admitter's clock. */
  readonly admittedAt: number;
  /** Made with the invite's private key (see join.ts); null exactly where `invite` is. */
  readonly joinSignature: Uint8Array | null;
}

/** What a machine says of itself. Signed by its own key; the newest one counts. */
export interface MemberBody {
  readonly type: 'member';
  readonly peerId: PeerIdText;
  readonly ageRecipient: string;
  readonly name: string;
  /** True if it offers to be a state migration point. */
  readonly point: boolean;
  /** Up to ADDRESSES_MAX multiaddrs. */
  readonly addresses: readonly string[];
  /** The machine's standing consent to associations that operators make for it. */
  readonly acceptsOperators: boolean;
}

/** Whose state goes where. Signed by the source, or by an operator where the source accepts operators. */
export interface AssociationBody {
  readonly type: 'association';
  readonly source: PeerIdText;
  readonly destination: PeerIdText;
  readonly mode: 'side-by-side';
  /** 16 random bytes in hex, so that the same parties can have several. */
  readonly nonce: string;
  /** Points to use; empty means that they are chosen. */
  readonly points: readonly PeerIdText[];
  readonly replicas: number;
  /** User names, areas and paths, sealed to source, destination and operators. */
  readonly sealed: Uint8Array | null;
}

/** Ends a membership for ever. The authority revokes anybody, operators revoke members. */
export interface RevocationBody {
  readonly type: 'revocation';
  readonly peerId: PeerIdText;
  /** The member's last lasting record that stays valid, with all before it; null: none does. */
  readonly lastAccepted: RecordHash | null;
}

export type RecordBody = FleetBody | AdmissionBody | MemberBody | AssociationBody | RevocationBody;

/** What every record carries. */
export interface RecordHeader {
  readonly fleetId: FleetId;
  readonly signer: PeerIdText;
  /** 8 random bytes of the signer's start, 16 hex digits. */
  readonly epoch: string;
  /** From 1, within the epoch. */
  readonly sequence: number;
  /** The signer's previous lasting record: any but a `member` record, which may be dropped. */
  readonly previous: RecordHash | null;
  /** Milliseconds since 1970 by the signer's clock; never falls along one signer's records. */
  readonly time: number;
}

/** A single- or multi-use right to join, signed by the authority or an operator. */
export interface Invite {
  readonly fleetId: FleetId;
  readonly issuer: PeerIdText;
  /** 16 random bytes, 32 hex digits. */
  readonly serial: string;
  /** The invite's public key, libp2p protobuf. */
  readonly publicKey: Uint8Array;
  readonly role: Role;
  readonly uses: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** A record whose signatures have been verified. */
export interface StoredRecord<Body extends RecordBody = RecordBody> {
  readonly hash: RecordHash;
  readonly header: RecordHeader;
  readonly body: Body;
  /** The invite that an admission carries, opened. */
  readonly invite: Invite | undefined;
  readonly envelope: Uint8Array;
}

/** What a joining machine sends to an online member. */
export interface JoinRequest {
  readonly invite: Uint8Array;
  readonly member: Uint8Array;
  readonly joinSignature: Uint8Array;
}

/** One line of a digest: what a log has of one signer's start. */
export interface DigestEntry {
  readonly signer: PeerIdText;
  /** 16 hex digits. */
  readonly epoch: string;
  /** Of the last lasting record before the first gap; 0 where only a member record is held. */
  readonly sequence: number;
  /** 64 hex digits over the records held, so that gaps and forks are found: opaque to the wire. */
  readonly fingerprint: string;
}

/** `active` may take part; all others are refused by every handler. */
export type MemberStatus = 'active' | 'suspended' | 'revoked' | 'forked';

export interface Member {
  readonly peerId: PeerIdText;
  readonly name: string;
  /** Never from anything but the member's own signed record, and equal to the one admitted. */
  readonly ageRecipient: string;
  readonly role: Role;
  readonly status: MemberStatus;
  readonly point: boolean;
  readonly addresses: readonly string[];
  readonly acceptsOperators: boolean;
  readonly admittedBy: PeerIdText;
  readonly admittedAt: number;
  readonly admissionHash: RecordHash;
  readonly memberRecordHash: RecordHash;
}

export interface Association {
  readonly id: AssociationId;
  readonly signer: PeerIdText;
  readonly body: AssociationBody;
  readonly createdAt: number;
}

export interface Fork {
  readonly signer: PeerIdText;
  readonly epoch: string;
  readonly sequence: number;
  readonly hashes: readonly RecordHash[];
}

/** Something that a person should look at. */
export interface RosterProblem {
  readonly peerId: PeerIdText;
  readonly message: string;
}

/** What a set of records says. A pure function of the set: equal sets give equal rosters. */
export interface Roster {
  readonly fleetId: FleetId | undefined;
  readonly authority: PeerIdText | undefined;
  readonly fleet: FleetBody | undefined;
  /** The newest time that the authority signed; no member's clock counts as earlier. 0 if unknown. */
  readonly authorityTime: number;
  readonly members: ReadonlyMap<PeerIdText, Member>;
  /** Those that count now. */
  readonly associations: ReadonlyMap<AssociationId, Association>;
  /** Signed by a source that was revoked later: enough to check what it stored, not to store more. */
  readonly pastAssociations: ReadonlyMap<AssociationId, Association>;
  readonly forks: readonly Fork[];
  readonly problems: readonly RosterProblem[];
}
