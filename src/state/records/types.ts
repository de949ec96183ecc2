/** The shapes of everything that other folders see of records. Hashes, epochs and serials are hex text in memory. */
import type { AssociationId, FleetId, PeerIdText, StateId } from '../../common/ids.ts';

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
  /**
   * What it claims to run on, salted by the fleet, 32 hex digits; null where it has nothing to tell by. Equal claims
   * count as one machine, so copies are put on different ones. A claim only: nothing is granted for it.
   */
  readonly machine: string | null;
}

/** Another machine takes the state over, or the same one after it was reinstalled. */
export type AssociationMode = 'side-by-side' | 'in-place';

/** Whose state goes where. Signed by the source, or by an operator where the source accepts operators. */
export interface AssociationBody {
  readonly type: 'association';
  readonly source: PeerIdText;
  /** Null where it is to be named: always so in place, where the destination's key does not exist yet. */
  readonly destination: PeerIdText | null;
  readonly mode: AssociationMode;
  /** 16 random bytes in hex, so that the same parties can have several. */
  readonly nonce: string;
  /** Points to use, in order of preference; empty means that they are chosen. */
  readonly points: readonly PeerIdText[];
  /** Copies on distinct machines. */
  readonly replicas: number;
  /** How long holders keep a state after its destination acknowledged it, in time that they observed. */
  readonly keepMs: number;
  /** How long holders keep a state that nobody acknowledged; null: until somebody does. */
  readonly deadlineMs: number | null;
  /** In place: the age recipient of the ticket key; null where there is no ticket. */
  readonly ticketRecipient: string | null;
  /** The ticket key's private half, an age file for the fleet's operators. */
  readonly ticketSealed: Uint8Array | null;
  /** Share holders needed, of how many; null: chosen by the source when it captures. */
  readonly shares: { readonly needed: number; readonly total: number } | null;
  /** An age recipient whose private half follows from a recovery code; null where there is none. */
  readonly codeRecipient: string | null;
  /** The source captures by itself, with at most so many of its batch at once; null: a person starts it. */
  readonly start: { readonly batch: string; readonly atOnce: number } | null;
  /** `AssociationTerms`, sealed to source, destination and operators. */
  readonly sealed: Uint8Array | null;
}

/** Says which machine is the destination of an association that left it open. The first one counts. */
export interface NamingBody {
  readonly type: 'naming';
  readonly association: AssociationId;
  readonly destination: PeerIdText;
}

/** Ends an association: nothing more is captured for it. What holders have stays until retention ends it. */
export interface EndingBody {
  readonly type: 'ending';
  readonly association: AssociationId;
}

/** Which thread of a migration an event belongs to, and with it who may sign it. */
export type EventStep = 'activity' | 'commit' | 'holder' | 'trial' | 'restore' | 'share';

/**
 * Where a step stands. `activity` (source): waiting, scanning, sending, idle, failed. `commit` (source): stored, safe.
 * `holder` (a point): held, damaged, deleted. `trial` (destination): tried. `restore` (destination): restoring, restored,
 * failed. `share` (a share holder): kept, released.
 */
export type EventPhase =
  | 'waiting'
  | 'scanning'
  | 'sending'
  | 'idle'
  | 'failed'
  | 'stored'
  | 'safe'
  | 'held'
  | 'damaged'
  | 'deleted'
  | 'tried'
  | 'restoring'
  | 'restored'
  | 'kept'
  | 'released';

/**
 * One step of a migration, as one party says of itself. Of events with the same signer, association, step and state the
 * newest replaces the others. Fields that a step has no use for are 0, null or empty.
 */
export interface EventBody {
  readonly type: 'event';
  readonly association: AssociationId;
  /** Null before there is one. */
  readonly state: StateId | null;
  readonly step: EventStep;
  readonly phase: EventPhase;
  /** From 1; 0 where it is about none. */
  readonly snapshot: number;
  /** Of the snapshot's descriptor, 64 hex digits. */
  readonly descriptorHash: string | null;
  /** activity: content planned. commit: all packs. holder: packs of the snapshot held here. restore: content restored. */
  readonly bytes: number;
  /** holder: all packs of the snapshot: less is held where a state is spread over several. */
  readonly totalBytes: number;
  /** activity and commit: the points. holder: those it made copies on. trial and restore: the holders read from. share: who got it. */
  readonly peers: readonly PeerIdText[];
  /** commit/safe: when that word ends, milliseconds since 1970 by the source's clock; else 0. */
  readonly untilMs: number;
  /** share: BLAKE3 of the share, 64 hex digits. */
  readonly proof: string | null;
  /** commit: digests of the source's hardware for a move in place, see node/hardware. */
  readonly machine: Uint8Array | null;
  /** commit and restore: items left out. */
  readonly skipped: number;
  /** Reasons for people; commit/stored: what is missing for "safe to wipe". No names of users, areas or paths. */
  readonly notes: readonly string[];
}

/** Ends a membership for ever. The authority revokes anybody, operators revoke members. */
export interface RevocationBody {
  readonly type: 'revocation';
  readonly peerId: PeerIdText;
  /** The member's last lasting record that stays valid, with all before it; null: none does. */
  readonly lastAccepted: RecordHash | null;
}

export type RecordBody =
  | FleetBody
  | AdmissionBody
  | MemberBody
  | AssociationBody
  | RevocationBody
  | NamingBody
  | EndingBody
  | EventBody;

/** What every record carries. */
export interface RecordHeader {
  readonly fleetId: FleetId;
  readonly signer: PeerIdText;
  /** 8 random bytes of the signer's start, 16 hex digits. */
  readonly epoch: string;
  /** From 1, within the epoch. */
  readonly sequence: number;
  /** The signer's previous lasting record: any but `member` and `event` records, which newer ones replace. */
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
  /** A ticket's: whoever joins with it is the destination of this association in place. */
  readonly association: AssociationId | null;
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
  readonly machine: string | null;
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
  /** By the association itself, by a naming, or in place by an admission on its ticket; undefined: not named yet. */
  readonly destination: PeerIdText | undefined;
  /** Nothing more is captured for it. */
  readonly ended: boolean;
}

/** An event that counts: signed by somebody who may say it. */
export interface SignedEvent {
  readonly signer: PeerIdText;
  /** Milliseconds since 1970 by the signer's clock. */
  readonly time: number;
  readonly body: EventBody;
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
