import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { DIRECT_BUFFERS, DIRECT_PACK_BYTES } from '../../src/common/limits.ts';
import type { ToSendWorker } from '../../src/state/send/messages.ts';
import { PackBuffers } from '../../src/state/send/pack-buffers.ts';
import { Inbox } from '../../src/state/threads/inbox.ts';

function pool(t: TestContext) {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const buffers = new PackBuffers(new Inbox<ToSendWorker>(port2));
  const post = (message: ToSendWorker) => port1.postMessage(message);
  const takeAll = async () => {
    const taken: ArrayBuffer[] = [];
    while (taken.length < DIRECT_BUFFERS) taken.push(await buffers.take());
    return taken;
  };
  return { buffers, post, takeAll };
}

test('there are so many buffers, and one that comes back is used again', async (t) => {
  const { buffers, post, takeAll } = pool(t);
  buffers.begin(1);
  const taken = await takeAll();
  assert.ok(taken.every(({ byteLength }) => byteLength === DIRECT_PACK_BYTES));
  const next = buffers.take();
  const marked = new ArrayBuffer(DIRECT_PACK_BYTES);
  new Uint8Array(marked)[0] = 77;
  post({ type: 'buffer', answer: 1, buffer: marked, idleMs: 7 });

  assert.equal(new Uint8Array(await next)[0], 77);
  assert.equal(buffers.takeIdleMs(), 7);
  assert.equal(buffers.takeIdleMs(), 0);
});

test('a buffer of an answer that was ended is not used again, whenever it comes', async (t) => {
  const { buffers, takeAll } = pool(t);
  buffers.begin(1);
  const old = await takeAll();
  buffers.begin(2);
  buffers.giveBack(1, old[0]!, 5);
  const taken = await takeAll();
  assert.ok(taken.every((buffer) => !old.includes(buffer)));
  assert.equal(buffers.takeIdleMs(), 0);
});

test('who waits for a buffer hears that the answer was ended, and not of earlier ones', async (t) => {
  const { buffers, post, takeAll } = pool(t);
  buffers.begin(2);
  await takeAll();
  const waiting = assert.rejects(buffers.take(), { code: 'interrupted' });
  post({ type: 'end', answer: 1 });
  post({ type: 'buffer', answer: 1, buffer: new ArrayBuffer(DIRECT_PACK_BYTES), idleMs: 9 });
  post({ type: 'end', answer: 2 });
  await waiting;
});
