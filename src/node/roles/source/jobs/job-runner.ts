import { setTimeout as sleep } from 'node:timers/promises';
import { asBuffer } from '../../../../common/bytes.ts';
import { messageOf, ResettleError } from '../../../../common/errors.ts';
import { failpoint } from '../../../../common/failpoint.ts';
import type { AssociationId } from '../../../../common/ids.ts';
import { JOB_RETRY_FIRST_MS, JOB_RETRY_MOST_MS, START_JITTER_MS, START_SETTLE_MS } from '../../../../common/limits.ts';
import type { SourceOptions } from '../types.ts';
import { Voice } from '../voice.ts';
import { Batch } from './batch.ts';
import { endedBy, type Job, mayMend, readJob, removeJob, writeJob } from './jobs.ts';
import { mayStart, mustStepBack, type Turn } from './take-turns.ts';

/** Does one capture of a job to its end. Throws what keeps it from that. */
type CaptureJob = (job: Job, signal: AbortSignal) => Promise<void>;

const ROUND_MS = 5_000;

/** Too many of the batch began at the same time, and others come first. */
class StepsBack extends Error {}

/** Runs jobs until they are done: again after what may mend, in its turn where there is a batch. */
export class JobRunner {
  readonly #options: SourceOptions;
  readonly #capture: CaptureJob;
  readonly #batch: Batch;
  readonly #voice: Voice;
  readonly #running = new Map<AssociationId, AbortController>();
  readonly #stop = new AbortController();

  constructor(options: SourceOptions, capture: CaptureJob) {
    this.#options = options;
    this.#capture = capture;
    this.#batch = new Batch(options);
    this.#voice = new Voice(options.fleet, options.log);
  }

  /** Begins a job that is not running yet. */
  begin(job: Job): void {
    const id = job.association;
    if (job.ended || this.#running.has(id) || this.#stop.signal.aborted) return;
    const abort = new AbortController();
    this.#running.set(id, abort);
    void this.#run(job, AbortSignal.any([abort.signal, this.#stop.signal])).finally(() => {
      if (this.#running.get(id) === abort) this.#running.delete(id);
    });
  }

  isRunning(id: AssociationId): boolean {
    return this.#running.has(id);
  }

  /** Ends a job that runs; its file is the caller's. */
  end(id: AssociationId, reason: Error): boolean {
    const abort = this.#running.get(id);
    this.#running.delete(id);
    abort?.abort(reason);
    return abort !== undefined;
  }

  stop(): void {
    this.#stop.abort(new ResettleError('interrupted', 'the agent ends'));
  }

  async #run(job: Job, signal: AbortSignal): Promise<void> {
    const { home, log, times } = this.#options;
    for (
      let waitMs = times?.jobRetryFirstMs ?? JOB_RETRY_FIRST_MS;
      ;
      waitMs = Math.min(2 * waitMs, JOB_RETRY_MOST_MS)
    ) {
      try {
        await this.#inTurn(job, signal);
        failpoint('job.done');
        removeJob(home, job.association);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof StepsBack) continue;
        log.info({ association: job.association }, `a capture did not get through: ${messageOf(error)}`);
        if (!mayMend(error)) {
          if (readJob(home, job.association)) writeJob(home, endedBy(job, error));
          return;
        }
      }
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
    }
  }

  /** One that starts by itself waits for its turn in its batch, and gives it back where too many have begun. */
  async #inTurn(job: Job, signal: AbortSignal): Promise<void> {
    const { fleet, times } = this.#options;
    const association = fleet.roster().associations.get(job.association);
    const turn = job.start && association ? this.#batch.turnOf(association) : undefined;
    if (!turn) {
      await this.#capture(job, signal);
      return;
    }
    await this.#voice.activity(job.association, 'waiting');
    do await this.#jitter(signal);
    while (!mayStart(turn, await this.#batch.mates(turn, signal)) && (await this.#nextRound(signal)));
    const back = new AbortController();
    const ended = new AbortController();
    const settled = AbortSignal.any([signal, ended.signal]);
    void sleep(times?.startSettleMs ?? START_SETTLE_MS, undefined, { signal: settled, ref: false })
      .then(() => this.#lookAgain(turn, back, settled))
      .catch(() => {});
    try {
      await this.#capture(job, AbortSignal.any([signal, back.signal]));
    } catch (error) {
      if (!back.signal.aborted || signal.aborted) throw error;
      await this.#voice.activity(job.association, 'waiting');
      throw new StepsBack();
    } finally {
      ended.abort();
    }
  }

  async #lookAgain(turn: Turn, back: AbortController, signal: AbortSignal): Promise<void> {
    const mates = await this.#batch.mates(turn, signal);
    if (!signal.aborted && mustStepBack(turn, mates)) back.abort(new StepsBack('others of the batch come first'));
  }

  async #jitter(signal: AbortSignal): Promise<void> {
    const most = this.#options.times?.startJitterMs ?? START_JITTER_MS;
    const waitMs = (asBuffer(this.#options.random(4)).readUInt32BE() / 2 ** 32) * most;
    await sleep(waitMs, undefined, { signal, ref: false });
  }

  /** Until the records change, or a while has passed. */
  async #nextRound(signal: AbortSignal): Promise<true> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        unlisten();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ROUND_MS);
      timer.unref();
      const unlisten = this.#options.fleet.onChange(done);
      signal.addEventListener('abort', done, { once: true });
    });
    signal.throwIfAborted();
    return true;
  }
}
