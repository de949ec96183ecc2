import type { PrivateKey } from '@libp2p/interface';
import type { StateId } from '../../common/ids.ts';
import type { DirectAsk, DirectSink } from '../../common/ports.ts';
import type { CaptureEvents, PlanSummary } from '../capture/index.ts';
import type { RuleFilter } from '../plan/rule-filter.ts';
import type { SourceTree } from '../plan/source-tree.ts';

export interface SendOptions {
  /** Absolute paths, as bytes. */
  readonly paths: readonly Uint8Array[];
  /** Where they lie; default: this machine's own root. The same for every process that goes on with the plan. */
  readonly tree?: SourceTree | undefined;
  /** What areas take beside the paths, by the catalogue's rules. A path is taken whole, wherever it lies. */
  readonly filter?: RuleFilter | undefined;
  /** Absolute paths that are never sent, whatever name leads to them. */
  readonly exclude: readonly Uint8Array[];
  /**
   * Where the plan lies (names and metadata, no content): empty or absent. It is kept until the caller removes it, so that
   * a later process goes on with the same plan.
   */
  readonly planDir: string;
  /** A folder beneath which scratch is made, removed by `close`: copies of live databases too. */
  readonly scratchDir: string;
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
  /** For the descriptor. */
  readonly capturedAtNs: bigint;
  readonly machineName: string;
  readonly platform: string;
  readonly privateKey: PrivateKey;
}

export type ReopenOptions = Pick<SendOptions, 'planDir' | 'scratchDir' | 'exclude' | 'tree' | 'stateId' | 'stateKey'>;

/** What a machine has to send, and a worker thread that reads it. */
export interface Sending {
  /** What the scan found; every file counts as new. */
  readonly plan: PlanSummary;
  /** Signed; its hash is what a pairing binds. */
  readonly descriptor: Uint8Array;
  /**
   * Answers one ask with packs: any number of times, one at a time. Phase `send`, for comparing `compare`. Throws
   * `damaged` for an ask that is none, the signal's reason, or what the sink throws. However it ends, the next one works.
   */
  answer(ask: DirectAsk, sink: DirectSink, on: CaptureEvents): Promise<void>;
  /** Ends the worker, and an answer that is under way; the plan stays. */
  close(): Promise<void>;
}
