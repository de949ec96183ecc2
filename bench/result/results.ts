import type { LeftOut } from '../contestant.ts';
import type { Census } from '../data/census.ts';
import type { Options } from '../options.ts';
import type { Round } from '../rounds.ts';

/** A round of ours with many tiny files, or with few of the same kind. */
export interface ManyRound {
  readonly files: number;
  readonly round: Round;
}

/** Everything that a bench has found out. */
export interface Results {
  readonly options: Options;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly census: Census | undefined;
  readonly rounds: readonly Round[];
  readonly many: readonly ManyRound[];
  readonly leftOut: readonly LeftOut[];
}
