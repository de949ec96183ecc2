/** Two machines on loopback, no fleet and no agent: what a code lets in, and that everything arrives. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Event } from '../support/agents.ts';
import { attributesIn } from '../support/compare-trees.ts';
import { noTmpfs } from '../support/disks.ts';
import { lacks } from '../support/tools.ts';
import { makeBulk, makeHome } from '../support/trees.ts';
import { ALL_KINDS_NEED, makeAllKinds, SPARSE_FILE } from './support/all-kinds.ts';
import {
  assertNothingIn,
  assertSame,
  DirectMove,
  saysOneIsLeft,
  withWrongDigits,
  withWrongWords,
} from './support/direct-move.ts';

function stage(t: TestContext): DirectMove {
  const move = new DirectMove();
  t.after(() => move.end());
  return move;
}

const commandLineOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');

test('a home with every kind of item arrives as it is, and both sides show the same', {
  skip: lacks(...ALL_KINDS_NEED),
}, async (t) => {
  const move = stage(t);
  const source = makeAllKinds(move.path('home'));
  const into = move.path('into');
  const send = move.send(source);
  const code = await move.code(send);
  const receive = move.receive(code, into);
  // Once it has said anything it has begun: nobody reads the code off its command line any more.
  await move.event(receive, () => true);
  assert.ok(!commandLineOf(receive.pid).includes(code), 'the code is not on its command line');
  const done = await move.bothDone(send, receive);
  assert.equal(done.skipped, 0);
  assertSame(source, into);
  assert.deepEqual(attributesIn(into), attributesIn(source));
  const { size, blocks } = statSync(join(into, SPARSE_FILE));
  assert.ok(blocks * 512 < size / 2, 'the holes take no room');
  for (const { stdout, stderr } of [send, receive]) {
    const said = `${stdout}${stderr}`.split('\n').filter((line) => !line.startsWith('{"event":"code"'));
    assert.ok(!said.join('\n').includes(code.slice(4)), 'nobody says the words but the one event that is for them');
  }
});

test('wrong words let nobody in; the sender sees it, and the right ones still do', async (t) => {
  const move = stage(t);
  const source = makeHome(move.path('home'));
  const into = move.path('into');
  const send = move.send(source);
  const code = await move.code(send);
  const wrong = await move.ended(move.receive(withWrongWords(code), into));
  assert.equal(wrong.status, 4, wrong.stdout);
  assert.equal(wrong.last.event, 'error');
  await move.event(send, saysOneIsLeft);
  assertNothingIn(into);
  await move.bothDone(send, move.receive(code, into));
  assertSame(source, into);
});

test('the second failure burns the code, and the right one is worth nothing then', async (t) => {
  const move = stage(t);
  const into = move.path('into');
  const send = move.send(makeHome(move.path('home')));
  const code = await move.code(send);
  for (const name of ['first', 'second']) {
    const { status, stdout } = await move.ended(move.receive(withWrongWords(code), into, [], name));
    assert.equal(status, 4, stdout);
  }
  const burnt = await move.ended(send);
  assert.equal(burnt.status, 4, burnt.stdout);
  assert.equal(burnt.last.event, 'error');
  assertNothingIn(into);
});

test('two receivers with the same code: one gets everything, the other one is told and gets nothing', async (t) => {
  const move = stage(t);
  const source = makeHome(makeBulk(move.path('home'), 20));
  const send = move.send(source);
  const code = await move.code(send);
  const names = ['desk', 'tablet'] as const;
  const ended = await Promise.all(
    names.map((name) => move.ended(move.receive(code, move.path(`into-${name}`), [], name))),
  );
  const statuses = ended.map(({ status }) => status);
  const winner = names[statuses.indexOf(0)];
  const loser = ended.find(({ status }) => status !== 0);
  assert.ok(winner && loser, `exactly one succeeds: ${JSON.stringify(statuses)}`);
  assertSame(source, move.path(`into-${winner}`));
  assert.ok(loser.status === 4 || loser.status === 6, `refused, or nobody shows that code any more: ${loser.stdout}`);
  assert.equal(loser.last.event, 'error');
  assertNothingIn(move.path(`into-${names.find((name) => name !== winner)}`));
  await move.done(send);
});

test('an address and wrong digits: it is told that another code is shown there, and the code stays whole', async (t) => {
  const move = stage(t);
  const source = makeHome(move.path('home'));
  const into = move.path('into');
  const address = `/ip4/127.0.0.1/tcp/${await freePort()}`;
  const send = move.send(source, ['--listen', address]);
  const code = await move.code(send);
  const wrong = await move.ended(move.receive(withWrongDigits(code), into, ['--peer', address]));
  assert.ok(wrong.status === 4 || wrong.status === 6, wrong.stdout);
  assert.match(String(wrong.last.message), /another code/);
  assertNothingIn(into);
  assert.ok(!send.events.some(saysOneIsLeft), 'no attempt is gone');
  await move.bothDone(send, move.receive(code, into, ['--peer', address]));
  assertSame(source, into);
});

test('a disk that is too small is said before the first byte', { skip: noTmpfs }, async (t) => {
  const move = stage(t);
  const disk = move.disk(10e6);
  const send = move.send(makeBulk(move.path('home'), 40));
  const into = join(disk, 'into');
  const { status, last, events, stdout } = await move.ended(move.receive(await move.code(send), into));
  assert.ok(status !== 0 && status !== null, stdout);
  assert.equal(last.event, 'error');
  assert.match(String(last.message), /room|space|free|fit/, stdout);
  const moved = ({ event, phase, totalBytes, bytes }: Event): boolean =>
    event === 'progress' && phase !== 'scan' && Number(totalBytes) > 0 && Number(bytes) > 0;
  assert.ok(!events.some(moved), `no content came: ${stdout}`);
  assertNothingIn(into);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

test('a dry run names every item and writes nothing; the same pairing then brings it, as it was said', async (t) => {
  const move = stage(t);
  const source = makeHome(move.path('home'));
  const into = move.path('into');
  const send = move.send(source);
  const dry = await move.ended(move.receive(await move.code(send), into, ['--dry-run']));
  assert.equal(dry.status, 0, dry.stdout);
  assert.equal(dry.last.dryRun, true);
  assert.equal(dry.last.restore, null);
  const items = dry.events.filter(({ event }) => event === 'item');
  assert.ok(items.some(({ action, path }) => action === 'create' && path === 'photo.raw'));
  assertNothingIn(into);
  const taken = await move.bothDone(send, move.receive(undefined, into));
  assert.equal(taken.files, dry.last.files);
  assertSame(source, into);
});

test('what was begun with other options does not go on by itself', async (t) => {
  const move = stage(t);
  const source = makeHome(makeBulk(move.path('home'), 40));
  const into = move.path('into');
  const send = move.send(source);
  const first = move.receive(await move.code(send), into, ['--on-conflict', 'skip']);
  await move.past(first, 0);
  first.kill('SIGINT');
  assert.equal((await move.ended(first)).status, 130);
  const other = await move.ended(move.receive(undefined, into, ['--on-conflict', 'replace']));
  assert.equal(other.status, 2, other.stdout);
  await move.bothDone(send, move.receive(undefined, into, ['--on-conflict', 'skip']));
  assertSame(source, into);
});
