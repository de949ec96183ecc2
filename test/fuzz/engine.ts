/** Fuzzes one target: seeds, mutations of them, and of what reached something new. */
import { Coverage } from './coverage.ts';
import { Finding, judge, type Outcome } from './judge.ts';
import { keep, keptInputs } from './kept.ts';
import { mutate } from './mutate/index.ts';
import { SeededRandom, seedFor } from './random.ts';
import { shrink } from './shrink.ts';
import { assertNotSlow, SUSPECT_MS } from './slow.ts';
import type { Target } from './target.ts';
import type { Watchdog } from './watchdog.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly executions: number;
  /** Ends earlier when it answers true; asked once a batch. */
  readonly isOver?: () => boolean;
  /** Executions in which blocks are counted, to find inputs that reach new ones. */
  readonly counted: number;
  readonly watchdog?: Watchdog;
}

export interface Fault {
  readonly finding: Finding;
  /** Where its input is kept. */
  readonly path: string;
}

export interface FuzzReport {
  readonly executions: number;
  readonly taken: number;
  /** Inputs that reached something new, in the order in which they were found. */
  readonly found: readonly Buffer[];
  /** Blocks of the program that ran while they were counted. */
  readonly blocks: number;
  readonly faults: readonly Fault[];
}

const BATCH = 256;
const VALID_AT_FIRST = 16;
/** One input in so many is made anew instead of changed. */
const FRESH_ONE_IN = 40;
const POOL_MAX = 600;
const SIGNS_MAX = 300;
const FAULTS_MAX = 5;
/** What the process may take: caps on what a decoder allocates show themselves here. */
const MEMORY_MAX_BYTES = 900 * 1024 * 1024;

export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzReport> {
  const run = new Run(target, options);
  await run.seeds();
  await run.all();
  return run.report();
}

class Run {
  readonly #target: Target;
  readonly #options: FuzzOptions;
  readonly #random: SeededRandom;
  readonly #pool: Buffer[] = [];
  readonly #found: Buffer[] = [];
  readonly #signs = new Set<string>();
  readonly #faults = new Map<string, Fault>();
  #coverage: Coverage | undefined;
  #executions = 0;
  #taken = 0;
  #blocks = 0;

  constructor(target: Target, options: FuzzOptions) {
    this.#target = target;
    this.#options = options;
    this.#random = new SeededRandom(seedFor(options.seed, target.name));
    if (options.counted > 0) this.#coverage = new Coverage();
  }

  /** What the program writes must be taken: a target that refuses everything would find nothing. */
  async seeds(): Promise<void> {
    for (let count = 0; count < VALID_AT_FIRST; count++) {
      const input = Buffer.from(await this.#target.valid(this.#random));
      const outcome = await this.#execute(input);
      if (outcome && !outcome.isTaken) {
        throw new Error(`${this.#target.name} does not take what is valid: ${outcome.sign}: ${input.toString('hex')}`);
      }
      this.#pool.push(input);
    }
    for (const { input } of [
      ...keptInputs('corpus', this.#target.name),
      ...keptInputs('failures', this.#target.name),
    ]) {
      await this.#execute(input);
      this.#pool.push(input);
    }
  }

  async all(): Promise<void> {
    const { executions, counted, isOver } = this.#options;
    while (this.#executions < executions && this.#faults.size < FAULTS_MAX && !isOver?.()) {
      const batch: Buffer[] = [];
      for (let left = Math.min(BATCH, executions - this.#executions); left > 0; left--) batch.push(await this.#next());
      for (const input of batch) await this.#look(input);
      if (this.#coverage) await this.#lookAtBlocks(this.#coverage, batch);
      if (this.#executions >= counted) this.#stopCounting();
      assertMemory();
    }
    this.#stopCounting();
  }

  report(): FuzzReport {
    const { executions, taken, found, blocks } = {
      executions: this.#executions,
      taken: this.#taken,
      found: this.#found,
      blocks: this.#blocks,
    };
    return { executions, taken, found, blocks, faults: [...this.#faults.values()] };
  }

  async #next(): Promise<Buffer> {
    const random = this.#random;
    if (random.integer(FRESH_ONE_IN) === 0) return Buffer.from(await this.#target.valid(random));
    return mutate(this.#target, random.pick(this.#pool), random, random.pick(this.#pool));
  }

  async #look(input: Buffer): Promise<void> {
    const outcome = await this.#execute(input);
    if (!outcome || this.#signs.has(outcome.sign) || this.#signs.size >= SIGNS_MAX) return;
    this.#signs.add(outcome.sign);
    this.#remember(input);
  }

  async #execute(input: Buffer): Promise<Outcome | undefined> {
    this.#options.watchdog?.begins(this.#target.name, input);
    this.#executions += 1;
    const started = performance.now();
    try {
      const outcome = await judge(this.#target, input);
      if (performance.now() - started > SUSPECT_MS) await assertNotSlow(this.#target, input);
      if (outcome.isTaken) this.#taken += 1;
      return outcome;
    } catch (error) {
      await this.#fault(input, error);
      return undefined;
    } finally {
      this.#options.watchdog?.rests();
    }
  }

  /** The first input of the batch that reached a new block is kept: found by halves, each executed once more. */
  async #lookAtBlocks(coverage: Coverage, batch: readonly Buffer[]): Promise<void> {
    const unseen = coverage.unseen();
    if (unseen.length === 0) return;
    let within = batch;
    while (within.length > 1) {
      const half = within.slice(0, within.length >> 1);
      for (const input of half) await judge(this.#target, input).catch(() => {});
      within = coverage.unseen().length > 0 ? half : within.slice(half.length);
    }
    coverage.remember(unseen);
    this.#remember(within[0]!);
  }

  #remember(input: Buffer): void {
    this.#found.push(input);
    if (this.#pool.length < POOL_MAX) this.#pool.push(input);
    else this.#pool[this.#random.integer(POOL_MAX)] = input;
  }

  #stopCounting(): void {
    this.#blocks = this.#coverage?.blocks ?? this.#blocks;
    this.#coverage?.stop();
    this.#coverage = undefined;
  }

  async #fault(input: Buffer, error: unknown): Promise<void> {
    if (!(error instanceof Finding)) throw error;
    const kind = kindOf(error);
    if (this.#faults.has(kind)) return;
    const stack = Error.stackTraceLimit;
    Error.stackTraceLimit = 30;
    const isSameFault = async (smaller: Buffer): Promise<boolean> =>
      kindOf(await findingOf(this.#target, smaller)) === kind;
    const small = error.what === 'slow' ? input : await shrink(input, isSameFault);
    const finding = (await findingOf(this.#target, small)) ?? error;
    Error.stackTraceLimit = stack;
    this.#faults.set(kind, { finding, path: keep('failures', this.#target.name, small) });
  }
}

async function findingOf(target: Target, input: Buffer): Promise<Finding | undefined> {
  try {
    await judge(target, input);
    return undefined;
  } catch (error) {
    return error as Finding;
  }
}

/** Findings of one kind are shown once. */
function kindOf(finding: Finding | undefined): string {
  return finding
    ? `${finding.what} ${finding.message
        .replace(/["“'].*/su, '')
        .replace(/[0-9a-f]{4,}|\d+/g, '#')
        .slice(0, 150)}`
    : '';
}

function assertMemory(): void {
  const { rss } = process.memoryUsage();
  if (rss > MEMORY_MAX_BYTES) throw new Error(`the process has grown to ${rss} bytes`);
}
