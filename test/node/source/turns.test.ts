import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../../src/node/roles/source/turns.ts';

const never = new AbortController().signal;

test('work of one key runs one after the other, that of another key beside it', async () => {
  const turns = new Turns();
  const order: string[] = [];
  let finish = () => {};
  const first = turns.take('a', never, async () => {
    order.push('a1 begins');
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    order.push('a1 ends');
  });
  const second = turns.take('a', never, async () => void order.push('a2'));
  await turns.take('b', never, async () => void order.push('b'));
  assert.equal(turns.isTaken('a'), true);
  finish();
  await Promise.all([first, second]);
  assert.deepEqual(order, ['a1 begins', 'b', 'a1 ends', 'a2']);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(turns.isTaken('a'), false);
});

test('work that fails lets the next one begin, and one that was aborted while it waited never begins', async () => {
  const turns = new Turns();
  const stop = new AbortController();
  const failing = turns.take('a', never, () => Promise.reject(new Error('no')));
  const aborted = turns.take('a', stop.signal, () => Promise.resolve('began'));
  stop.abort(new Error('stopped'));
  const third = turns.take('a', never, () => Promise.resolve('third'));
  await assert.rejects(failing, /no/);
  await assert.rejects(aborted, /stopped/);
  assert.equal(await third, 'third');
});
