import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KeepMarks } from '../../../src/node/roles/point/state-info.ts';
import { dueOf, marksAfter } from '../../../src/node/roles/point/upkeep/retention.ts';
import { eventually, NEVER, Office, type OfficePoint, somePacks } from './support/office.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

async function heldBy(t: Parameters<typeof Office.open>[0], terms: { keepMs?: number; deadlineMs?: number | null }) {
  const office = await Office.open(t, 1);
  const point = office.points[0]!;
  await point.start();
  const association = await office.associate(terms);
  const capture = await office.snapshot(association, somePacks(1000, 2000));
  await office.capture(point, capture);
  return { office, point, association, capture };
}

const gone = (point: OfficePoint, state: Parameters<OfficePoint['held']>[0]) =>
  eventually('the state is deleted', () => point.held(state) === undefined || undefined);
const ticks = async (point: OfficePoint) => {
  for (let count = 0; count < 3; count += 1) await point.role.tick();
};

test('kept until it was restored, then for as long as agreed; the deletion is signed, and nothing of it stays', async (t) => {
  const { office, point, association, capture } = await heldBy(t, { keepMs: 30 * DAY_MS });
  const { state } = capture;
  point.clock.skippedMs += 5 * YEAR_MS;
  await ticks(point);
  assert.equal(point.held(state)!.keptForMs, null, 'nobody restored it, and there is no deadline');
  // What is no acknowledgement of this snapshot does not count, nor one of an older one.
  for (const snapshot of [1, 0]) {
    await office.acknowledge(capture, { snapshot, descriptorHash: 'ab'.repeat(32) });
    await ticks(point);
    assert.equal(point.held(state)!.acknowledged, false, `${snapshot}`);
  }
  await office.acknowledge(capture, { phase: 'failed' });
  await ticks(point);
  assert.equal(point.held(state)!.acknowledged, false);
  await office.acknowledge(capture);
  await ticks(point);
  assert.ok(point.held(state)!.acknowledged);
  point.clock.skippedMs += 29 * DAY_MS;
  await ticks(point);
  assert.ok(Math.abs(point.held(state)!.keptForMs! - DAY_MS) < 60_000);
  point.clock.skippedMs += DAY_MS;
  await gone(point, state);
  assert.deepEqual(point.filesOf(state), []);
  const receipt = await eventually('it is signed', () => {
    const word = point.receipt(association, state);
    return word?.phase === 'deleted' ? word : undefined;
  });
  assert.deepEqual(
    [receipt.snapshot, receipt.descriptorHash, receipt.bytes, receipt.notes],
    [1, capture.descriptorHash, 0, ['its destination has restored it']],
  );
});

test('a snapshot whose successor was committed elsewhere and restored is kept no longer than that', async (t) => {
  const { office, point, capture } = await heldBy(t, { keepMs: 3 * DAY_MS });
  await office.acknowledge(capture, { snapshot: 2, descriptorHash: 'ab'.repeat(32) });
  await ticks(point);
  assert.ok(point.held(capture.state)!.acknowledged);
  point.clock.skippedMs += 2 * DAY_MS;
  await ticks(point);
  assert.ok(point.held(capture.state));
  point.clock.skippedMs += 2 * DAY_MS;
  await gone(point, capture.state);
});

test('what nobody restored is deleted at the deadline, where there is one', async (t) => {
  const { point, association, capture } = await heldBy(t, { deadlineMs: 10 * DAY_MS });
  point.clock.skippedMs += 9 * DAY_MS;
  await ticks(point);
  assert.ok(point.held(capture.state));
  point.clock.skippedMs += 2 * DAY_MS;
  await gone(point, capture.state);
  await eventually('it is signed', () =>
    point.receipt(association, capture.state)?.notes.includes('nobody restored it by the deadline'),
  );
});

