/**
 * A program for tests: arms a link guard on whatever network it runs in, makes a change, and asks. Its argument is JSON:
 * `{ folder, change, rollback, peers, afterwards }`, where `afterwards` says what it does instead of asking at once. It prints a line of
 * JSON for each step.
 */
import { spawnSync } from 'node:child_process';
import { armGuard } from '../../../../src/state/areas/network/link-guard.ts';
import type { LinkTarget } from '../../../../src/state/areas/network/link-probe.ts';

export interface GuardedChange {
  readonly folder: string;
  /** For sh. */
  readonly change: string;
  readonly rollback: string;
  readonly peers?: readonly LinkTarget[];
  readonly afterwards?: 'die' | 'wait' | 'disarm' | 'die-rolling-back';
  readonly deadlineMs: number;
  readonly settleMs: number;
}

const {
  folder,
  change,
  rollback,
  peers = [],
  afterwards,
  deadlineMs,
  settleMs,
} = JSON.parse(process.argv[2] ?? '') as GuardedChange;
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('not dead');
};

const guard = await armGuard({
  folder,
  rollback: ['sh', '-c', rollback],
  peers,
  deadlineMs,
  settleMs,
  steadyMs: 100,
  ...(afterwards === 'die-rolling-back' && { rollBack: async () => die() }),
});
say({ watched: guard.watched.map(({ address }) => address) });
spawnSync('sh', ['-c', change], { stdio: 'inherit' });
if (afterwards === 'die') die();
if (afterwards === 'disarm') guard.disarm();
else {
  // Until somebody writes to it, long after the deadline.
  if (afterwards === 'wait') process.stdin.resume().once('data', async () => end());
  else await end();
}

async function end(): Promise<void> {
  process.stdin.destroy();
  say({ outcome: await guard.confirm() });
}
