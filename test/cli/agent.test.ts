import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { type AgentProcess, loopbackAgent } from '../support/agents.ts';
import { failure, Scene } from '../support/scene.ts';

/** What the contract grants an agent to end in; the rest is the process's own end on a busy machine. */
const SHUTDOWN_MAX_MS = 5_000;

const scene = new Scene();
after(() => scene.end());
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const failsToStart = async (name: string, more: string[], status: number, code: string) =>
  failure(await scene.command(loopbackAgent(name, scene.path(name), more)).ended, status, code);

async function endsCleanly(agent: AgentProcess): Promise<void> {
  const asked = performance.now();
  const { status, signal } = await agent.end('SIGTERM');
  const took = performance.now() - asked;
  assert.deepEqual({ status, signal }, { status: 0, signal: null });
  assert.ok(took < SHUTDOWN_MAX_MS, `it ended after ${Math.round(took)} ms`);
  assert.ok(!existsSync(scene.path(agent.name, 'agent.sock')), 'its socket is gone');
}

test('without an agent, what needs one fails and says how to start it', async () => {
  const commands = [['status'], ['peers'], ['points'], ['capture', '/etc', '--for', 'x'], ['restore', '--into', '/x']];
  for (const args of commands) {
    const { message, hint } = await scene.fails('absent', args, 1, 'agent-not-running');
    assert.ok(message.includes(scene.path('absent')));
    assert.match(hint, /resettle agent/);
  }
});

test('only its own user can read an agent’s keys and talk to it', async () => {
  const agent = await scene.agent('private');
  assert.equal(modeOf(agent.home), '700');
  assert.equal(modeOf(scene.path('private', 'agent.sock')), '600');
  for (const name of readdirSync(agent.home)) {
    const stat = statSync(scene.path('private', name));
    if (!stat.isSocket()) assert.equal(modeOf(scene.path('private', name)), stat.isDirectory() ? '700' : '600', name);
  }
  assert.ok(existsSync(scene.path('private', 'identity.key')));
  assert.ok(existsSync(scene.path('private', 'age.key')));
  await endsCleanly(agent);
});

test('a second agent on the same HOME is refused and the first one goes on', async () => {
  const first = await scene.agent('single');
  const { message } = await failsToStart('single', [], 1, 'agent-already-running');
  assert.ok(message.includes(first.home), message);
  assert.equal((await scene.done('single', ['status'])).peerId, first.peerId);
  await endsCleanly(first);
});

test('an identity is made once and stays through restarts, even after a kill', async () => {
  const first = await scene.agent('lasting');
  assert.equal((await scene.done('lasting', ['status'])).peerId, first.peerId);
  assert.equal((await first.end('SIGKILL')).signal, 'SIGKILL');
  assert.ok(existsSync(scene.path('lasting', 'agent.sock')), 'a killed agent leaves its socket');
  await scene.fails('lasting', ['status'], 1, 'agent-not-running');
  const second = await scene.agent('lasting');
  assert.equal(second.peerId, first.peerId);
  assert.equal((await scene.done('lasting', ['status'])).peerId, first.peerId);
  await endsCleanly(second);
  const third = await scene.agent('lasting');
  assert.equal(third.peerId, first.peerId);
  await endsCleanly(third);
});

test('a HOME that others can read is refused', async () => {
  mkdirSync(scene.path('open'));
  chmodSync(scene.path('open'), 0o755);
  const { message, hint } = await failsToStart('open', [], 1, 'failed');
  assert.match(message, /can be read by others/);
  assert.match(hint, /^chmod 700 /);
  await scene.fails('open', ['fleet', 'init', '--name', 'office'], 1, 'failed');
  assert.deepEqual(readdirSync(scene.path('open')), [], 'nothing was written there');
});

test('options of a point need --point', async () => {
  for (const more of [['--quota', '1GB'], ['--keep-free', '1GB'], ['--max-clients', '2'], ['--drain']]) {
    const { message } = await failsToStart('unpointed', more, 2, 'usage');
    assert.match(message, new RegExp(`^${more[0]} goes with --point`));
  }
});

test('an interface that does not exist is named', async () => {
  for (const more of [
    ['--interface', 'nosuch0'],
    ['--interface', 'nosuch0', '--listen', '/ip4/127.0.0.1/tcp/0'],
  ]) {
    const args = ['agent', '--home', scene.path('wired'), '--json', ...more];
    const { message, hint } = failure(await scene.command(args).ended, 1, 'failed');
    assert.match(message, /nosuch0/);
    assert.match(hint, /\blo\b/, 'those that exist are named');
  }
});

test('an address that cannot be listened on is named', async () => {
  const first = await scene.agent('listening');
  const taken = first.addresses[0]!.replace(/\/p2p\/.*$/, '');
  const { message } = await failsToStart('late', ['--listen', taken], 1, 'failed');
  assert.ok(message.includes(taken), message);
  await failsToStart('late', ['--listen', 'nonsense'], 2, 'usage');
  await failsToStart('late', ['--peer', 'nonsense'], 2, 'usage');
  await endsCleanly(first);
});

test('a point is not made in a folder that holds something else', async () => {
  mkdirSync(scene.path('full'));
  writeFileSync(scene.path('full', 'diary'), 'mine');
  const { message } = await failsToStart('pointed', ['--point', scene.path('full')], 2, 'not-empty');
  assert.ok(message.includes(scene.path('full')));
  assert.deepEqual(readdirSync(scene.path('full')), ['diary']);
});

test('an agent says on standard output only that it is ready', async () => {
  const agent = await scene.point('quiet');
  assert.ok(agent.addresses.every((address) => address.endsWith(`/p2p/${agent.peerId}`)));
  await endsCleanly(agent);
  assert.equal(agent.command.stdout.trim().split('\n').length, 1);
});