test('a wall clock a year wrong, either way, and one that jumps, change nothing', async (t) => {
  const { office, point, capture } = await heldBy(t, { keepMs: DAY_MS, deadlineMs: 10 * DAY_MS });
  for (const skew of [YEAR_MS, -YEAR_MS, 20 * YEAR_MS]) {
    point.clock.wallSkewMs = skew;
    await ticks(point);
    await point.restart();
    await ticks(point);
    assert.ok(point.held(capture.state), `skew ${skew}`);
  }
  await office.acknowledge(capture);
  await ticks(point);
  point.clock.wallSkewMs = -5 * YEAR_MS;
  await ticks(point);
  assert.ok(point.held(capture.state));
  point.clock.skippedMs += DAY_MS;
  await gone(point, capture.state);
});

test('time counts only while the point runs, and over its starts; a crash costs a minute of it at most', async (t) => {
  const { office, point, capture } = await heldBy(t, { keepMs: 3 * DAY_MS });
  await office.acknowledge(capture);
  await ticks(point);
  point.clock.skippedMs += 2 * DAY_MS;
  await ticks(point);
  await point.stop();
  point.clock.skippedMs += YEAR_MS;
  await point.start();
  await ticks(point);
  const left = point.held(capture.state)!.keptForMs!;
  assert.ok(Math.abs(left - DAY_MS) < 60_000, `a day is left, not ${left} ms`);
  // A crash: the file is as it was written while it ran.
  point.clock.skippedMs += DAY_MS / 2;
  await ticks(point);
  point.clock.skippedMs += 59_000;
  await ticks(point);
  const file = join(point.dir, 'point.json');
  const atCrash = readFileSync(file);
  await point.stop();
  writeFileSync(file, atCrash);
  await point.start();
  const after = point.held(capture.state)!.keptForMs!;
  assert.ok(after >= DAY_MS / 2 - 60_000 && after <= DAY_MS / 2 + 61_000, `${after}`);
});

test('a newer snapshot begins anew, and a destination that restores again keeps it from being deleted', async (t) => {
  const { office, point, association, capture } = await heldBy(t, { keepMs: DAY_MS });
  const { state } = capture;
  await office.acknowledge(capture);
  await ticks(point);
  assert.ok(point.held(state)!.acknowledged);
  const next = await office.snapshot(association, capture.packs, { state, snapshot: 2 });
  await office.capture(point, next);
  await ticks(point);
  assert.deepEqual([point.held(state)!.acknowledged, point.held(state)!.keptForMs], [false, null]);
  point.clock.skippedMs += 2 * DAY_MS;
  await ticks(point);
  assert.ok(point.held(state));
  await office.acknowledge(next);
  await ticks(point);
  await office.acknowledge(next, { phase: 'restoring' });
  point.clock.skippedMs += 2 * DAY_MS;
  await ticks(point);
  assert.ok(point.held(state), 'he is at it again');
  await office.acknowledge(next);
  await ticks(point);
  point.clock.skippedMs += DAY_MS;
  await gone(point, state);
});

test('nothing is deleted while somebody is inside, or has room reserved to go on', async (t) => {
  const { office, point, capture } = await heldBy(t, { keepMs: 0 });
  const { state } = capture;
  const reader = await office.as(office.destination.peerId, point).openSource(state, NEVER);
  await office.acknowledge(capture);
  await ticks(point);
  assert.ok(point.held(state), 'it is being read');
  await reader.get(capture.packs[0]!.id, 1000, new Uint8Array(2 ** 24), NEVER);
  await reader.close();
  await gone(point, state);

  const second = await office.snapshot(capture.association, somePacks(100));
  await office.capture(point, second);
  const wish = { association: office.envelope(capture.association), state: second.state, bytes: 10, copy: false };
  const { lease } = await office.asSource(point).reserve(wish, NEVER);
  await office.acknowledge(second);
  await ticks(point);
  assert.ok(point.held(second.state), 'its source goes on');
  await office.asSource(point).release(lease, NEVER);
  await gone(point, second.state);
});

