import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeBulk } from '../../test/support/trees.ts';
import { type Census, takeCensus } from '../data/census.ts';
import { copyRealFiles } from '../data/real-files.ts';
import { NotAvailable } from '../ours/command.ts';
import { missing, SSH } from '../peers/index.ts';
import { run } from '../run.ts';
import type { Mover } from './mover.ts';
import type { Options } from './options.ts';
import { ours } from './ours.ts';
import { rsync, tar } from './peers.ts';
import type { Place } from './place.ts';
import { type Data, type Round, runRound } from './round.ts';

const DIFFERENCES_SHOWN = 20;
const RANDOM_FILES = 500;
const NEEDED: ReadonlyMap<Mover, readonly string[]> = new Map([
  [tar, ['tar', 'bash', ...SSH]],
  [rsync, ['rsync', ...SSH]],
]);

type Say = (text: string) => void;

/** Prepares the data, moves it every way that this machine can, side by side, and collects what came out. */
export class DirectBench {
  readonly rounds: Round[] = [];
  readonly censuses: Record<string, Census> = {};
  /** Ways that took no part, or none to the end, and why. */
  readonly leftOut: Record<string, string> = {};
  /** Everything that ours moved was right, and nothing of it failed. */
  sound = true;
  readonly #options: Options;
  readonly #work: string;
  readonly #place: Place;
  readonly #say: Say;

  constructor(options: Options, work: string, place: Place, say: Say) {
    this.#options = options;
    this.#work = work;
    this.#place = place;
    this.#say = say;
  }

  async run(): Promise<void> {
    const movers = this.#movers();
    await this.#with('files', (folder) => this.#copyFiles(folder), movers);
    if (this.#options.link === undefined) return;
    await this.#with('random', async (folder) => void makeBulk(folder, this.#options.randomMegabytes, RANDOM_FILES), [
      ...movers,
    ]);
  }

  #movers(): Mover[] {
    const movers = this.#options.rateOnly ? [tar, rsync] : [tar, rsync, ours];
    return movers.filter((mover) => {
      const why = missing(NEEDED.get(mover) ?? []);
      if (why !== undefined) this.#leaveOut(mover, why);
      return why === undefined;
    });
  }

  async #copyFiles(folder: string): Promise<void> {
    if (this.#options.data !== undefined) {
      await run('cp', ['--archive', '--', this.#options.data, folder]);
      return;
    }
    const { files, bytes, enough } = copyRealFiles(folder);
    if (!enough) this.#say(`this machine has no more than ${files} files and ${(bytes / 1e6).toFixed(0)} MB to copy`);
  }

  async #with(name: string, make: (folder: string) => Promise<void>, movers: readonly Mover[]): Promise<void> {
    const folder = join(this.#work, name);
    this.#say(`making the data: ${name}`);
    await make(folder);
    this.censuses[name] = await takeCensus(folder);
    await this.#moveAll({ name, folder }, movers);
    rmSync(folder, { recursive: true, force: true });
  }

  /** Every other run in the opposite order, so that a disturbance hits all alike. */
  async #moveAll(data: Data, movers: readonly Mover[]): Promise<void> {
    const { runs, timeoutMs } = this.#options;
    const given = { work: this.#work, place: this.#place, timeoutMs };
    for (let number = 0; number < runs; number += 1) {
      for (const mover of number % 2 === 0 ? movers : movers.toReversed()) {
        if (mover.name in this.leftOut) continue;
        try {
          this.#done(await runRound(mover, data, number, given));
        } catch (error) {
          this.#leaveOut(mover, error instanceof Error ? error.message : String(error));
          if (mover === ours && !(error instanceof NotAvailable)) this.sound = false;
        }
      }
    }
  }

  #done(round: Round): void {
    const { mover, data, run: number, course, differences = [] } = round;
    this.rounds.push(round);
    const before = course.scanSeconds === undefined ? '' : ` after ${course.scanSeconds.toFixed(2)} s`;
    const times = `${course.seconds.toFixed(2)} s${before}, load ${round.load.toFixed(1)}`;
    this.#say(`run ${number + 1} of ${this.#options.runs}: ${data}, ${mover}: ${times}`);
    if (differences.length === 0) return;
    this.#say(`what ${mover} brought differs from the data in ${differences.length} items:`);
    for (const line of differences.slice(0, DIFFERENCES_SHOWN)) this.#say(`  ${line}`);
    if (mover === ours.name) this.sound = false;
  }

  #leaveOut({ name }: Mover, why: string): void {
    this.leftOut[name] = why;
    this.#say(`${name} is left out: ${why}`);
  }
}
