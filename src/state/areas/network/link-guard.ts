/**
 * The link guard: a restore that cuts its own network comes back by itself. Armed before network changes are woken on a live
 * machine, it knows what answers then; after the change the same must answer again, or the change is rolled back. A watchdog
 * process does that where this one dies, or is cut off and never asked.
 *
 *     const guard = await armGuard({ folder, rollback: [process.execPath, script, folder], peers });
 *     … make the changes, activate …
 *     if ((await guard.confirm()) === 'lost') … it has been rolled back …
 *
 * One of `confirm` and `disarm` is called, once; the watchdog acts where neither is.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import {
  LINK_GUARD_DEADLINE_MS,
  LINK_GUARD_SETTLE_MS,
  LINK_GUARD_STEADY_MS,
  LINK_PROBE_TIMEOUT_MS,
  LINK_ROLLBACK_TIMEOUT_MS,
  LINK_TARGETS_MAX,
} from '../../../common/limits.ts';
import { GuardFolder } from './guard-folder.ts';
import { type LinkTarget, linkProbe, type Probe, type RunTool, runTool } from './link-probe.ts';

export interface GuardOptions {
  /** The transaction's journal: the guard's files and the watchdog's log stand in it. One guard at a time. */
  readonly folder: string;
  /** Program and arguments that undo the change, whatever of it was done; run as this process's user, in `/`, with no input. */
  readonly rollback: readonly string[];
  /** Further addresses that must go on answering, such as the machine at the other end. */
  readonly peers?: readonly LinkTarget[];
  /** The watchdog rolls back after this, counted from arming. It must leave time for changes, activation and `settleMs`. */
  readonly deadlineMs?: number;
  /** After the change, so long for what answered before to answer again. */
  readonly settleMs?: number;
  /** Answers count from this on after the change. */
  readonly steadyMs?: number;
  readonly probe?: Probe;
  readonly clock?: Clock;
  readonly run?: RunTool;
  /** Undoes the change in this process, instead of by `rollback`; the watchdog runs `rollback` where this process dies in it. */
  readonly rollBack?: () => Promise<void>;
}

export interface Guard {
  /** What answered when it was armed. Where nothing did, nothing can be lost. */
  readonly watched: readonly LinkTarget[];
  /** After activation. `lost`: it has been rolled back when this resolves, here or by the watchdog. Throws where that failed. */
  confirm(): Promise<'kept' | 'lost'>;
  /** Ends the watch without a question: nothing was woken, or the caller has rolled back. */
  disarm(): void;
}

/** Throws `failed` where no watchdog can be started: then no network change should be woken. */
export async function armGuard(options: GuardOptions): Promise<Guard> {
  const { folder: path, rollback, run = runTool, clock = systemClock, probe = linkProbe(run) } = options;
  const candidates = [...(await defaultGateways(run)), ...(options.peers ?? [])].slice(0, LINK_TARGETS_MAX);
  const answers = await Promise.all(candidates.map((target) => probe(target, LINK_PROBE_TIMEOUT_MS)));
  const watched = candidates.filter((_, at) => answers[at]);
  const folder = new GuardFolder(path);
  folder.begin({ deadlineMs: options.deadlineMs ?? LINK_GUARD_DEADLINE_MS, rollback });
  await startWatchdog(path, folder, clock);
  const answersAgain = (): Promise<boolean> => waitForAll(watched, probe, clock, options);
  return {
    watched,
    confirm: async () => {
      if ((await answersAgain()) && folder.decide('kept')) return 'kept';
      if (folder.decide('rollback')) await rollBackHere(folder, options, run);
      else await watchdogIsDone(folder, clock);
      return 'lost';
    },
    disarm: () => {
      folder.decide('kept');
    },
  };
}

/** Every one of them answers within one round, at the latest when the time is over. */
async function waitForAll(
  watched: readonly LinkTarget[],
  probe: Probe,
  clock: Clock,
  options: GuardOptions,
): Promise<boolean> {
  const { settleMs = LINK_GUARD_SETTLE_MS, steadyMs = LINK_GUARD_STEADY_MS } = options;
  const untilMs = clock.monotonicMs() + settleMs;
  await sleep(steadyMs);
  for (;;) {
    const answers = await Promise.all(watched.map((target) => probe(target, LINK_PROBE_TIMEOUT_MS)));
    if (answers.every(Boolean)) return true;
    if (clock.monotonicMs() >= untilMs) return false;
    await sleep(ROUND_MS);
  }
}
const ROUND_MS = 250;

async function rollBackHere(folder: GuardFolder, { rollBack, rollback }: GuardOptions, run: RunTool): Promise<void> {
  const [program = '', ...args] = rollback;
  if (rollBack) await rollBack();
  else {
    const done = await run(program, args, LINK_ROLLBACK_TIMEOUT_MS);
    if (done?.status !== 0) {
      throw new ResettleError('failed', 'the network was lost, and the change could not be rolled back', {
        hint: `run it by hand: ${rollback.join(' ')}`,
      });
    }
  }
  folder.markDone();
}

async function watchdogIsDone(folder: GuardFolder, clock: Clock): Promise<void> {
  const untilMs = clock.monotonicMs() + LINK_ROLLBACK_TIMEOUT_MS;
  while (!folder.isDone && clock.monotonicMs() < untilMs) await sleep(LOOK_EVERY_MS);
}
const LOOK_EVERY_MS = 20;
const START_MS = 15_000;

/** A session of its own and nothing open of ours: it outlives this process and its terminal. */
async function startWatchdog(path: string, folder: GuardFolder, clock: Clock): Promise<void> {
  const program = fileURLToPath(new URL('./watchdog.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--disable-sigusr1', program, path], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
  });
  let failure: unknown;
  child.once('error', (error) => {
    failure = error;
  });
  child.once('exit', (status) => {
    failure ??= `it ended with ${status}`;
  });
  child.unref();
  const untilMs = clock.monotonicMs() + START_MS;
  while (!folder.isReady) {
    if (failure !== undefined || clock.monotonicMs() >= untilMs) {
      folder.decide('kept');
      throw new ResettleError('failed', 'the watchdog of the network could not be started', { cause: failure });
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function defaultGateways(run: RunTool): Promise<LinkTarget[]> {
  const answers = await Promise.all([
    run('ip', ['-j', 'route', 'show', 'default'], LINK_PROBE_TIMEOUT_MS),
    run('ip', ['-j', '-6', 'route', 'show', 'default'], LINK_PROBE_TIMEOUT_MS),
  ]);
  return answers.flatMap((answer) => gatewaysIn(answer?.stdout));
}

function gatewaysIn(text: string | undefined): LinkTarget[] {
  try {
    const routes = JSON.parse(text?.trim() || '[]') as { gateway?: unknown; dev?: unknown }[];
    return routes.flatMap(({ gateway: address, dev: device }): LinkTarget[] =>
      typeof address === 'string' && typeof device === 'string' ? [{ address, device }] : [],
    );
  } catch {
    return [];
  }
}
