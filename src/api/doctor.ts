import { randomBytes } from 'node:crypto';
import { systemClock } from '../common/clock.ts';
import type { Finding, Verdict } from '../node/doctor/finding.ts';
import { examineWithoutAgent } from '../node/doctor/without-agent.ts';
import { DEFAULT_PORT } from '../node/link/start-link.ts';
import type { ApiEvent } from './contract.ts';

type Emit = (event: ApiEvent) => void;

/** Tells findings as events, and counts them by verdict. */
export class Tally {
  readonly #emit: Emit;
  readonly #counts: Record<Verdict, number> = { ok: 0, warning: 0, fault: 0, unknown: 0 };

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  readonly tell = (finding: Finding): void => {
    this.#counts[finding.verdict] += 1;
    this.#emit({ event: 'check', ...finding });
  };

  /** What `done` carries. */
  done(): Record<string, unknown> {
    const { ok, warning, fault, unknown } = this.#counts;
    return { ok, warnings: warning, faults: fault, unknown };
  }
}

/** The checks that need no agent, in this process. Makes no identity, and announces nothing. */
export async function doctorWithoutAgent(emit: Emit, signal: AbortSignal): Promise<Record<string, unknown>> {
  const tally = new Tally(emit);
  const options = { defaultPort: DEFAULT_PORT, clock: systemClock, random: randomBytes };
  await examineWithoutAgent(options, tally.tell, signal);
  return tally.done();
}