test('a crash anywhere in a deletion ends in the same: all of it gone, and signed', async (t) => {
  for (const crash of [
    () => {},
    (stateDir: string) => rmSync(join(stateDir, 'snapshots'), { recursive: true }),
    (stateDir: string) => rmSync(stateDir, { recursive: true, force: true }),
  ]) {
    const { point, association, capture } = await heldBy(t, {});
    const { state, descriptorHash } = capture;
    const deletion = { state, association, snapshot: 1, descriptorHash, totalBytes: 3000, reason: 'its time is over' };
    const file = join(point.dir, 'point.json');
    const stateDir = join(point.dir, 'states', state);
    await point.stop();
    writeFileSync(file, JSON.stringify({ version: 1, observedMs: 5, deleting: [deletion] }));
    crash(stateDir);
    await point.start();
    await ticks(point);
    assert.equal(point.held(state), undefined);
    assert.ok(!existsSync(stateDir));
    const { phase, notes } = point.receipt(association, state)!;
    assert.deepEqual([phase, notes], ['deleted', ['its time is over']]);
    assert.deepEqual((JSON.parse(readFileSync(file, 'utf8')) as { deleting: unknown[] }).deleting, []);
  }
});

test('a state that has come anew under the same id is not taken for the one that was to be deleted', async (t) => {
  const { office, point, association, capture } = await heldBy(t, {});
  const next = await office.snapshot(association, capture.packs, { state: capture.state, snapshot: 2 });
  await office.capture(point, next);
  await point.stop();
  const { state, descriptorHash } = capture;
  const deletion = { state, association, snapshot: 1, descriptorHash, totalBytes: 3000, reason: 'its time is over' };
  writeFileSync(join(point.dir, 'point.json'), JSON.stringify({ version: 1, observedMs: 5, deleting: [deletion] }));
  await point.start();
  await ticks(point);
  assert.deepEqual(point.held(state)!.snapshots, [1, 2]);
  assert.equal(point.receipt(association, state)!.phase, 'held');
});

test('a store that is not there any more is told as damage, not as a deletion; and it is held again when it is back', async (t) => {
  const { point, association, capture } = await heldBy(t, { keepMs: 0 });
  await point.stop();
  renameSync(point.dir, `${point.dir}-away`);
  await point.start();
  await ticks(point);
  const word = point.receipt(association, capture.state)!;
  assert.deepEqual([word.phase, word.bytes, word.notes], ['damaged', 0, ['it is not in the store of this point']]);
  await point.stop();
  rmSync(point.dir, { recursive: true });
  renameSync(`${point.dir}-away`, point.dir);
  await point.start();
  await ticks(point);
  assert.equal(point.receipt(association, capture.state)?.phase, 'held');
});

test('the rule of retention: never before its time, whatever is observed in whatever order', () => {
  const look = fc.record({ acknowledged: fc.boolean(), waitMs: fc.nat(1000), fresh: fc.boolean() });
  fc.assert(
    fc.property(
      fc.record({ keepMs: fc.nat(1500), deadlineMs: fc.option(fc.nat(3000), { nil: null }) }),
      fc.array(look, { maxLength: 30 }),
      fc.option(fc.record({ committedAtMs: fc.nat(1e6), acknowledgedAtMs: fc.option(fc.nat(1e6), { nil: null }) }), {
        nil: null,
      }),
      (terms, looks, stale) => {
        let nowMs = 0;
        // A hint from another store's clock must not let anything go early.
        let marks: KeepMarks = marksAfter(stale, false, nowMs);
        let committedMs = nowMs;
        let acknowledgedMs: number | null = null;
        for (const { acknowledged, waitMs, fresh } of looks) {
          nowMs += waitMs;
          if (fresh) {
            marks = { committedAtMs: nowMs, acknowledgedAtMs: null };
            committedMs = nowMs;
            acknowledgedMs = null;
          }
          marks = marksAfter(marks, acknowledged, nowMs);
          acknowledgedMs = acknowledged ? (acknowledgedMs ?? nowMs) : null;
          const due = dueOf(marks, terms);
          if (acknowledgedMs !== null) assert.equal(due?.atMs, acknowledgedMs + terms.keepMs);
          else if (terms.deadlineMs === null) assert.equal(due, undefined);
          else assert.equal(due?.atMs, committedMs + terms.deadlineMs);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
