import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PackId, StateId } from '../../../src/common/ids.ts';
import type { Held } from '../../../src/node/roles/point/held-states.ts';
import { Scrub } from '../../../src/node/roles/point/upkeep/scrub.ts';
import { inTurns } from '../../../src/node/roles/point/upkeep/verify-in-turns.ts';
import { eventually, NEVER, Office, type OfficePoint, somePacks } from './support/office.ts';

const DAMAGED = { code: 'damaged' };
const MIB = 1024 * 1024;
const SOON = { timing: { scrubEveryMs: 40 } };

/** Two points with one state each has whole. */
async function twoCopies(t: Parameters<typeof Office.open>[0]) {
  const office = await Office.open(t, 2);
  const [one, two] = office.points as [OfficePoint, OfficePoint];
  await Promise.all([one.start(), two.start()]);
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000, 200_000, 3000));
  await office.capture(one, capture, { silent: true });
  await office.capture(two, capture, { peers: [one.peer, two.peer] });
  return { office, one, two, association, capture };
}

async function fetch(office: Office, point: OfficePoint, state: StateId, id: PackId): Promise<void> {
  const source = await office.as(office.destination.peerId, point).openSource(state, NEVER);
  try {
    const buffer = new Uint8Array(16 * MIB);
    const { packs } = office;
    await source.get(id, packs.get(id)!, buffer, NEVER);
  } finally {
    await source.close();
  }
}

test('a damaged pack is never given to anybody; it is set aside, fetched again from another holder, and given then', async (t) => {
  const { office, one, association, capture } = await twoCopies(t);
  const { state, packs } = capture;
  const bad = packs[1]!;
  one.away = true;
  one.damage(state, bad.id);
  await assert.rejects(fetch(office, one, state, bad.id), DAMAGED);
  assert.ok(!existsSync(one.packPath(state, bad.id)), 'it is not where packs are any more');
  await assert.rejects(fetch(office, one, state, bad.id), { code: 'not-found' });
  await fetch(office, one, state, packs[0]!.id);
  assert.equal(one.held(state)!.missingPacks, 1);
  await eventually('the receipt says so', () => one.receipt(association, state)?.phase === 'damaged' || undefined);
  assert.match(one.receipt(association, state)!.notes[0]!, /^1 of its packs/);
  one.away = false;
  await eventually('it is mended', () => one.held(state)!.missingPacks === 0 || undefined);
  await fetch(office, one, state, bad.id);
  await eventually('the receipt says so', () => one.receipt(association, state)?.phase === 'held' || undefined);
  assert.deepEqual(
    one.filesOf(state).filter((name) => name.startsWith('damaged/')),
    [],
    'what was set aside is gone',
  );
});

test('the scrub finds what nobody asked for: flipped, cut, emptied and lost packs, and mends them', async (t) => {
  const { office, one, association, capture } = await twoCopies(t);
  const { state, packs } = capture;
  await one.stop();
  one.damage(state, packs[0]!.id);
  writeFileSync(one.packPath(state, packs[1]!.id), Buffer.alloc(0));
  rmSync(one.packPath(state, packs[2]!.id));
  await one.start(SOON);
  await eventually('all is mended', () => {
    const { missingPacks, scrub } = one.held(state)!;
    return (missingPacks === 0 && scrub?.bad === 0 && scrub.agoMs !== null) || undefined;
  });
  for (const { id } of packs) await fetch(office, one, state, id);
  assert.equal(one.receipt(association, state)!.phase, 'held');
});

test('where no other holder has it, the receipt says damaged, and the source brings it again', async (t) => {
  const office = await Office.open(t, 1);
  const point = office.points[0]!;
  await point.start(SOON);
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000, 2000));
  await office.capture(point, capture);
  const { state, packs } = capture;
  point.damage(state, packs[1]!.id);
  const word = await eventually('the receipt says so', () => {
    const receipt = point.receipt(association, state);
    return receipt?.phase === 'damaged' ? receipt : undefined;
  });
  assert.deepEqual([word.bytes, word.totalBytes], [1000, 3000]);
  const ids = packs.map(({ id }) => id);
  assert.deepEqual(await office.asSource(point).missing(state, ids, NEVER), [packs[1]!.id]);
  const next = await office.snapshot(association, [packs[0]!, ...somePacks(2500)], { state, snapshot: 2 });
  await office.capture(point, next);
  const after = point.receipt(association, state)!;
  assert.deepEqual([after.phase, after.snapshot, after.bytes], ['held', 2, 3500]);
});

test('a holder that lies, and one whose own copy is damaged, mend nothing, and the next one is asked', async (t) => {
  const { office, one, two, capture } = await twoCopies(t);
  const third = await office.addPoint('point 2');
  const liar = await office.addPoint('point 3');
  await third.start();
  await liar.start();
  liar.lies = true;
  await office.capture(liar, capture, { silent: true });
  await office.capture(third, capture, { peers: [one.peer, two.peer, third.peer, liar.peer] });
  const { state, packs } = capture;
  await one.stop();
  rmSync(one.packPath(state, packs[1]!.id));
  two.damage(state, packs[1]!.id);
  await one.start(SOON);
  await eventually('mended by the honest and whole one', () => one.held(state)!.missingPacks === 0 || undefined);
  await fetch(office, one, state, packs[1]!.id);
});

