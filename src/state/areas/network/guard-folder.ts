/**
 * What a link guard and its watchdog tell each other: files in the journal's folder. One decision is made, by whoever makes
 * the file first: that the link was kept, or that this process rolls back. A process that died while it did is replaced.
 */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DECISION = 'link-guard.decision';
const DONE = 'link-guard.done';
const READY = 'link-guard.ready';
const ORDER = 'link-guard.json';
export const LOG = 'link-guard.log';

/** What the watchdog is told. */
export interface WatchOrder {
  readonly deadlineMs: number;
  /** Program and arguments of the rollback. */
  readonly rollback: readonly string[];
}

export interface Decision {
  readonly what: 'kept' | 'rollback';
  /** Who made it, and whether that process still runs. */
  readonly isAlive: boolean;
}

export class GuardFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Begins anew: what an earlier guard left there is gone. */
  begin(order: WatchOrder): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of [DECISION, DONE, READY]) rmSync(join(this.#folder, name), { force: true });
    this.#write(ORDER, JSON.stringify(order));
  }

  order(): WatchOrder {
    return JSON.parse(readFileSync(join(this.#folder, ORDER), 'utf8')) as WatchOrder;
  }

  markReady(): void {
    this.#write(READY, '');
  }

  get isReady(): boolean {
    return this.#read(READY) !== undefined;
  }

  /** The rollback has ended, well or not. */
  markDone(): void {
    this.#write(DONE, '');
  }

  get isDone(): boolean {
    return this.#read(DONE) !== undefined;
  }

  /** True: this process decided. False: another one had before. */
  decide(what: Decision['what']): boolean {
    const own = join(this.#folder, `${DECISION}.${process.pid}`);
    writeFileSync(own, `${what} ${identityOf(process.pid) ?? process.pid}`, { mode: 0o600 });
    try {
      linkSync(own, join(this.#folder, DECISION));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(own, { force: true });
    }
  }

  decision(): Decision | undefined {
    const [what = '', pid = '', start] = this.#read(DECISION)?.split(' ') ?? [];
    if (what !== 'kept' && what !== 'rollback') return undefined;
    return { what, isAlive: identityOf(Number(pid)) === `${pid} ${start}` };
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text, { mode: 0o600 });
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(join(this.#folder, name), 'utf8');
    } catch {
      return undefined;
    }
  }
}

/** Number and start of a process, which no later one shares; undefined where it has ended. */
function identityOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : `${pid} ${fields[18]}`;
  } catch {
    return undefined;
  }
}
