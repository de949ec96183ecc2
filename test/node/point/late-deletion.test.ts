/** That a deletion cannot be missed for good, whatever the link does; and when it comes at the latest. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerIdText } from '../../../src/common/ids.ts';
import { LEASE_IDLE_MS, RECORDS_CHECK_EVERY_MS } from '../../../src/common/limits.ts';
import { Spreading } from '../../../src/node/membership/spreading.ts';
import type { Ask } from '../../../src/protocols/records/client.ts';
import { RecordsAnswer, RecordsRequest } from '../../../src/protocols/records/messages.ts';
import { answerRecords } from '../../../src/protocols/records/server.ts';
import type { Machine } from '../../records/machines.ts';
import { eventOf, eventually, NEVER, Office, type OfficePoint, somePacks } from './support/office.ts';

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const TICK_MS = 2_000;
/** What broke is done again at the next tick; the connection may have to be made anew before. */
const LATEST_MS = 3 * TICK_MS;

const BREAKS = ['before it arrives', 'after it arrived', 'and it is silent', 'and the cable is out'] as const;
type Break = (typeof BREAKS)[number];

const ticks = async (point: OfficePoint) => {
  for (let count = 0; count < 3; count += 1) await point.role.tick();
};

/** Two machines that keep their records equal, by a link that breaks once, at a given message. */
class Pair {
  readonly #machines: readonly [Machine, Machine];
  readonly #spreadings: Spreading[];
  readonly #stop = new AbortController();
  // As of an agent that has just started.
  #nowMs = 1_000;
  #isUp = true;
  #left = 0;
  #how: Break = 'before it arrives';

  constructor(a: Machine, b: Machine) {
    this.#machines = [a, b];
    this.#spreadings = [0, 1].map((self) => this.#spreadingOf(self));
  }

  breakAt(message: number, how: Break): void {
    this.#left = message;
    this.#how = how;
  }

  /** The first machine has something to tell. */
  tell(hash: string): void {
    this.#spreadings[0]!.added([hash], undefined);
  }

  /** As a greeting does when a connection was made anew, by whoever made it. */
  reconnect(dialler: number): void {
    this.#isUp = true;
    void this.#spreadings[dialler]!.with(this.#machines[1 - dialler]!.peerId);
  }

  /** Lets time pass until the answer is true. Returns how much. */
  async until(isTrue: () => boolean, dialler: number): Promise<number> {
    const begunMs = this.#nowMs;
    // News is told after some real milliseconds.
    await new Promise((done) => setTimeout(done, 70));
    while (!isTrue() && this.#nowMs - begunMs < 2 * RECORDS_CHECK_EVERY_MS) {
      this.#nowMs += TICK_MS;
      if (!this.#isUp) this.reconnect(dialler);
      for (const spreading of this.#spreadings) spreading.tick();
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    }
    return this.#nowMs - begunMs;
  }

  end(): void {
    this.#stop.abort();
    for (const spreading of this.#spreadings) spreading.stop();
  }

  #spreadingOf(self: number): Spreading {
    const [me, other] = [this.#machines[self]!, this.#machines[1 - self]!];
    return new Spreading({
      store: me.log,
      peers: (): PeerIdText[] => (this.#isUp ? [other.peerId] : []),
      ask: () => (this.#isUp ? this.#ask(me, other, 1 - self) : undefined),
      clock: { now: () => this.#nowMs, monotonicMs: () => this.#nowMs },
      random: (count) => new Uint8Array(count).fill(255),
      log: QUIET,
      signal: this.#stop.signal,
      // Of what the other has of an older record.
      refused: () => {},
      silent: () => {
        this.#isUp = false;
      },
    });
  }

  #ask(from: Machine, to: Machine, answerer: number): Ask {
    return async (request) => {
      this.#left -= 1;
      const isBreak = this.#left === 0;
      if (isBreak && this.#how !== 'after it arrived') this.#break();
      const decoded = RecordsRequest.decode(RecordsRequest.encode(request));
      const answer = await answerRecords(to.log, decoded, from.peerId, this.#spreadings[answerer]!);
      if (isBreak) this.#break();
      return RecordsAnswer.decode(RecordsAnswer.encode(answer));
    };
  }

  #break(): never {
    if (this.#how === 'and the cable is out') this.#isUp = false;
    if (this.#how === 'and it is silent') throw new DOMException('timed out', 'TimeoutError');
    throw new Error('the stream was reset');
  }
}

test('the word that a state was restored comes to its point, whichever message is lost, and then it is deleted', async (t) => {
  const office = await Office.open(t, 1);
  const point = office.points[0]!;
  await point.start();
  const association = await office.associate({ keepMs: 0 });
  const capture = await office.snapshot(association, somePacks(1000, 2000));
  await office.capture(point, capture);
  const { destination } = office;
  // From here on there is no other way for records than the link.
  office.machines.length = 0;
  const late: string[] = [];
  let latestMs = 0;
  for (let message = 1; message <= 6; message += 1) {
    for (const how of BREAKS) {
      for (const dialler of [0, 1]) {
        const pair = new Pair(destination, point.machine);
        const { hash } = await destination.log.append(eventOf(capture, { step: 'restore', phase: 'restoring' }));
        pair.breakAt(message, how);
        if (message % 2 === 0) pair.reconnect(dialler);
        else pair.tell(hash);
        const ms = await pair.until(() => point.machine.log.hasStart(hash), dialler);
        pair.end();
        latestMs = Math.max(latestMs, ms);
        if (ms > LATEST_MS) late.push(`message ${message} is lost ${how}: ${ms} ms`);
      }
    }
  }
  assert.deepEqual(late, []);
  t.diagnostic(`at the latest after ${latestMs / 1000} s`);
  const pair = new Pair(destination, point.machine);
  await destination.log.append(eventOf(capture, { step: 'restore', phase: 'restored' }));
  pair.reconnect(0);
  await eventually('it is deleted', () => point.held(capture.state) === undefined || undefined);
  pair.end();
});

test('what a machine reserved that died afterwards delays a deletion until its lease is over, and no longer', async (t) => {
  const office = await Office.open(t, 2);
  const [point, dead] = office.points as [OfficePoint, OfficePoint];
  await point.start();
  const association = await office.associate({ keepMs: 0, replicas: 2 });
  const capture = await office.snapshot(association, somePacks(1000));
  await office.capture(point, capture, { peers: [point.peer, dead.peer] });
  const wish = { association: office.envelope(association), state: capture.state, bytes: 10, copy: false };
  await office.asSource(point).reserve(wish, NEVER);
  await office.acknowledge(capture);
  await ticks(point);
  assert.ok(point.held(capture.state));
  point.clock.skippedMs += LEASE_IDLE_MS - 30_000;
  await ticks(point);
  assert.ok(point.held(capture.state), 'whoever has it may go on');
  point.clock.skippedMs += 30_000;
  await eventually('it is deleted', () => point.held(capture.state) === undefined || undefined);
});
