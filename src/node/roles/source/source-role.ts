import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import type { AssociationId } from '../../../common/ids.ts';
import type { Emit } from '../../events.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import { choosePaths } from '../../scope/choose-paths.ts';
import { checkScope } from '../../scope/open-scope.ts';
import { addKeys } from './add-keys.ts';
import { captureToPoints } from './capture.ts';
import { bodyOf, chooseAssociation } from './choose-association.ts';
import { doneOf } from './done.ts';
import { JobRunner } from './jobs/job-runner.ts';
import { type Job, mayMend, readJob, readJobs, removeJob, writeJob } from './jobs/jobs.ts';
import { readersOf } from './key-holders.ts';
import { type RunningCapture, RunningCaptures } from './running.ts';
import { Confirmation, receiptOf } from './safety/confirm.ts';
import { WordKeeper } from './safety/keep-word.ts';
import { scopeOf } from './terms.ts';
import type { CaptureDone, CaptureRequest, SourceOptions } from './types.ts';
import { Voice } from './voice.ts';
import { Watch } from './watch.ts';

export interface DetachedDone {
  readonly association: AssociationId;
  readonly detached: true;
}

const LOOK_DELAY_MS = 1_000;
const LOOK_EVERY_MS = 60_000;

/** This machine as a source: captures that people ask for, those that go on by themselves, and what it says of them. */
export class SourceRole {
  readonly #options: SourceOptions;
  readonly #running = new RunningCaptures();
  readonly #jobs: JobRunner;
  readonly #words: WordKeeper;
  readonly #watches: readonly Watch[];
  readonly #stop = new AbortController();

