/** Restores hostile states one after another, each by the name of its table and its place there. */
import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { HostileState } from './hostile-state.ts';
import { restoreHere } from './restore-here.ts';
import { runState } from './run-state.ts';

interface StateJob {
  readonly table: string;
  readonly index: number;
}

/** A thread in which states are restored; what goes wrong in one is told of that one. */
export class StateThread {
  readonly #worker = new Worker(new URL(import.meta.url), { workerData: { stop: new SharedArrayBuffer(4) } });

  /** Throws what was other than it must be. `table`: a module whose first export has the state. */
  async run(table: URL, index: number): Promise<void> {
    const job: StateJob = { table: table.href, index };
    this.#worker.postMessage(job);
    const [failure] = (await Promise.race([once(this.#worker, 'message'), this.#ended()])) as [string | undefined];
    if (failure !== undefined) throw new Error(failure);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  async #ended(): Promise<never> {
    await once(this.#worker, 'exit');
    throw new Error('the thread ended');
  }
}

async function serve({ table, index }: StateJob): Promise<string | undefined> {
  try {
    const module = (await import(table)) as Readonly<Record<string, readonly HostileState[]>>;
    await runState(Object.values(module)[0]![index]!, restoreHere);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.stack : String(error);
  }
}

// Only in the thread of such a one: its stop flag is what it was started with.
if (parentPort && workerData && 'stop' in (workerData as object)) {
  const port = parentPort;
  port.on('message', (job: StateJob) => void serve(job).then((failure) => port.postMessage(failure)));
}
