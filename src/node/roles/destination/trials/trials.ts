import type { Clock, RandomBytes } from '../../../../common/clock.ts';
import { messageOf, ResettleError } from '../../../../common/errors.ts';
import type { AssociationId, PeerIdText, StateId } from '../../../../common/ids.ts';
import {
  EVENT_PEERS_MAX,
  TRIAL_JITTER_MS,
  TRIAL_PROBLEMS_MAX,
  TRIAL_RETRY_FIRST_MS,
  TRIAL_RETRY_LAST_MS,
  TRIAL_START_JITTER_MS,
} from '../../../../common/limits.ts';
import { plainEvent } from '../../../../state/records/index.ts';
import { Trial } from '../../../../state/trial/index.ts';
import type { FleetView } from '../../../fleet-view.ts';
import type { Log } from '../../../log.ts';
import { nameOf } from '../../../membership/machines.ts';
import { accessTo } from '../ask-holders.ts';
import { associationsFor } from '../associations-for.ts';
import { TIMING, type Timing } from '../holders/timing.ts';
import type { OwnPoint } from '../point-access.ts';
import { keyOf, type TrialTask, trialsNeeded } from './needed.ts';
import { tryHolder } from './try-holder.ts';

/** Changes of records within this time are looked at together. */
const LOOK_DELAY_MS = 500;

export interface TrialsPatience {
  readonly startJitterMs: number;
  readonly jitterMs: number;
  readonly retryFirstMs: number;
  readonly retryLastMs: number;
  readonly holders: Timing;
}

const PATIENCE: TrialsPatience = {
  startJitterMs: TRIAL_START_JITTER_MS,
  jitterMs: TRIAL_JITTER_MS,
  retryFirstMs: TRIAL_RETRY_FIRST_MS,
  retryLastMs: TRIAL_RETRY_LAST_MS,
  holders: TIMING,
};

export interface TrialsOptions {
  readonly fleet: Pick<FleetView, 'self' | 'roster' | 'events' | 'append' | 'onChange' | 'connectTo'>;
  readonly point: OwnPoint | undefined;
  /** `AGE-SECRET-KEY-1…` of this machine. */
  readonly ageIdentity: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  readonly patience?: TrialsPatience;
}

/** A holder from which a state could not be restored now, for `status`. */
export interface TrialProblem {
  readonly association: AssociationId;
  readonly state: StateId;
  readonly holder: PeerIdText;
  readonly reason: string;
}

interface Due {
  task: TrialTask;
  atMs: number;
  failures: number;
}

/**
 * Tries by itself, one state at a time and never beside a restore, whether what is held for this machine could be
 * restored with what this machine has, and signs which holders passed. The source's "safe to wipe" rests on that.
 */
export class Trials {
  readonly #options: TrialsOptions;
  readonly #patience: TrialsPatience;
  readonly #due = new Map<string, Due>();
  readonly #problems = new Map<string, TrialProblem[]>();
  #lookTimer: ReturnType<typeof setTimeout> | undefined;
  #runTimer: ReturnType<typeof setTimeout> | undefined;
  #running: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  #pauses = 0;
  #isStopped = false;
  #unlisten: () => void = () => {};

  constructor(options: TrialsOptions) {
    this.#options = options;
    this.#patience = options.patience ?? PATIENCE;
  }

  start(): void {
    this.#unlisten = this.#options.fleet.onChange(() => this.#lookSoon());
    this.#look(this.#patience.startJitterMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unlisten();
    clearTimeout(this.#lookTimer);
    clearTimeout(this.#runTimer);
    this.#running?.abort.abort(new ResettleError('interrupted', 'the agent ends'));
    await this.#running?.done;
  }

  /** Ends the trial that runs, and lets none run until the returned function is called. */
  pause(): () => void {
    this.#pauses += 1;
    this.#running?.abort.abort(new ResettleError('interrupted', 'a restore has begun'));
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#pauses -= 1;
      this.#arm();
    };
  }

  /** What did not pass last time. */
  problems(): TrialProblem[] {
    return [...this.#problems.values()].flat().slice(0, TRIAL_PROBLEMS_MAX);
  }

  #lookSoon(): void {
    if (this.#lookTimer || this.#isStopped) return;
    this.#lookTimer = setTimeout(() => {
      this.#lookTimer = undefined;
      this.#look(this.#patience.jitterMs);
    }, LOOK_DELAY_MS);
    this.#lookTimer.unref();
  }

