import type { PrivateKey } from '@libp2p/interface';
import type { Clock, RandomBytes } from '../../../common/clock.ts';
import type { AssociationId, PeerIdText, StateId } from '../../../common/ids.ts';
import type { AreaName } from '../../../state/areas/base/names.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { Home } from '../../home/home.ts';
import type { Log } from '../../log.ts';
import type { LinkFacts } from '../../placement/link-facts.ts';

/** What somebody asks to be captured. */
export interface CaptureRequest {
  /** Absolute, as the captured machine has them. Empty, and no areas: what the association's terms say. */
  readonly paths: readonly string[];
  readonly areas?: readonly AreaName[] | undefined;
  /** The folder that is the captured machine's root; default `/`. */
  readonly root?: string | undefined;
  /** MACHINE that shall have the state, this one itself for a move in place; or an association, by 8 digits of its id. */
  readonly for: string;
  /** MACHINEs to use as points, in order of preference; empty: chosen; undefined: as the association says. */
  readonly points?: readonly string[] | undefined;
  /** Copies on distinct machines; undefined: as the association says. */
  readonly replicas?: number | undefined;
  /** How long to wait for what "safe to wipe" needs from others; undefined: SAFETY_WAIT_MS. */
  readonly waitMs?: number | undefined;
}

/** A point that has a part of a snapshot, or all of it. */
export interface PointOfCapture {
  readonly peerId: PeerIdText;
  readonly name: string;
  readonly bytes: number;
}

export interface CaptureDone {
  readonly state: StateId;
  readonly snapshot: number;
  readonly association: AssociationId;
  /** Null while the destination is not named. */
  readonly machine: PeerIdText | null;
  readonly machineName: string | null;
  /** The first of `points`. */
  readonly point: PeerIdText;
  readonly pointName: string;
  /** Several where no single point could take the state. */
  readonly points: readonly PointOfCapture[];
  readonly files: number;
  readonly bytes: number;
  /** Bytes of every pack of the snapshot, and of those that were sealed now. */
  readonly storedBytes: number;
  readonly newBytes: number;
  /** Bytes of packs that went over the wire, to points that were left as well. */
  readonly sentBytes: number;
  readonly recipients: readonly string[];
  readonly skipped: number;
  /** Complete copies that have been verified, and how many are wanted. */
  readonly copies: number;
  readonly replicas: number;
  /** By peer id of each holder that signed that it holds the snapshot: the hash of the descriptor that it signed. */
  readonly receipt: Readonly<Record<string, string>>;
  readonly safe: boolean;
  /** When "safe to wipe" ends; null where it was not given. */
  readonly safeUntil: string | null;
  /** What is missing for it. */
  readonly missing: readonly string[];
}

/** Members that hold a share of the state's key, after a capture in place. */
export interface GivenShares {
  readonly needed: number;
  readonly total: number;
  readonly holders: readonly { readonly peerId: PeerIdText; readonly proof: string }[];
}

/**
 * Splits the state's key, sealed to the ticket, among members. Undefined where too few can keep one and there is another way
 * to the key. Throws `usage` where there is none.
 */
export type DistributeShares = (
  wish: {
    readonly association: AssociationId;
    readonly stateId: StateId;
    readonly stateKey: Uint8Array;
    /** Those that hold the state. */
    readonly exclude: readonly PeerIdText[];
  },
  signal: AbortSignal,
) => Promise<GivenShares | undefined>;

/** A share of another machine's key that this machine keeps. */
export interface KeptShare {
  readonly association: AssociationId;
  readonly state: StateId;
  /** So many of its deal open the key. */
  readonly needed: number;
  /** BLAKE3 of each share of the deal, 64 hex digits. */
  readonly hashes: readonly string[];
}

/** What this machine can be told by after it was reinstalled. */
export interface SourceHardware {
  /** For the commit event of a move in place; null where there is nothing to tell by. */
  digests(association: AssociationId): Uint8Array | null;
  /** A sentence for people where the identity is not strong; undefined where it is. */
  weakness(): string | undefined;
}

/** Periods that tests shorten; each has its limit as the default. */
export interface SourceTimes {
  readonly capacityWaitMs?: number;
  readonly stallMs?: number;
  readonly reconnectMs?: number;
  readonly reconnectFirstMs?: number;
  readonly safetyWaitMs?: number;
  readonly replicateWaitMs?: number;
  readonly jobRetryFirstMs?: number;
  readonly startJitterMs?: number;
  readonly startSettleMs?: number;
  readonly startSilentMs?: number;
}

export interface SourceOptions {
  readonly fleet: FleetView;
  readonly home: Home;
  readonly privateKey: PrivateKey;
  /** Opens what associations seal to this machine. */
  readonly ageIdentity: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** Folders of the agent's own that are never part of a state. */
  readonly exclude: readonly string[];
  readonly links?: LinkFacts | undefined;
  /** Absent: a move in place has no shares, and needs a recovery key or code. */
  readonly distributeShares?: DistributeShares | undefined;
  /** Shares of others' keys that are on this machine, and gone with it. Absent: it keeps none. */
  readonly keptShares?: (() => readonly KeptShare[]) | undefined;
  /** Tells the holders of this state's shares to erase those of earlier states of the association. */
  readonly forgetOlderShares?:
    | ((association: AssociationId, state: StateId, signal: AbortSignal) => Promise<void>)
    | undefined;
  /** Tells those who keep shares that are of no more use. Resolves to whether all were told. */
  readonly retireShares?: ((association: AssociationId, signal: AbortSignal) => Promise<boolean>) | undefined;
  readonly hardware?: SourceHardware | undefined;
  /** The text of the list of users, for homes; default /etc/passwd. */
  readonly passwd?: (() => string) | undefined;
  readonly times?: SourceTimes | undefined;
  /** Aborts when the agent ends: nothing is waited for any more. */
  readonly stopping?: AbortSignal | undefined;
}
