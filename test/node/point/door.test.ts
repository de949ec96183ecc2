import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StateId } from '../../../src/common/ids.ts';
import {
  type Door,
  type DoorEvent,
  Doors,
  type Entry,
  nextDoor,
  type Pass,
} from '../../../src/node/roles/point/door.ts';

const STALL_MS = 1000;
const stateOf = (number: number) => number.toString(16).padStart(64, '0') as StateId;

function newDoors() {
  const time = { nowMs: 0 };
  return { time, doors: new Doors({ now: () => 0, monotonicMs: () => time.nowMs }, STALL_MS) };
}

test('the table of the door: what is let in when', () => {
  const states: Door[] = [
    { is: 'closed' },
    { is: 'put', by: 'a' },
    { is: 'get', readers: 2 },
    { is: 'committing', by: 'a' },
    { is: 'deleting' },
  ];
  const events: DoorEvent[] = [
    ...(['put', 'get', 'commit', 'delete'] as const).flatMap((enter) => [
      { enter, by: 'a' },
      { enter, by: 'b' },
    ]),
    ...(['put', 'get', 'commit', 'delete'] as const).map((leave) => ({ leave })),
  ];
  const table = states.map((door) => {
    const told = events.map((event) => nextDoor(door, event)).map((next) => (next ? next.is : '-'));
    return `${door.is}: ${told.join(' ')}`;
  });
  assert.deepEqual(table, [
    // enter: put a, put b, get a, get b, commit a, commit b, delete a, delete b; leave: put, get, commit, delete
    'closed: put put get get committing committing deleting deleting - - - -',
    'put: put - - - committing - - - closed - - -',
    'get: - - get get - - - - - get - -',
    'committing: - - - - - - - - - - closed -',
    'deleting: - - - - - - - - - - - closed',
  ]);
  assert.deepEqual(nextDoor({ is: 'get', readers: 1 }, { leave: 'get' }), { is: 'closed' });
});

/** What the doors should be, kept in the plainest way: a list of who is inside. */
interface Inside {
  readonly pass: Pass;
  readonly state: StateId;
  readonly entry: Entry;
  readonly by: string;
  readonly yields: boolean;
  progressMs: number;
}

test('whatever comes in whatever order: who writes is alone, and nobody stays for ever', () => {
  const state = fc.nat(1).map(stateOf);
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('enter' as const),
      state,
      entry: fc.constantFrom<Entry>('put', 'get', 'commit', 'delete'),
      by: fc.constantFrom('a', 'b'),
      yields: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('leave' as const), which: fc.nat(5) }),
    fc.record({ kind: fc.constant('progress' as const), which: fc.nat(5) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(STALL_MS) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { doors, time } = newDoors();
      let inside: Inside[] = [];
      for (const one of steps) {
        if (one.kind === 'enter') {
          const yields = one.yields && one.entry === 'get';
          const there = inside.filter((who) => who.state === one.state);
          const writes = one.entry === 'put' || one.entry === 'commit';
          const giveWay = there.every((who) => who.yields || (who.entry === 'put' && who.by === one.by));
          const may =
            there.length === 0 ||
            (one.entry === 'get' && there.every((who) => who.entry === 'get')) ||
            (writes && giveWay);
          if (!may) {
            assert.throws(() => doors.enter(one.state, one.entry, one.by, yields), { code: 'refused' });
            continue;
          }
          const pass = doors.enter(one.state, one.entry, one.by, yields);
          if (writes) {
            for (const who of there) assert.ok(who.pass.signal.aborted, 'who gave way is told');
            inside = inside.filter((who) => who.state !== one.state);
          }
          inside.push({ ...one, yields, pass, progressMs: time.nowMs });
        } else if (one.kind === 'leave' || one.kind === 'progress') {
          const who = inside[one.which];
          if (!who) continue;
          if (one.kind === 'progress') {
            who.pass.progress();
            who.progressMs = time.nowMs;
          } else {
            who.pass.close();
            who.pass.close();
            inside.splice(one.which, 1);
          }
        } else {
          time.nowMs += one.ms;
          const ended = doors.endStalled();
          const stalled = inside.filter((who) => who.entry !== 'delete' && time.nowMs - who.progressMs >= STALL_MS);
          assert.equal(ended.length, stalled.length);
          for (const who of stalled) assert.ok(who.pass.signal.aborted);
          inside = inside.filter((who) => !stalled.includes(who));
        }
        for (const number of [0, 1]) {
          const there = inside.filter((who) => who.state === stateOf(number));
          const door = doors.of(stateOf(number));
          assert.equal(door.is === 'closed', there.length === 0);
          assert.equal(doors.isOpen(stateOf(number)), there.length > 0);
          if (door.is === 'get') assert.equal(door.readers, there.length);
          else assert.ok(there.length <= 1, 'who writes or deletes is alone');
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test('a pass that was taken away, closed late, does not close the door of the next one', () => {
  const { doors } = newDoors();
  const first = doors.enter(stateOf(1), 'put', 'a');
  const second = doors.enter(stateOf(1), 'put', 'a');
  assert.ok(first.signal.aborted);
  first.close();
  assert.equal(doors.of(stateOf(1)).is, 'put');
  second.close();
  assert.equal(doors.of(stateOf(1)).is, 'closed');
});

test('at the end of the point everybody is told and every door is closed', () => {
  const { doors } = newDoors();
  const passes = [doors.enter(stateOf(1), 'put', 'a'), doors.enter(stateOf(2), 'get', 'b')];
  doors.endAll(new Error('the end'));
  assert.ok(passes.every(({ signal }) => signal.aborted));
  assert.ok(!doors.isOpen(stateOf(1)) && !doors.isOpen(stateOf(2)));
});
