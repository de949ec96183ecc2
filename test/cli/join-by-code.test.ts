/** A place in a fleet by a code: no token is carried from one machine to the other. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually, Scene } from '../support/scene.ts';

const scene = new Scene();
after(() => scene.end());
const LOOPBACK = ['--interface', 'lo'];
const LISTEN = [...LOOPBACK, '--listen', '/ip4/127.0.0.1/tcp/0'];

test('a machine joins by the code that a running operator shows, and wrong words or another purpose bring nothing', async () => {
  await scene.agent('operator');
  await scene.done('operator', ['fleet', 'init', '--name', 'office']);
  await scene.agent('desk');
  const invite = scene.start('operator', ['fleet', 'invite', '--code', ...LISTEN]);
  const { pairingCode } = await invite.event(({ event }) => event === 'code');
  const code = String(pairingCode);
  const wrong = `${code.slice(0, 3)}-${code.endsWith('acid-zoom') ? 'zoom-acid' : 'acid-zoom'}`;
  await scene.fails('desk', ['fleet', 'join', '--code', wrong, ...LOOPBACK], 4, 'refused');
  await invite.event(({ event, attemptsLeft }) => event === 'attempt' && attemptsLeft === 1);
  const asReceiver = ['receive', code, '--yes', '--into', scene.path('into'), ...LOOPBACK];
  const { message } = await scene.fails('desk', asReceiver, 4, 'refused');
  assert.match(message, /for something else/);
  const joined = await scene.done('desk', ['fleet', 'join', '--code', code, ...LOOPBACK]);
  assert.equal(joined.admitted, true);
  assert.equal(joined.fleetName, 'office');
  const invited = await invite.ended;
  assert.equal(invited.status, 0, invited.stdout);
  assert.ok(!invited.stdout.includes('"token"'), 'nobody is shown the token');
  await eventually('the operator knows the new member', async () => {
    const { members } = await scene.done('operator', ['fleet', 'members']);
    return (members as { name: string }[]).some(({ name }) => name === 'desk') || undefined;
  });
});

test('a machine in no fleet cannot invite by a code, and says so before it shows one', async () => {
  const { status, events, last } = await scene.run('nobody', ['fleet', 'invite', '--code', ...LISTEN]);
  assert.notEqual(status, 0);
  assert.equal(last.event, 'error');
  assert.ok(!events.some(({ event }) => event === 'code'));
});

test('a code goes with no other way of inviting or joining, and one that cannot be is refused before anything is sent', async () => {
  for (const args of [
    ['fleet', 'invite', '--code', '--uses', '3'],
    ['fleet', 'invite', '--code', '--role', 'operator'],
    ['fleet', 'join', '-', '--code', '042-acid-zoom'],
    ['fleet', 'join', '--code'],
    ['fleet', 'join', '--code', '042-acid-nothing'],
  ]) {
    await scene.fails('nobody', args, 2, 'usage');
  }
});