  #look(jitterMs: number): void {
    const { fleet, clock } = this.#options;
    const roster = fleet.roster();
    if (roster.members.get(fleet.self)?.status !== 'active') return;
    const owed = new Set<string>();
    for (const association of associationsFor(roster, fleet.self)) {
      for (const task of trialsNeeded(association, fleet.events(association.id), fleet.self, clock.now())) {
        const key = keyOf(task);
        owed.add(key);
        const before = this.#due.get(key);
        if (before && sameTask(before.task, task)) continue;
        this.#due.set(key, { task, atMs: clock.monotonicMs() + jitterMs * this.#fraction(), failures: 0 });
      }
    }
    for (const key of [...this.#due.keys(), ...this.#problems.keys()]) {
      if (owed.has(key)) continue;
      this.#due.delete(key);
      this.#problems.delete(key);
    }
    this.#arm();
  }

  /** Sets the clock for the next one, if none runs. */
  #arm(): void {
    clearTimeout(this.#runTimer);
    if (this.#isStopped || this.#running || this.#pauses > 0) return;
    let next: Due | undefined;
    for (const due of this.#due.values()) if (!next || due.atMs < next.atMs) next = due;
    if (!next) return;
    const chosen = next;
    const waitMs = Math.max(0, chosen.atMs - this.#options.clock.monotonicMs());
    this.#runTimer = setTimeout(() => this.#begin(chosen), Math.min(waitMs, TRIAL_RETRY_LAST_MS));
    this.#runTimer.unref();
  }

  #begin(due: Due): void {
    if (due.atMs > this.#options.clock.monotonicMs() || this.#due.get(keyOf(due.task)) !== due) {
      this.#arm();
      return;
    }
    const abort = new AbortController();
    const done = this.#run(due, abort.signal).then(() => {
      this.#running = undefined;
      this.#arm();
    });
    this.#running = { abort, done };
  }

  /** Never rejects. */
  async #run(due: Due, signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    const { task } = due;
    try {
      const passed = await this.#tryAll(task, signal);
      if (passed.length > 0) await this.#tell(task, passed);
      if (passed.length === task.holders.length) {
        this.#due.delete(keyOf(task));
        return;
      }
    } catch (error) {
      // A restore goes first: the same trial comes after it.
      if (signal.aborted) return;
      log.warn({ err: error, state: task.state }, 'a trial could not be made');
    }
    const { retryFirstMs, retryLastMs } = this.#patience;
    const waitMs = Math.min(retryLastMs, retryFirstMs * 2 ** Math.min(due.failures, 20));
    due.failures += 1;
    due.atMs = clock.monotonicMs() + waitMs * (0.5 + this.#fraction());
  }

  /** One holder after the other. Returns those that passed. */
  async #tryAll(task: TrialTask, signal: AbortSignal): Promise<PeerIdText[]> {
    const { fleet, point, ageIdentity, random, log } = this.#options;
    const { association, state } = task;
    const problems: TrialProblem[] = [];
    const passed: PeerIdText[] = [];
    const trial = new Trial();
    try {
      for (const holder of task.holders) {
        try {
          const roster = fleet.roster();
          if (roster.members.get(holder)?.status !== 'active') throw new ResettleError('failed', 'it is no member now');
          const access = accessTo(fleet, point, { peerId: holder, name: nameOf(roster, holder) });
          await tryHolder({ ageIdentity, random, timing: this.#patience.holders }, task, access, trial, signal);
          passed.push(holder);
        } catch (error) {
          signal.throwIfAborted();
          const reason = messageOf(error);
          problems.push({ association: association.id, state, holder, reason });
          log.warn({ state, holder, reason }, 'a trial did not pass: that state could not be restored from there now');
        }
      }
    } finally {
      await trial.close();
    }
    if (problems.length > 0) this.#problems.set(keyOf(task), problems);
    else this.#problems.delete(keyOf(task));
    log.info({ state, snapshot: task.snapshot, passed: passed.length, of: task.holders.length }, 'tried a state');
    return passed;
  }

  /** Signs who passed, where that says something new. */
  async #tell({ association, state, snapshot, descriptorHash }: TrialTask, passed: PeerIdText[]): Promise<void> {
    const { fleet } = this.#options;
    const events = fleet.events(association.id);
    const last = events.find(
      ({ signer, body }) => signer === fleet.self && body.step === 'trial' && body.state === state,
    );
    const commit = events.find(({ body }) => body.step === 'commit' && body.state === state);
    const isSame =
      last?.body.descriptorHash === descriptorHash && [...last.body.peers].sort().join() === [...passed].sort().join();
    if (isSame && !(commit && commit.time > last.time && commit.body.phase === 'stored')) return;
    await fleet.append(
      plainEvent({
        association: association.id,
        state,
        step: 'trial',
        phase: 'tried',
        snapshot,
        descriptorHash,
        peers: passed.slice(0, EVENT_PEERS_MAX),
      }),
    );
  }

  /** From 0 to 1. */
  #fraction(): number {
    const [a, b] = this.#options.random(2);
    return ((a! << 8) | b!) / 0xffff;
  }
}

function sameTask(a: TrialTask, b: TrialTask): boolean {
  return a.descriptorHash === b.descriptorHash && a.holders.join() === b.holders.join();
}
