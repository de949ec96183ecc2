import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { compareTrees } from '../support/compare-trees.ts';
import { isLong, longTest } from '../support/long.ts';
import { eventually, Scene } from '../support/scene.ts';
import { makeBulk } from '../support/trees.ts';

const MEGABYTES = 120;

const scene = new Scene();
const bulk = scene.path('bulk');
const notesOf = (events: readonly Record<string, unknown>[]): string =>
  events.map(({ event, message }) => (event === 'note' ? String(message) : '')).join('\n');

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

let listen: string[];

before(async () => {
  listen = ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`];
  makeBulk(bulk, MEGABYTES);
  await Promise.all([scene.agent('desk'), scene.agent('laptop'), scene.point('nas', listen), scene.point('den')]);
  await scene.fleet('desk', ['laptop', 'nas', 'den']);
});
after(() => scene.end());

/** A capture that is half done. */
async function captureAtHalf(...more: string[]) {
  const command = scene.start('laptop', ['capture', bulk, ...more]);
  await command.event(
    ({ event, phase, bytes, totalBytes }) =>
      event === 'progress' && phase === 'capture' && Number(bytes) * 2 >= Number(totalBytes),
  );
  return command;
}

async function restored(name: string): Promise<void> {
  const into = scene.path(`restored-${name}`);
  await scene.done(name, ['restore', '--from', 'laptop', '--into', into, '--strip']);
  assert.deepEqual(compareTrees(bulk, into).differences, []);
}

longTest('a point that is killed at half and is back on its address in a moment costs next to nothing', async () => {
  const command = await captureAtHalf('--for', 'desk', '--points', 'nas,den');
  await scene.stop('nas', 'SIGKILL');
  await scene.point('nas', listen);
  const { status, last, events } = await command.ended;
  assert.equal(status, 0, JSON.stringify(last));
  assert.equal(last.pointName, 'nas');
  assert.match(notesOf(events), /nas is there again/);
  const ratio = Number(last.sentBytes) / Number(last.newBytes);
  assert.ok(ratio <= 1.05 + 8e6 / Number(last.newBytes), `${ratio} of what had to be sent`);
  await restored('desk');
});

longTest('a point that is killed at half for good is left for the next, which gets everything afresh', async () => {
  const command = await captureAtHalf('--for', 'den', '--points', 'nas,den');
  await scene.stop('nas', 'SIGKILL');
  const { status, last, events } = await command.ended;
  assert.equal(status, 0, JSON.stringify(last));
  assert.equal(last.pointName, 'den');
  assert.match(notesOf(events), /nas .*sealed afresh for another point/);
  const ratio = Number(last.sentBytes) / Number(last.newBytes);
  assert.ok(ratio <= 1.6 + 16e6 / Number(last.newBytes), `${ratio} of what had to be sent`);
  await restored('den');
});

test('a detached capture waits for a point, goes on after a start of its agent, and can be cancelled', async () => {
  await scene.stop('den', 'SIGKILL');
  // In the long run it is gone already.
  if (!isLong) await scene.stop('nas', 'SIGKILL');
  const detach = ['capture', bulk, '--for', 'nas', '--points', 'nas', '--detach'];
  const { association, detached } = await scene.done('laptop', detach);
  assert.equal(detached, true);
  const jobs = async () => (await scene.run('laptop', ['status'])).last.jobs as { association: string }[];
  assert.deepEqual(
    (await jobs()).map((job) => job.association),
    [association],
  );
  await scene.stop('laptop');
  await scene.agent('laptop');
  assert.equal((await jobs()).length, 1);
  await scene.point('nas', listen);
  await eventually('it is done', async () => (await jobs()).length === 0 || undefined);
  const { held } = (await scene.run('nas', ['status'])).last;
  assert.ok((held as { association: string }[]).some((one) => one.association === association));

  await scene.stop('nas');
  await scene.done('laptop', detach);
  assert.equal((await scene.done('laptop', ['cancel', String(association).slice(0, 8)])).association, association);
  assert.deepEqual(await jobs(), []);
  await scene.fails('laptop', ['cancel', String(association).slice(0, 8)], 6, 'not-found');
});
