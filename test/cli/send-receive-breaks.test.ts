/** A move over a slow cable that breaks off in its middle: by a person, by a crash, by the cable, by a new address. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from '../support/agents.ts';
import { Cable, noCable } from '../support/cable.ts';
import { longTest } from '../support/long.ts';
import { failure } from '../support/scene.ts';
import { makeBulk, makeHome } from '../support/trees.ts';
import { assertSame, DirectMove } from './support/direct-move.ts';

const MEGABYTES = 150;
/** The whole takes some three seconds: progress is shown many times before the end. */
const RATE = '400mbit';
const IN_THE_MIDDLE = 0.3;
/** What is under way when it breaks is sent again, and nothing else: of all bytes, headers among them. */
const AGAIN_MAX = 1.15;
/** And after a start of either side, with a third in place: what is left, what was under way, headers. */
const REST_MAX = 0.9;
/** Long enough that both systems have seen it. */
const CABLE_OUT_MS = 4_000;

interface Stage {
  readonly move: DirectMove;
  readonly cable: Cable;
  readonly source: string;
  readonly into: string;
  /** A move that has begun. */
  begin(into?: string): Promise<{ send: Command; receive: Command }>;
}

async function stage(t: TestContext): Promise<Stage> {
  const cable = new Cable();
  const move = new DirectMove(cable);
  t.after(async () => {
    await move.end();
    cable[Symbol.dispose]();
  });
  await cable.connect(RATE);
  const source = makeHome(makeBulk(move.path('home'), MEGABYTES));
  const into = move.path('into');
  return {
    move,
    cable,
    source,
    into,
    async begin(where = into) {
      const send = move.send(source);
      return { send, receive: move.receive(await move.code(send), where) };
    },
  };
}

const options = { skip: noCable() };

/** Bytes that came in at the new machine during `work`. */
async function counted(cable: Cable, work: () => Promise<unknown>): Promise<number> {
  const before = cable.receivedBytes();
  await work();
  return cable.receivedBytes() - before;
}

/** What was there before was not asked for again. */
function assertWentOn(receivedBytes: number): void {
  const most = MEGABYTES * 1e6 * REST_MAX;
  assert.ok(receivedBytes < most, `${receivedBytes} bytes came in, ${most} at most`);
}

test('a receiver that is interrupted goes on where it was, without a code', options, async (t) => {
  const { move, cable, source, into, begin } = await stage(t);
  const { send, receive } = await begin();
  await move.past(receive, IN_THE_MIDDLE);
  receive.kill('SIGINT');
  failure(await move.ended(receive), 130, 'interrupted');
  assert.ok(send.running, 'the sender waits for it');
  const again = move.receive(undefined, into);
  assertWentOn(await counted(cable, () => move.bothDone(send, again)));
  assertSame(source, into);
});

test('a receiver that is killed goes on where it was, without a code', options, async (t) => {
  const { move, cable, source, into, begin } = await stage(t);
  const { send, receive } = await begin();
  await move.past(receive, IN_THE_MIDDLE);
  receive.kill('SIGKILL');
  await move.ended(receive);
  const again = move.receive(undefined, into);
  assertWentOn(await counted(cable, () => move.bothDone(send, again)));
  assertSame(source, into);
});

test(
  'a sender that is interrupted and started again is gone on with by the receiver that waits',
  options,
  async (t) => {
    const { move, cable, source, into, begin } = await stage(t);
    const { send, receive } = await begin();
    await move.past(receive, IN_THE_MIDDLE);
    send.kill('SIGINT');
    failure(await move.ended(send), 130, 'interrupted');
    assert.ok(receive.running, 'the receiver waits for it');
    assertWentOn(await counted(cable, () => move.bothDone(move.send(source), receive)));
    assertSame(source, into);
  },
);

test('a sender that is killed and started again is gone on with by the receiver that waits', options, async (t) => {
  const { move, cable, source, into, begin } = await stage(t);
  const { send, receive } = await begin();
  await move.past(receive, IN_THE_MIDDLE);
  send.kill('SIGKILL');
  await move.ended(send);
  assertWentOn(await counted(cable, () => move.bothDone(move.send(source), receive)));
  assertSame(source, into);
});

longTest('a cable that is out for some seconds at half costs what was under way', options, async (t) => {
  const { move, cable, source, into, begin } = await stage(t);
  const untouched = move.path('untouched');
  const alone = await counted(cable, async () => {
    const { send, receive } = await begin(untouched);
    await move.bothDone(send, receive);
  });
  assertSame(source, untouched);
  const broken = await counted(cable, async () => {
    const { send, receive } = await begin();
    await move.past(receive, 0.5);
    cable.pull();
    await sleep(CABLE_OUT_MS);
    await cable.plug();
    await move.bothDone(send, receive);
  });
  t.diagnostic(`${broken} bytes instead of ${alone}: ${(broken / alone).toFixed(3)} times`);
  assert.ok(broken <= alone * AGAIN_MAX, `${broken} bytes instead of ${alone}`);
  assertSame(source, into);
});

longTest('a receiver that gets another address goes on from there', options, async (t) => {
  const { move, cable, source, into, begin } = await stage(t);
  const received = await counted(cable, async () => {
    const { send, receive } = await begin();
    await move.past(receive, IN_THE_MIDDLE);
    cable.readdress('10.79.1.77');
    await move.bothDone(send, receive);
  });
  t.diagnostic(`${received} bytes for ${MEGABYTES * 1e6} of content`);
  assert.ok(received <= MEGABYTES * 1e6 * AGAIN_MAX, `${received} bytes came in`);
  assertSame(source, into);
});
