/** What pairing needs of the state and of the direct stream, as small as it needs it; `src/api` hands it in. */

import type { Connection, Ed25519PrivateKey } from '@libp2p/interface';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import type { StateId } from '../../common/ids.ts';
import type { DirectAsk, DirectAsker, DirectSink, DirectTaker, Progress, Report } from '../../common/ports.ts';
import type { BulkChoice } from '../../protocols/direct/bulk/choice.ts';
import type { Handlers } from '../../protocols/wire/registrar.ts';
import type { RuleFilter } from '../../state/plan/rule-filter.ts';
import type { SourceTree } from '../../state/plan/source-tree.ts';
import type { RestoreEvents, RestoreOptions, RestoreResult } from '../../state/restore/index.ts';
import type { TaskEvent } from '../events.ts';
import type { Home } from '../home/home.ts';
import type { Log } from '../log.ts';
import type { Opened } from '../roles/destination/apply.ts';

export interface WorkEvents {
  onProgress(progress: Progress): void;
  readonly signal: AbortSignal;
}

/** What a scan found, before a byte of content was read. */
interface Planned {
  readonly files: number;
  readonly folders: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  readonly specials: number;
  /** Bytes of content. */
  readonly bytes: number;
  readonly upperBoundBytes: number;
  readonly skipped: Report;
  readonly excluded: readonly string[];
}

/** A plan that can be answered from. */
export interface Sending {
  readonly plan: Planned;
  /** The signed descriptor of the plan. */
  readonly descriptor: Uint8Array;
  /** Puts every pack of the answer. */
  answer(ask: DirectAsk, sink: DirectSink, on: WorkEvents): Promise<void>;
  /** Ends its workers; the plan stays. */
  close(): Promise<void>;
}

interface SendPlace {
  /** A folder that keeps the plan. */
  readonly planDir: string;
  readonly scratchDir: string;
  /** Absolute paths that are never read. */
  readonly exclude: readonly Uint8Array[];
  readonly tree?: SourceTree;
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
}

export interface PlanOptions extends SendPlace {
  readonly paths: readonly Uint8Array[];
  readonly filter?: RuleFilter | undefined;
  readonly capturedAtNs: bigint;
  readonly machineName: string;
  readonly platform: string;
  readonly privateKey: Ed25519PrivateKey;
}

/** What the receiver says at its end. */
export interface DirectSummary {
  readonly files: number;
  readonly bytes: number;
  /** Items that need a person at the receiving side. */
  readonly skipped: number;
}

/** What one stream is served from. */
export interface DirectSource {
  readonly descriptor: Uint8Array;
  readonly stateKey: Uint8Array;
  answer(ask: DirectAsk, sink: DirectSink, signal: AbortSignal): Promise<void>;
  done(summary: DirectSummary): Promise<void>;
}

export interface DirectHost {
  /** Checks who asks. Throws `refused`. `signal` ends with the stream. */
  open(session: Uint8Array, remotePeer: string, signal: AbortSignal): Promise<DirectSource>;
}

/** One open stream, as the receiver has it. */
export interface DirectLink {
  readonly descriptor: Uint8Array;
  readonly stateKey: Uint8Array;
  ask(ask: DirectAsk, taker: DirectTaker, signal: AbortSignal): Promise<void>;
  /** Whether the sender could be told. */
  done(summary: DirectSummary): Promise<boolean>;
  abort(reason: Error): void;
}

/** The rooms that pairing joins. */
export interface Rooms {
  planSend(options: PlanOptions, on: WorkEvents): Promise<Sending>;
  /** The plan that an earlier process made. Throws `damaged` or `not-found` where it cannot go on. */
  reopenSend(options: SendPlace, on: WorkEvents): Promise<Sending>;
  serveDirect(
    registrar: Handlers,
    host: DirectHost,
    log: (error: unknown, peer: string) => void,
    options: { readonly bulkBeside: () => readonly string[] },
  ): Promise<void>;
  /** Throws `refused`, `failed`, or the signal's reason. */
  openDirect(
    connection: Connection,
    options: { readonly session: Uint8Array; readonly signal: AbortSignal; readonly bulk?: BulkChoice },
  ): Promise<DirectLink>;
  /** Whether an ask ended because the stream did, as against what either side says. */
  isBroken(error: unknown): boolean;
  /** What a descriptor says: captured paths, and its hash. Throws `damaged`. */
  openedSnapshot(descriptor: Uint8Array, stateKey: Uint8Array): Promise<Opened>;
  receiveSnapshot(
    options: Omit<RestoreOptions, 'source' | 'only'> & { readonly asker: DirectAsker },
    on: RestoreEvents,
  ): Promise<RestoreResult>;
}

/** What a machine says about itself: texts of its own choice, to be shown through `shownText`. */
export interface MachineFacts {
  readonly name: string;
  /** For people: `Ubuntu 24.04.1 LTS`. */
  readonly system: string;
  readonly user: string;
}

/** What every pairing stands on. */
export interface PairingBasis {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly machine: MachineFacts;
  /** Names; empty means the physical ones. */
  readonly interfaces: readonly string[];
  readonly timing?: Partial<PairingTiming>;
}

/** What sender and receiver stand on. */
export interface PairingGround extends PairingBasis {
  readonly rooms: Rooms;
}

/** Waits, so that tests need not. */
export interface PairingTiming {
  readonly findMs: number;
  readonly gatherMs: number;
  readonly stepMs: number;
}

/** What both sides tell while they work. */
export type PairingEvent =
  | TaskEvent
  | ({ readonly event: 'offer' } & ShownOffer & Partial<ShownMachine>)
  | {
      readonly event: 'code';
      readonly pairingCode: string;
      /** The text of a QR code. As secret as the code. */
      readonly scan: string;
      readonly peerId: string;
      readonly addresses: readonly string[];
      readonly expiresAt: string;
    }
  | {
      /** A run that came to nothing, at the machine that shows the code. */
      readonly event: 'attempt';
      readonly remote: string;
      readonly reason: string;
      readonly message: string;
      readonly attemptsLeft: number;
    }
  | ({ readonly event: 'paired' } & ShownMachine);

/** The other machine, in texts that a terminal may show. */
export interface ShownMachine {
  readonly machine: string;
  readonly machineName: string;
  readonly system: string;
  readonly user: string;
}

/** What is offered, in texts that a terminal may show. */
export interface ShownOffer {
  readonly state: StateId;
  readonly paths: readonly string[];
  /** How many paths there are; those beyond OFFER_PATHS_MAX are not named. */
  readonly pathCount: number;
  readonly files: number;
  readonly folders: number;
  readonly links: number;
  readonly bytes: number;
  readonly skipped: number;
}

export type PairingEmit = (event: PairingEvent) => void;
