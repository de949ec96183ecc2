/** When and where a process is killed. */
import type { Failpoint } from '../../../src/common/failpoint.ts';
import { Command, type Ended } from '../../support/agents.ts';
import type { Random, Run } from '../scenario.ts';

/** A failpoint and which time that it is passed; or a time. Neither: it is left alone. */
export interface Strike {
  readonly failpoint?: string;
  readonly afterMs?: number;
}

/** What a kind of work passes, and how long it takes about. */
export interface Prey {
  readonly failpoints: readonly Failpoint[];
  readonly lastsMs: number;
  /** Of failpoints, in the thread that passes most of them. */
  readonly passes: number;
}

/** Nothing is done before. */
const START_MS = 180;
/** Failpoints that are passed for every item; the others once or a few times. */
const MANY =
  /^(restore\.(folder-made|part-written|file-whole|item-placed|folder-finished|pre-image-linked|node-made)|undo\.(item|folder)-|store\.(file|pack)-)/;
const MANY_TIMES = 20;

/** At a random time, at a random pass of any failpoint, or at one of the work's own. */
export function randomStrike(random: Random, { failpoints, lastsMs, passes }: Prey): Strike {
  switch (random.integer(3)) {
    case 0:
      return { afterMs: START_MS + random.integer(lastsMs) };
    case 1:
      // Few passes are as likely as many: some threads have only a few.
      return { failpoint: `*:${Math.floor(passes ** (random.integer(1000) / 1000))}` };
    default: {
      const name = random.pick(failpoints);
      return { failpoint: `${name}:${1 + (MANY.test(name) ? random.integer(MANY_TIMES) : 0)}` };
    }
  }
}

/** Its part of the environment of the process that is to be killed. */
export function armed({ failpoint }: Strike): NodeJS.ProcessEnv {
  return failpoint === undefined ? {} : { RESETTLE_FAILPOINT: failpoint };
}

export function shown({ failpoint, afterMs }: Strike): string {
  return failpoint ?? (afterMs === undefined ? 'left alone' : `after ${afterMs} ms`);
}

/** Kills it when its time has come, where the strike is a time. Returns what ends the wait. */
export function aim({ afterMs }: Strike, kill: () => void): () => void {
  if (afterMs === undefined) return () => {};
  const timer = setTimeout(kill, afterMs);
  return () => clearTimeout(timer);
}

/** Runs a command of its own process to its end, which may be the strike. */
export async function struck(args: readonly string[], strike: Strike, run: Run): Promise<Ended> {
  const command = new Command([...args, '--json'], { env: armed(strike) });
  const done = aim(strike, () => command.kill('SIGKILL'));
  const ended = await command.ended;
  done();
  run.note(`${args[0]} ${args[1] ?? ''}: ${shown(strike)}: ${howItEnded(ended)}`);
  return ended;
}

export function howItEnded({ signal, status, last }: Ended): string {
  return signal ?? `${status} ${last.event}${last.code ? ` ${String(last.code)}: ${String(last.message)}` : ''}`;
}

/** Kills a command again and again, then lets it come to its end. `afterKill` looks at what each kill left. */
export async function untilDone(
  args: readonly string[],
  strikes: readonly Strike[],
  run: Run,
  afterKill: () => Promise<void>,
): Promise<{ readonly kills: number; readonly ended: Ended }> {
  let kills = 0;
  for (const strike of [...strikes, {}]) {
    const ended = await struck(args, strike, run);
    if (ended.signal === null) return { kills, ended };
    if (ended.signal !== 'SIGKILL') throw new Error(`${args.join(' ')} ended by ${ended.signal}: ${ended.stderr}`);
    kills += 1;
    await afterKill();
  }
  throw new Error(`${args.join(' ')} was killed by nobody`);
}
