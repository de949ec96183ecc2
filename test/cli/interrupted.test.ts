import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import type { Command } from '../support/agents.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { longTest } from '../support/long.ts';
import { eventually, failure, Scene } from '../support/scene.ts';
import { bytesBelow, makeBulk, makeHome } from '../support/trees.ts';

/** Six packs: more than is ever under way at once. */
const BULK_MEGABYTES = 90;

const scene = new Scene();
const bulk = scene.path('bulk');
const into = scene.path('restored');
const second = scene.path('restored-too');
const states = scene.path('nas-store', 'states');
const CAPTURE = ['capture', bulk, '--for', 'desk'];
const restore = (to: string) => ['restore', '--from', 'laptop', '--into', to, '--strip'];

before(async () => {
  makeHome(makeBulk(bulk, BULK_MEGABYTES));
  await Promise.all([scene.agent('desk'), scene.agent('laptop'), scene.point('nas')]);
  await scene.fleet('desk', ['laptop', 'nas']);
});
after(() => scene.end());
// A test that fails must not leave the point asleep for the next one.
afterEach(() => signalPoint('SIGCONT'));

const signalPoint = (signal: NodeJS.Signals): void => scene.running('nas').command.kill(signal);

/** Starts a command and holds the point still when the transfer has begun, so that its middle lasts. */
async function heldInTheMiddle(name: string, args: readonly string[], begun: RegExp): Promise<Command> {
  const command = scene.start(name, args);
  await command.event(({ event, message, phase }) => begun.test(event === 'note' ? String(message) : String(phase)));
  signalPoint('SIGSTOP');
  assert.ok(command.running && !command.events.some(({ event }) => event === 'done'), 'it is not over yet');
  return command;
}

const captureInTheMiddle = () => heldInTheMiddle('laptop', CAPTURE, /has reserved/);
const restoreInTheMiddle = (to: string) => heldInTheMiddle('desk', restore(to), /^restore$/);
const journals = (dir: string): string[] => readdirSync(dir).filter((name) => name.startsWith('.resettle-restore-'));

const scratchOf = (name: string): string[] => {
  const scratch = scene.path(name, 'scratch');
  return existsSync(scratch) ? readdirSync(scratch) : [];
};

/** Nothing is reserved any more; what was stored waits for the capture to go on. */
async function nothingIsReserved(): Promise<void> {
  await eventually('the point has given the room back', async () => {
    const { points } = await scene.done('laptop', ['points']);
    const [point] = points as { reservedBytes: number }[];
    return point?.reservedBytes === 0 || undefined;
  });
}

const nothingToRestore = () => scene.fails('desk', restore(into), 6, 'not-found');

test('a capture that is interrupted gives its reservation back, and leaves nothing to restore', async () => {
  const command = await captureInTheMiddle();
  command.kill('SIGINT');
  const { hint } = failure(await command.ended, 130, 'interrupted');
  assert.match(hint, /the same command/);
  signalPoint('SIGCONT');
  await nothingIsReserved();
  await nothingToRestore();
  assert.deepEqual(scratchOf('laptop'), []);
});

/** The lease that a process granted still stands in the one after it: the capture can go on under it. */
async function theLeaseStands(): Promise<void> {
  const { held } = (await scene.run('nas', ['status'])).last;
  const [state] = held as { lease: { bytes: number; storedBytes: number } | null }[];
  assert.ok(state?.lease && state.lease.bytes > state.lease.storedBytes, JSON.stringify(held));
}

longTest(
  'a source agent that is killed leaves nothing to restore, and its lease outlives a start of the point',
  async () => {
    const command = await captureInTheMiddle();
    await scene.stop('laptop', 'SIGKILL');
    failure(await command.ended, 1, 'failed');
    signalPoint('SIGCONT');
    await nothingToRestore();
    assert.ok(bytesBelow(states) > 0, 'the lease still stands');
    await scene.stop('nas');
    await scene.point('nas');
    await scene.agent('laptop');
    await theLeaseStands();
    await nothingToRestore();
    assert.deepEqual(scratchOf('laptop'), [], 'no plan of a dead capture lies about');
  },
);

test('a source agent that is told to end does so in time, and the capture says that it failed', async () => {
  const command = await captureInTheMiddle();
  const asked = performance.now();
  const { status } = await scene.running('laptop').end('SIGTERM');
  assert.equal(status, 0);
  assert.ok(performance.now() - asked < 6_000, `it ended after ${Math.round(performance.now() - asked)} ms`);
  failure(await command.ended, 1, 'failed');
  signalPoint('SIGCONT');
  await scene.agent('laptop');
  await nothingToRestore();
});

test('a point that is killed and starts again is gone on with: the same capture ends well, under the same lease', async () => {
  const command = await captureInTheMiddle();
  await scene.stop('nas', 'SIGKILL');
  await command.event(({ event, message }) => event === 'note' && /nas is gone for the moment/.test(String(message)));
  await scene.point('nas');
  const { status, last } = await command.ended;
  assert.equal(status, 0, JSON.stringify(last));
  assert.deepEqual([last.snapshot, last.pointName], [1, 'nas']);
  await nothingIsReserved();
});

test('after all that, the same capture succeeds again, and what nothing refers to is gone', async () => {
  const done = await scene.done('laptop', CAPTURE);
  assert.equal(done.snapshot, 2);
  assert.equal(done.skipped, 0);
  await nothingIsReserved();
  const { points } = await scene.done('laptop', ['points']);
  assert.ok((points as { heldBytes: number }[])[0]!.heldBytes < Number(done.storedBytes) + 100_000);
});

test('a restore that is interrupted, and one whose agent is killed, end with the same tree when run again', async () => {
  const interrupted = await restoreInTheMiddle(into);
  interrupted.kill('SIGINT');
  failure(await interrupted.ended, 130, 'interrupted');
  signalPoint('SIGCONT');
  assert.equal(journals(into).length, 1, 'the folder says that it is unfinished');

  const killed = await restoreInTheMiddle(second);
  await scene.stop('desk', 'SIGKILL');
  failure(await killed.ended, 1, 'failed');
  signalPoint('SIGCONT');
  assert.equal(journals(second).length, 1);

  await scene.agent('desk');
  for (const dir of [into, second]) {
    const done = await scene.done('desk', restore(dir));
    assert.equal(done.resumed, true);
    assert.deepEqual(compareTrees(bulk, dir).differences, []);
  }
  assert.deepEqual(scratchOf('desk'), []);
});

test('a restore whose point is killed waits for it, and goes on when it is back at another address', async () => {
  const third = scene.path('restored-last');
  const command = await restoreInTheMiddle(third);
  await scene.stop('nas', 'SIGKILL');
  await command.event(({ message }) => /nas was lost: .*waiting up to 60 s/.test(String(message)));
  assert.equal(journals(third).length, 1);
  await scene.point('nas');
  const { status, last, stdout } = await command.ended;
  assert.equal(status, 0, stdout);
  assert.equal(last.resumed, false, 'one and the same run');
  assert.deepEqual(compareTrees(bulk, third).differences, []);
});
