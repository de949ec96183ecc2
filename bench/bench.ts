import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Contestant, LeftOut, Way } from './contestant.ts';
import { type Census, takeCensus } from './data/census.ts';
import { copyRealFiles } from './data/real-files.ts';
import { describeMachine } from './machine.ts';
import { runMany } from './many.ts';
import type { Options } from './options.ts';
import { NotAvailable } from './ours/command.ts';
import { oursByFolder } from './ours/folder.ts';
import { oursByPoint } from './ours/point.ts';
import { findPeers } from './peers/index.ts';
import type { ManyRound, Results } from './result/results.ts';
import { type Plan, type Round, type RoundError, runRounds } from './rounds.ts';
import { run } from './run.ts';

const DIFFERENCES_SHOWN = 20;

/** Tells the person who waits how far it is. */
export type Say = (text: string) => void;

/** The whole of it: prepares the data, runs everything that was asked for beneath `work`, and collects what came out. */
export class Bench {
  readonly #options: Options;
  readonly #work: string;
  readonly #say: Say;
  readonly #rounds: Round[] = [];
  readonly #leftOut: LeftOut[] = [];
  #many: ManyRound[] = [];
  /** Every restore of ours was right, and none failed. */
  sound = true;

  constructor(options: Options, work: string, say: Say) {
    this.#options = options;
    this.#work = work;
    this.#say = say;
  }

  async run(): Promise<Results> {
    const { figures, peers, runs, many } = this.#options;
    const { versions, leftOut, timed, sized } = await findPeers(peers);
    for (const { contestant, way, why } of leftOut)
      this.#say(`${contestant}${way ? ` (${way})` : ''} is left out: ${why}`);
    this.#leftOut.push(...leftOut);
    const real = [...figures].some((figure) => figure !== 'many');
    const data = join(this.#work, 'data');
    const census = real ? await this.#prepare(data) : undefined;

    const by = (way: Way): Contestant[] =>
      [oursByPoint, oursByFolder, ...timed].filter((contestant) => contestant.way === way);
    const point: Omit<Plan, 'verify'> = {
      restore: figures.has('point'),
      again: figures.has('again'),
      changed: figures.has('changed'),
    };
    if (point.restore || point.again || point.changed) await this.#runRounds(by('point'), runs, point, data);
    const folder = { restore: true, again: false, changed: false };
    if (figures.has('folder')) await this.#runRounds(by('folder'), runs, folder, data);
    if (figures.has('size')) {
      const stores = [oursByPoint, ...by('folder').filter(({ name }) => name !== oursByFolder.name), ...sized];
      const unknown = stores.filter(({ name }) => !this.#rounds.some((round) => round.contestant === name));
      await this.#runRounds(unknown, 1, { restore: false, again: false, changed: false }, data);
    }
    rmSync(data, { recursive: true, force: true });
    if (figures.has('many')) {
      this.#many = await runMany(many, runs, this.#work, this.#say, (error) => this.#failed(error));
      for (const { round } of this.#many) this.#judge(round);
    }
    return {
      options: this.#options,
      machine: describeMachine(),
      versions: Object.fromEntries(versions),
      census,
      rounds: this.#rounds,
      many: this.#many,
      leftOut: this.#leftOut,
    };
  }

  async #prepare(data: string): Promise<Census> {
    if (this.#options.data !== undefined) {
      this.#say(`copying ${this.#options.data} as the data`);
      await run('cp', ['--archive', '--', this.#options.data, data]);
    } else {
      this.#say('copying files of this machine as the data');
      const { files, bytes, enough } = copyRealFiles(data);
      if (!enough) this.#say(`this machine has no more than ${files} files and ${(bytes / 1e6).toFixed(0)} MB to copy`);
    }
    this.#say('reading all data once');
    return takeCensus(data);
  }

  /** Only the first run changes data and compares restores: neither differs from run to run. */
  #runRounds(
    contestants: readonly Contestant[],
    runs: number,
    plan: Omit<Plan, 'verify'>,
    data: string,
  ): Promise<void> {
    const planOf = (number: number): Plan => ({ ...plan, changed: plan.changed && number === 0, verify: number === 0 });
    return runRounds(
      contestants,
      runs,
      planOf,
      { work: this.#work, data },
      {
        done: (number, round) => {
          this.#say(`run ${number + 1} of ${runs}: ${round.contestant}, ${round.way}: ${stepsOf(round)}`);
          this.#rounds.push(round);
          this.#judge(round);
        },
        failed: (error) => this.#failed(error),
      },
    );
  }

  #judge({ contestant, way, differences = [] }: Round): void {
    if (differences.length === 0) return;
    this.#say(`what ${contestant} restored (${way}) differs from the data in ${differences.length} items:`);
    for (const line of differences.slice(0, DIFFERENCES_SHOWN)) this.#say(`  ${line}`);
    if (contestant === oursByPoint.name) this.sound = false;
  }

  #failed({ contestant: { name, way }, message, cause }: RoundError): void {
    this.#say(`${name} (${way}) is left out: ${message}`);
    const known = this.#leftOut.some((one) => one.contestant === name && one.way === way && one.why === message);
    if (!known) this.#leftOut.push({ contestant: name, way, why: message });
    if (name === oursByPoint.name && !(cause instanceof NotAvailable)) this.sound = false;
  }
}

function stepsOf({ capture, restore, again, growth }: Round): string {
  const costs = { capture, restore, again, ...Object.fromEntries(growth.map(({ kind, cost }) => [kind, cost])) };
  return Object.entries(costs)
    .filter(([, cost]) => cost)
    .map(([step, cost]) => `${step} ${cost!.seconds.toFixed(1)} s`)
    .join(', ');
}
