import type { Report } from '../../../common/ports.ts';
import { fromThreadError } from '../../threads/thread-error.ts';
import { WorkerThread } from '../../threads/worker-thread.ts';
import type { AreasWorkerData, FromAreasWorker, ToAreasWorker } from './messages.ts';
import type { AreasPlan, AreasResult } from './types.ts';

type Answer<Type extends FromAreasWorker['type']> = Extract<FromAreasWorker, { readonly type: Type }>;

/**
 * A restore of areas, planned. One call at a time. Whatever `begin`, `applyBefore` and `applyAfter` throw, everything that
 * was changed was taken back before; where that could not be, the error says so, and the next run does it.
 */
export class AreasRun {
  readonly plan: AreasPlan;
  readonly #worker: WorkerThread<FromAreasWorker>;

  constructor(worker: WorkerThread<FromAreasWorker>, plan: AreasPlan) {
    this.#worker = worker;
    this.plan = plan;
  }

  /**
   * Writes everything that will be written, and what was there, to `undoDir/areas`, which no earlier restore may have used.
   * Changes nothing. Throws `failed` where the machine is not as it was planned upon.
   */
  async begin(undoDir: string): Promise<void> {
    await ask(this.#worker, { type: 'begin', undoDir }, 'done');
  }

  /** Changes what comes before files: accounts, network files, environment, file systems. */
  async applyBefore(): Promise<void> {
    await ask(this.#worker, { type: 'apply-before' }, 'done');
  }

  /** Changes the rest, hostname last; judges the machine; wakes it where it is the running one; and is done for good. */
  async applyAfter(): Promise<AreasResult> {
    return (await ask(this.#worker, { type: 'apply-after' }, 'applied')).result;
  }

  /** Puts everything back that this run changed. What could not be, since somebody changed it meanwhile, is told. */
  async rollBack(): Promise<Report> {
    return (await ask(this.#worker, { type: 'roll-back' }, 'rolled-back')).kept;
  }

  /** Ends the worker. A run that was begun and did not get to its end is rolled back first. */
  async close(): Promise<void> {
    try {
      await ask(this.#worker, { type: 'close' }, 'done');
    } finally {
      await this.#worker.stop();
    }
  }
}

/** Plans, in a thread of its own. Throws `damaged` where the machine's document is wrong, `failed`. */
export async function openAreas(options: AreasWorkerData): Promise<AreasRun> {
  const worker = new WorkerThread<FromAreasWorker>(new URL('./worker.ts', import.meta.url), options);
  try {
    return new AreasRun(worker, (await answerOf(worker, 'planned')).plan);
  } catch (error) {
    await worker.stop();
    throw error;
  }
}

function ask<Type extends FromAreasWorker['type']>(
  worker: WorkerThread<FromAreasWorker>,
  message: ToAreasWorker,
  type: Type,
): Promise<Answer<Type>> {
  const answer = answerOf(worker, type);
  worker.post(message);
  return answer;
}

function answerOf<Type extends FromAreasWorker['type']>(
  worker: WorkerThread<FromAreasWorker>,
  type: Type,
): Promise<Answer<Type>> {
  return new Promise((resolve, reject) => {
    worker.listen((message) => {
      if (message.type === type) resolve(message as Answer<Type>);
      else if (message.type === 'refused') reject(fromThreadError(message.error));
      else reject(new Error(`a worker answered ${message.type} where ${type} was asked for`));
    }, reject);
  });
}
