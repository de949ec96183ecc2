/** What `npm run test:faults` runs: one fault, or a chain of them, and what must hold afterwards. */

/** Numbers that a seed gives, so that a run can be had again. */
export interface Random {
  /** 0 to `below`, exclusive. */
  integer(below: number): number;
  pick<T>(of: readonly T[]): T;
  bytes(count: number): Buffer;
}

export interface Run {
  readonly seed: number;
  readonly random: Random;
  /** Empty, of this run alone, removed after it; kept where the run throws. */
  readonly dir: string;
  /** Adds to what is printed if the run fails: each fault, when and where it struck. */
  note(text: string): void;
}

/** How often something happened; shown at the end, and added up over runs in the log of seeds. */
export type Tally = Readonly<Record<string, number>>;

/** A file in `scenarios` exports a list of them: `export const scenarios: readonly Scenario[]`. */
export interface Scenario {
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  /** How many runs the gate does; 0: only by hand, because it is slow. */
  readonly gateRuns: number;
  /** Throws where something acknowledged is lost, something damaged was delivered, or the end is not what it says. */
  run(run: Run): Promise<Tally>;
}