test('a damaged descriptor, found by a scrub or at a start, is set aside; an older one serves, and a copy brings it again', async (t) => {
  const { office, one, two, association, capture } = await twoCopies(t);
  const { state } = capture;
  const next = await office.snapshot(association, capture.packs, { state, snapshot: 2 });
  await office.capture(one, next, { silent: true });
  await office.capture(two, next, { peers: [one.peer, two.peer] });
  const path = join(one.dir, 'states', state, 'snapshots', '2');
  await one.stop();
  writeFileSync(path, randomBytes(500));
  await one.start();
  await one.role.tick();
  assert.deepEqual(one.held(state)!.snapshots, [1]);
  const word = one.receipt(association, state)!;
  assert.deepEqual([word.phase, word.snapshot, word.descriptorHash], ['held', 1, capture.descriptorHash]);
  // As another holder brings it.
  await office.capture(one, next, { silent: true });
  await one.restart(SOON);
  writeFileSync(path, randomBytes(500));
  await eventually('the scrub finds it', () => one.held(state)!.snapshots.length === 1 || undefined);
  await eventually('the receipt follows', () => one.receipt(association, state)?.snapshot === 1 || undefined);
});

test('a state of an association that is not known yet is nobody’s, until the records have it', async (t) => {
  const { office, one, capture } = await twoCopies(t);
  const { state } = capture;
  await one.stop();
  const known = one.machine.log.association.bind(one.machine.log);
  one.machine.log.association = () => undefined;
  await one.start();
  await one.role.tick();
  assert.equal(one.held(state)!.association, undefined);
  await assert.rejects(office.as(office.destination.peerId, one).openSource(state, NEVER), { code: 'refused' });
  one.machine.log.association = known;
  await eventually('it is known', () => one.held(state)!.association);
  await (await office.as(office.destination.peerId, one).openSource(state, NEVER)).close();
});

test('a scrub goes on after a restart where it was, reads each pack once, and no faster than it may', async (t) => {
  const office = await Office.open(t, 1);
  const point = office.points[0]!;
  await point.start();
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(...Array.from({ length: 12 }, () => 16 * MIB - 1000)));
  await office.capture(point, capture);
  const { state } = capture;
  const read: PackId[] = [];
  let marks: Held['info'];
  const sleeps: number[] = [];
  /** The real scrub over the real store, in which time stands still and each turn takes two minutes. */
  const scrubUntil = async (turns: number): Promise<number | undefined> => {
    let observedMs = 0;
    const held = {
      all: () => [],
      get: () => one,
      expected: async () => new Map(capture.packs.map(({ id, bytes }) => [id, bytes.length])),
      header: async () => ({}),
      badKeys: async () => [],
      setSnapshotAside: async () => assert.fail('no descriptor is damaged'),
      remember: async (_: Held, change: Partial<NonNullable<Held['info']>>) => {
        marks = { ...marks!, ...change };
        one.info = marks;
      },
    };
    const one = { state, info: marks, snapshots: [1] } as unknown as Held;
    const stop = new AbortController();
    let count = 0;
    const scrub = new Scrub({
      store: {
        verifyPacks: async (id: StateId, packs: { id: PackId; sizeBytes: number }[]) => {
          for (const pack of packs) read.push(pack.id);
          return point.store.verifyPacks(id, packs);
        },
      } as never,
      held: held as never,
      file: { observedMs: () => observedMs } as never,
      timing: { scrubEveryMs: 1000, scrubBytesPerSecond: MIB },
      clock: { now: () => 0, monotonicMs: () => 0 },
      sleep: async (ms) => {
        sleeps.push(ms);
        observedMs += 120_000;
        count += 1;
        if (count === turns) stop.abort();
      },
      log: { debug() {}, info() {}, warn() {}, error() {} },
      onDamaged: async () => {},
    });
    return await scrub.scrub(one, stop.signal).catch(() => undefined);
  };
  assert.equal(await scrubUntil(2), undefined);
  assert.ok(marks?.scrub?.after, 'where it was is remembered');
  assert.equal(await scrubUntil(100), 0);
  assert.equal(marks?.scrub?.after, null);
  assert.deepEqual([...read].sort(), capture.packs.map(({ id }) => id).sort(), 'each one once, over both runs');
  const seconds = sleeps.reduce((sum, ms) => sum + ms, 0) / 1000;
  assert.ok(Math.abs(seconds - 12 * 16) < 1, `192 MiB at 1 MiB a second take ${seconds} s`);
});

test('turns hold at most 32 MiB, or one pack, and all packs in order', () => {
  const packs = [1, 20, 20, 5, 7, 33, 1].map((mib, index) => ({ id: String(index) as PackId, sizeBytes: mib * MIB }));
  const turns = [...inTurns(packs)];
  assert.deepEqual(
    turns.map((turn) => turn.map(({ id }) => id).join('')),
    ['01', '234', '5', '6'],
  );
  assert.deepEqual([...inTurns([])], []);
});