  constructor(given: SourceOptions) {
    const options = { ...given, stopping: this.#stop.signal };
    this.#options = options;
    this.#jobs = new JobRunner(options, (job, signal) => this.#captureJob(job, signal));
    this.#words = new WordKeeper(options);
    const { fleet, log } = options;
    const watch = { fleet, log, delayMs: LOOK_DELAY_MS, everyMs: LOOK_EVERY_MS };
    this.#watches = [
      new Watch(watch, () => this.#startByThemselves()),
      new Watch(watch, async (signal) => void (await addKeys(options, signal))),
      new Watch(watch, (signal) => this.#words.look((id) => this.#running.has(id), signal)),
    ];
  }

  /** Takes up what was to go on, and begins to watch the records. */
  start(): void {
    void this.#settleWords();
    for (const job of readJobs(this.#options.home, this.#options.log)) this.#jobs.begin(job);
    for (const watch of this.#watches) watch.start();
  }

  stop(): void {
    this.#stop.abort(new ResettleError('interrupted', 'the agent ends'));
    this.#jobs.stop();
    for (const watch of this.#watches) watch.stop();
  }

  /** Captures that are under way, for `status`. */
  running(): readonly RunningCapture[] {
    return this.#running.list();
  }

  /** Captures that go on by themselves, or have ended with an error that will not mend. */
  jobs(): readonly Job[] {
    return readJobs(this.#options.home, this.#options.log);
  }

  /** Captures while the caller waits; when its signal aborts, the same request goes on from there. */
  capture(request: CaptureRequest, emit: Emit, signal: AbortSignal): Promise<CaptureDone> {
    return this.#capture(request, true, emit, signal);
  }

  /** Captures without anybody waiting, over restarts, until it is done or cancelled. What is wrong with it is told now. */
  async detach(request: CaptureRequest, emit: Emit): Promise<DetachedDone> {
    const { fleet, home, clock, random, exclude, ageIdentity, passwd } = this.#options;
    const chosen = chooseAssociation(fleet.roster(), fleet.self, request);
    readersOf(fleet.roster(), chosen.existing?.body ?? bodyOf(chosen, fleet.self, ''), chosen.destination);
    const wanted = await scopeOf(request, chosen.existing, { ageIdentity, passwd });
    checkScope(wanted);
    for (const path of choosePaths(wanted.paths, exclude, wanted.root).own) {
      emit({ event: 'note', message: `left out, the agent's own: ${path}` });
    }
    const association =
      chosen.existing?.id ??
      ((await fleet.append(bodyOf(chosen, fleet.self, Buffer.from(random(16)).toString('hex'))))
        .hash as string as AssociationId);
    this.#jobs.end(association, new ResettleError('interrupted', 'the capture was asked for anew'));
    const { paths, areas = [], root = '/' } = request;
    const job: Job = { association, paths, areas, root, start: false, createdAtMs: clock.now(), ended: null };
    writeJob(home, job);
    failpoint('job.noted');
    this.#jobs.begin(job);
    return { association, detached: true };
  }

  /**
   * Stops what captures for an association, named by the beginning of its id, and gives its lease up; it does not go on by
   * itself. Throws `not-found`, `ambiguous`.
   */
  cancel(text: string): { readonly association: AssociationId } {
    const { home, fleet } = this.#options;
    const mine = [...fleet.roster().associations.values()].filter(({ body }) => body.source === fleet.self);
    const fitting = mine.map(({ id }) => id).filter((id) => text.length >= 4 && id.startsWith(text));
    const busy = fitting.filter((id) => this.#running.has(id) || readJob(home, id) !== undefined);
    if (busy.length > 1) {
      throw new ResettleError('ambiguous', `${JSON.stringify(text)} fits several: ${busy.join(', ')}`, {
        hint: 'give more of the id',
      });
    }
    const id = busy[0];
    if (id === undefined) {
      throw new ResettleError('not-found', `nothing captures for an association ${JSON.stringify(text)} here`, {
        hint: '"resettle status" shows what runs, with the ids',
      });
    }
    const reason = new ResettleError('interrupted', 'the capture was cancelled', {
      hint: 'the same capture command goes on with what the points have',
    });
    const job = readJob(home, id);
    // One that an operator's association starts would start again: it is remembered that it shall not.
    if (job?.start)
      writeJob(home, { ...job, ended: { code: 'interrupted', message: 'it was cancelled on this machine' } });
    else removeJob(home, id);
    this.#jobs.end(id, reason);
    this.#running.end(id, reason);
    return { association: id };
  }

  /** An agent that was killed in a capture left its last word standing: nothing is at work any more. */
  async #settleWords(): Promise<void> {
    const { fleet, home, log } = this.#options;
    const voice = new Voice(fleet, log);
    for (const { id, body } of fleet.roster().associations.values()) {
      if (body.source !== fleet.self || readJob(home, id)?.ended === null) continue;
      const phase = voice.last(id, 'activity', null)?.phase;
      if (phase === undefined || phase === 'idle' || phase === 'failed' || this.#running.has(id)) continue;
      await voice.activity(id, 'idle');
    }
  }

  async #captureJob(job: Job, signal: AbortSignal): Promise<void> {
    const { paths, areas, root, association } = job;
    const request: CaptureRequest = { paths, areas, root, for: association };
    await this.#capture(request, false, () => {}, signal);
  }

  async #capture(request: CaptureRequest, attended: boolean, emit: Emit, signal: AbortSignal): Promise<CaptureDone> {
    const options = this.#options;
    return await this.#running.run(attended, emit, signal, async (tell, within, onAssociation) => {
      const stored = await captureToPoints(options, request, tell, within, {
        onAssociation,
        onStored: (made) => receiptOf(options, made),
        goesOn: (error) => !attended && !signal.aborted && mayMend(error),
      });
      for (const item of stored.result.skipped.items) tell({ event: 'skipped', ...item });
      const meter = new ProgressMeter(options.clock, tell);
      const confirmation = await Confirmation.of(options, stored.association);
      if (!confirmation) throw new ResettleError('failed', 'the receipt of this capture is gone already');
      const wish = {
        waitMs: request.waitMs,
        onProgress: meter.onProgress,
        note: (message: string) => tell({ event: 'note', message }),
      };
      const standing = await confirmation.wait(wish, within);
      meter.finish();
      const job = readJob(options.home, stored.association);
      if (attended && job && !this.#jobs.isRunning(stored.association)) removeJob(options.home, stored.association);
      return doneOf(stored, standing, options.fleet.roster());
    });
  }

  /** Makes jobs of associations that an operator started for this machine and of which nothing is stored yet. */
  async #startByThemselves(): Promise<void> {
    const { fleet, home, clock } = this.#options;
    for (const { id, body, ended } of fleet.roster().associations.values()) {
      if (body.source !== fleet.self || body.start === null || ended || this.#running.has(id)) continue;
      if (fleet.events(id).some((event) => event.signer === fleet.self && event.body.step === 'commit')) continue;
      const job = readJob(home, id) ?? {
        association: id,
        paths: [],
        areas: [],
        root: '/',
        start: true,
        createdAtMs: clock.now(),
        ended: null,
      };
      if (job.ended || this.#jobs.isRunning(id)) continue;
      writeJob(home, job);
      this.#jobs.begin(job);
    }
  }
}
