/** Nobody names an interface: the cable is found, also where it is plugged in after the command, or its address changes. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Command } from '../support/agents.ts';
import { Cable, noCable } from '../support/cable.ts';
import { longTest } from '../support/long.ts';
import { makeBulk, makeHome } from '../support/trees.ts';
import { assertSame, DirectMove } from './support/direct-move.ts';

const RATE = '1gbit';
const options = { skip: noCable() };

function stage(t: TestContext) {
  const cable = new Cable();
  const move = new DirectMove(cable);
  const commands: Command[] = [];
  t.after(async () => {
    for (const command of commands) command.kill('SIGKILL');
    await Promise.all(commands.map(({ ended }) => ended));
    await move.end();
    cable[Symbol.dispose]();
  });
  const start = (home: 'old' | 'new', args: readonly string[]): Command => {
    const command = new Command([...args, '--home', move.path(home), '--json'], { namespace: cable[home].name });
    commands.push(command);
    return command;
  };
  return { cable, move, start, source: makeHome(move.path('home')), into: move.path('into') };
}

const receiving = (code: string, into: string): string[] => ['receive', code, '--into', into, '--strip', '--yes'];

test('the cable is used without being named, and the usual port', options, async (t) => {
  const { cable, move, start, source, into } = stage(t);
  await cable.connect(RATE);
  const send = start('old', ['send', source]);
  const code = await move.code(send);
  const { addresses } = await move.event(send, ({ event }) => event === 'code');
  assert.deepEqual(
    (addresses as string[]).map((address) => address.replace(/\/p2p\/.*/, '')),
    [`/ip4/${cable.oldAddress}/tcp/24717`],
  );
  await move.bothDone(send, start('new', receiving(code, into)));
  assertSame(source, into);
});

test('a code that is shown before the cable is plugged in is found once it is', options, async (t) => {
  const { cable, move, start, source, into } = stage(t);
  const send = start('old', ['send', source]);
  const code = await move.code(send);
  await cable.connect(RATE);
  await move.bothDone(send, start('new', receiving(code, into)));
  assertSame(source, into);
});

test('a sender that gets another address while its code is shown is found there', options, async (t) => {
  const { cable, move, start, source, into } = stage(t);
  await cable.connect(RATE);
  const send = start('old', ['send', source]);
  const code = await move.code(send);
  cable.old.ip('addr', 'del', `${cable.oldAddress}/24`, 'dev', cable.device);
  cable.old.ip('addr', 'add', '10.79.1.99/24', 'dev', cable.device);
  await move.bothDone(send, start('new', receiving(code, into)));
  assertSame(source, into);
});

longTest('a sender that gets another address in the middle goes on from there', options, async (t) => {
  const { cable, move, start, into } = stage(t);
  const source = makeBulk(move.path('bulk'), 60);
  await cable.connect('200mbit');
  const send = start('old', ['send', source]);
  const receive = start('new', receiving(await move.code(send), into));
  await move.past(receive, 0.3);
  cable.old.ip('addr', 'del', `${cable.oldAddress}/24`, 'dev', cable.device);
  cable.old.ip('addr', 'add', '10.79.1.99/24', 'dev', cable.device);
  await move.bothDone(send, receive);
  assertSame(source, into);
});
