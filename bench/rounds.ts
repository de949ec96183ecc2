import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Contestant, Session, Way } from './contestant.ts';
import { type EditKind, Edits } from './data/edits.ts';
import { bytesBelow } from './data/walk.ts';
import { type Cost, measure } from './measure.ts';
import { differences } from './verify.ts';

/** What a round does after the first capture, and whether its restores are compared with the data. */
export interface Plan {
  readonly restore: boolean;
  readonly again: boolean;
  readonly changed: boolean;
  readonly verify: boolean;
}

/** How a store grew by a capture of changed data. */
export interface Growth {
  readonly kind: EditKind;
  readonly files: number;
  readonly changedBytes: number;
  readonly grownBytes: number;
  readonly cost: Cost;
}

/** One contestant, once through. */
export interface Round {
  readonly contestant: string;
  readonly way: Way;
  readonly capture: Cost;
  /** The store after the first capture. */
  readonly storedBytes: number;
  readonly restore?: Cost;
  readonly again?: Cost;
  readonly growth: readonly Growth[];
  /** Undefined where nothing was compared. */
  readonly differences?: readonly string[];
}

/** A contestant that could not, and what it said. */
export class RoundError extends Error {
  readonly contestant: Contestant;
  constructor(contestant: Contestant, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.contestant = contestant;
  }
}

const EDITS: readonly EditKind[] = ['words', 'random'];

/** Runs one round beneath `work`, on the data in `data`, and removes everything that it made. */
export async function runRound(contestant: Contestant, plan: Plan, work: string, data: string): Promise<Round> {
  const base = mkdtempSync(join(work, `${contestant.name.replaceAll(' ', '-')}-`));
  let session: Session | undefined;
  try {
    mkdirSync(join(base, 'own'));
    session = await contestant.open(join(base, 'own'), data);
    return await new Runner(contestant, session, data, join(base, 'restored')).run(plan);
  } catch (error) {
    throw new RoundError(contestant, error);
  } finally {
    await session?.close();
    rmSync(base, { recursive: true, force: true });
  }
}

class Runner {
  readonly #contestant: Contestant;
  readonly #session: Session;
  readonly #data: string;
  readonly #into: string;
  #differences: string[] | undefined;

  constructor(contestant: Contestant, session: Session, data: string, into: string) {
    this.#contestant = contestant;
    this.#session = session;
    this.#data = data;
    this.#into = into;
  }

  async run(plan: Plan): Promise<Round> {
    const { name, way, repeats, snapshots } = this.#contestant;
    const capture = await this.#capture();
    const storedBytes = bytesBelow(this.#session.store);
    const restore = plan.restore ? await this.#restore(plan.verify) : undefined;
    const again = plan.again && repeats ? await this.#capture() : undefined;
    const growth = plan.changed && snapshots ? await this.#changed(plan.verify) : [];
    return {
      contestant: name,
      way,
      capture,
      storedBytes,
      growth,
      ...(restore && { restore }),
      ...(again && { again }),
      ...(this.#differences && { differences: this.#differences }),
    };
  }

  #capture(): Promise<Cost> {
    return measure(this.#session.names, () => this.#session.capture());
  }

  async #restore(verify: boolean): Promise<Cost> {
    const cost = await measure(this.#session.names, () => this.#session.restore(this.#into));
    if (verify) this.#differences = [...(this.#differences ?? []), ...(await differences(this.#data, this.#into))];
    rmSync(this.#into, { recursive: true, force: true });
    return cost;
  }

  async #changed(verify: boolean): Promise<Growth[]> {
    const edits = new Edits(this.#data);
    const growth: Growth[] = [];
    try {
      for (const kind of EDITS) {
        const { files, changedBytes } = edits.apply(kind);
        const before = bytesBelow(this.#session.store);
        const cost = await this.#capture();
        growth.push({ kind, files, changedBytes, grownBytes: bytesBelow(this.#session.store) - before, cost });
      }
      if (verify) await this.#restore(true);
    } finally {
      edits.undo();
    }
    return growth;
  }
}

/**
 * `runs` rounds for each contestant, side by side: every run has each of them once, every other run in the opposite
 * order, so that a disturbance hits all alike. One that fails is told to `failed` and takes no further part.
 */
export async function runRounds(
  contestants: readonly Contestant[],
  runs: number,
  planOf: (run: number) => Plan,
  place: { work: string; data: string },
  tell: { done: (run: number, round: Round) => void; failed: (error: RoundError) => void },
): Promise<void> {
  const out = new Set<Contestant>();
  for (let run = 0; run < runs; run++) {
    const order = run % 2 === 0 ? contestants : contestants.toReversed();
    for (const contestant of order) {
      if (out.has(contestant)) continue;
      try {
        tell.done(run, await runRound(contestant, planOf(run), place.work, place.data));
      } catch (error) {
        if (!(error instanceof RoundError)) throw error;
        out.add(contestant);
        tell.failed(error);
      }
    }
  }
}
