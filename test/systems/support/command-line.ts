import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const RESETTLE = join(import.meta.dirname, '../../../bin/resettle');

export interface Event {
  readonly event: string;
  readonly [key: string]: unknown;
}

export interface Ran {
  readonly status: number | null;
  readonly events: readonly Event[];
  /** Its last event where that is `done`. */
  readonly done: Event | undefined;
  readonly stderr: string;
}

/** What it left out, and what it said besides, for a test's message. */
export function toldBy({ status, events, stderr }: Ran): string {
  const told = events.filter(({ event }) => event === 'skipped' || event === 'note' || event === 'error');
  return [`ended with ${status}`, stderr, ...told.map((event) => JSON.stringify(event))].join('\n');
}

/** One person's HOME of resettle, driven by its command line. Events come as the program prints them. */
export class CommandLine {
  readonly #home: string;
  readonly #as: readonly string[];

  /** `as`: a program with arguments that runs another one as somebody else. */
  constructor(home: string, as: readonly string[] = []) {
    this.#home = home;
    this.#as = as;
  }

  run(...args: readonly string[]): Ran {
    const [program, ...rest] = this.#line(args);
    const { status, stdout, stderr } = spawnSync(program!, rest, {
      encoding: 'utf8',
      maxBuffer: 1e9,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const events = stdout.split('\n').flatMap((line): Event[] => (line.startsWith('{') ? [JSON.parse(line)] : []));
    const last = events.at(-1);
    return { status, events, done: last?.event === 'done' ? last : undefined, stderr };
  }

  /** Kills it once `isTime` says so; resolves when it has ended. False: it ended by itself before. */
  runAndKill(args: readonly string[], isTime: () => boolean): Promise<boolean> {
    const [program, ...rest] = this.#line(args);
    const child = spawn(program!, rest, { stdio: 'ignore', detached: true });
    const timer = setInterval(() => isTime() && child.kill('SIGKILL'), 2);
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (_, signal) => {
        clearInterval(timer);
        resolve(signal === 'SIGKILL');
      });
    });
  }

  #line(args: readonly string[]): string[] {
    return [...this.#as, RESETTLE, '--home', this.#home, '--json', ...args];
  }
}
