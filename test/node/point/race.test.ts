import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../../src/common/errors.ts';
import { associationId, type PeerIdText, type StateId, stateId } from '../../../src/common/ids.ts';
import { LEASE_IDLE_MS } from '../../../src/common/limits.ts';
import { grantableBytes } from '../../../src/node/roles/point/leases/capacity.ts';
import { type LeaseRecord, Leases, type LeaseTerms } from '../../../src/node/roles/point/leases/leases.ts';
import { plainAssociation } from '../../../src/state/records/index.ts';
import { machine } from '../../records/machines.ts';
import { commitOf, eventually, NEVER, Office, somePacks } from './support/office.ts';

const MB = 1_000_000;

test('20 sources race for points with room for 7: exactly 7 hold a lease, no point overcommits, the others are told why', async (t) => {
  const office = await Office.open(t, 3);
  const rooms = [3, 2, 2];
  for (const [index, point] of office.points.entries()) {
    await point.start({ limits: { quotaBytes: rooms[index]! * MB + MB / 2 } });
  }
  const sources = [];
  for (let number = 0; number < 20; number += 1) {
    const source = await machine(`source ${number}`);
    await office.enter(source, {}, true);
    const { peerId } = source;
    const record = await source.log.append(
      plainAssociation({
        source: peerId,
        destination: office.destination.peerId,
        mode: 'side-by-side',
        nonce: randomBytes(16).toString('hex'),
      }),
    );
    sources.push({ peerId, envelope: record.envelope, association: associationId(record.hash) });
  }
  await office.spread();
  const won = await Promise.all(
    sources.map(async ({ peerId, envelope }, number): Promise<string[] | undefined> => {
      const lacks: string[] = [];
      const wish = { association: envelope, state: stateId(randomBytes(32).toString('hex')), bytes: MB, copy: false };
      // Each in an order of its own, and with pauses of its own.
      for (let turn = 0; turn < office.points.length; turn += 1) {
        const point = office.points[(turn + number) % office.points.length]!;
        await new Promise((done) => setTimeout(done, randomBytes(1)[0]! / 20));
        try {
          await office.as(peerId, point).reserve(wish, NEVER);
          return undefined;
        } catch (error) {
          assert.ok(error instanceof ResettleError && error.code === 'no-point');
          lacks.push(error.message);
        }
      }
      return lacks;
    }),
  );
  assert.equal(won.filter((lacks) => lacks === undefined).length, 7);
  for (const lacks of won) {
    if (lacks)
      assert.ok(lacks.length === 3 && lacks.every((lack) => /1000000 bytes are needed and 500000 are free/.test(lack)));
  }
  for (const [index, point] of office.points.entries()) {
    assert.equal((await point.role.capacity()).reservedBytes, rooms[index]! * MB);
  }
});

/** A disk that keeps what was written, whatever becomes of the process above it. */
interface Disk {
  readonly bytes: number;
  readonly packBytes: Map<StateId, number>;
  /** As in state.json. */
  readonly leases: Map<StateId, LeaseTerms>;
}

const usedOf = (disk: Disk): number => [...disk.packBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
const stateOf = (number: number) => number.toString(16).padStart(64, '0') as StateId;
const peerOf = (number: number) => `peer-${number}` as PeerIdText;

test('reserve, book, store, break, release, expire and restart in any order: leases and files never exceed the disk', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('reserve' as const), state: fc.nat(9), bytes: fc.nat(500) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('fill' as const), state: fc.nat(9), more: fc.nat(1) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('book' as const), state: fc.nat(9), bytes: fc.nat(200) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('store' as const), which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('break' as const), which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), state: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(LEASE_IDLE_MS) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.array(step, { minLength: 20, maxLength: 80 }), (bytes, steps) => {
      const disk: Disk = { bytes, packBytes: new Map(), leases: new Map() };
      const time = { nowMs: 0 };
      const clock = { now: () => 0, monotonicMs: () => time.nowMs };
      let leases = new Leases(clock, randomBytes);
      /** Packs that were wanted and have not arrived. */
      let coming: { lease: LeaseRecord; bytes: number }[] = [];
      const free = (state: StateId): number =>
        grantableBytes(
          { quotaBytes: undefined, keepFreeBytes: 0, maxClients: 1, drain: false },
          {
            diskFreeBytes: disk.bytes - usedOf(disk),
            usedBytes: usedOf(disk),
            outstandingBytes: leases.outstandingBytes(state),
          },
        );
      for (const one of steps) {
        if (one.kind === 'reserve' || one.kind === 'fill') {
          const state = stateOf(one.state);
          if (coming.some(({ lease }) => lease.state === state)) continue;
          const freeBytes = free(state);
          // To the byte: exactly what is free, or one more.
          const wanted = one.kind === 'reserve' ? one.bytes : freeBytes + one.more;
          const baseBytes = disk.packBytes.get(state) ?? 0;
          const wish = { state, peer: peerOf(one.state), copy: false, bytes: wanted, baseBytes };
          if (wanted > freeBytes) {
            assert.throws(() => leases.grant(wish, freeBytes), { code: 'no-point' });
          } else {
            const { id, peer, copy } = leases.grant(wish, freeBytes);
            disk.leases.set(state, { id, peer, copy, bytes: wanted, baseBytes });
            disk.packBytes.set(state, baseBytes);
          }
        } else if (one.kind === 'book') {
          const lease = leases.ofState(stateOf(one.state));
          if (!lease) continue;
          if (lease.bookedBytes + one.bytes > lease.bytes) {
            assert.throws(() => leases.book(lease, one.bytes), { code: 'refused' });
          } else {
            leases.book(lease, one.bytes);
            coming.push({ lease, bytes: one.bytes });
          }
        } else if (one.kind === 'store') {
          const [pack] = coming.splice(one.which, 1);
          if (!pack) continue;
          const { state } = pack.lease;
          disk.packBytes.set(state, (disk.packBytes.get(state) ?? 0) + pack.bytes);
          leases.stored(pack.lease, pack.bytes);
        } else if (one.kind === 'break') {
          const [pack] = coming.splice(one.which, 1);
          if (pack) leases.unbook(pack.lease, pack.bytes);
        } else if (one.kind === 'release') {
          const lease = leases.ofState(stateOf(one.state));
          if (!lease || coming.some((pack) => pack.lease === lease)) continue;
          leases.release(lease.id);
          disk.leases.delete(lease.state);
          assert.throws(() => leases.use(lease.id, lease.peer), { code: 'refused' });
        } else if (one.kind === 'wait') {
          time.nowMs += one.ms;
          for (const over of leases.expire((state) => coming.some(({ lease }) => lease.state === state))) {
            disk.leases.delete(over.state);
          }
        } else {
          // What was on its way is lost; what was written is counted on the disk.
          leases = new Leases(clock, randomBytes);
          coming = [];
          for (const [state, terms] of disk.leases) {
            const lease = leases.takeUp(state, terms, disk.packBytes.get(state) ?? 0);
            assert.equal(lease.bookedBytes, lease.storedBytes);
            assert.equal(leases.use(terms.id, terms.peer, state), lease, 'the id that the source has is still good');
          }
        }
        assert.ok(usedOf(disk) + leases.outstandingBytes() <= disk.bytes, 'overcommitted');
        assert.equal(leases.count, disk.leases.size);
        for (const [state, terms] of disk.leases) {
          const lease = leases.ofState(state)!;
          assert.equal(lease.storedBytes, disk.packBytes.get(state)! - terms.baseBytes, 'exact to the byte');
          assert.ok(lease.storedBytes <= lease.bookedBytes && lease.bookedBytes <= lease.bytes);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test('the first lease of a member may take all the room, with a second one it has half of it at most', () => {
  const leases = new Leases({ now: () => 0, monotonicMs: () => 0 }, randomBytes);
  const wish = (state: number, peer: number, bytes: number) => ({
    state: stateOf(state),
    peer: peerOf(peer),
    copy: false,
    baseBytes: 0,
    bytes,
  });
  leases.grant(wish(1, 1, 1000), 1000);
  leases.release(leases.ofState(stateOf(1))!.id);
  leases.grant(wish(1, 1, 300), 1000);
  leases.grant(wish(2, 1, 200), 700);
  assert.throws(() => leases.grant(wish(3, 1, 1), 500), { code: 'no-point', message: /may have 500 B in all/ });
  leases.grant(wish(4, 2, 500), 500);
  assert.throws(() => leases.grant(wish(5, 3, 1), 0), { code: 'no-point' });
});

test('a lease outlives the point’s process: the same id, what was stored counted, its idle time begun anew', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start();
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000, 2000, 3000));
  const { state } = capture;
  const wish = { association: office.envelope(association), state, bytes: 6000, copy: false };
  const { lease } = await office.asSource(point).reserve(wish, NEVER);
  const sink = await office.asSource(point).openSink(state, lease, NEVER);
  await sink.put(capture.packs[0]!, NEVER);
  await sink.put(capture.packs[1]!, NEVER);
  point.clock.skippedMs += LEASE_IDLE_MS - 1000;
  await point.restart();
  assert.deepEqual(
    [
      point.held(state)!.lease?.bytes,
      point.held(state)!.lease?.storedBytes,
      (await point.role.capacity()).reservedBytes,
    ],
    [6000, 3000, 3000],
  );
  assert.ok(point.held(state)!.lease!.expiresInMs > LEASE_IDLE_MS - 1000);
  const again = await office.asSource(point).openSink(state, lease, NEVER);
  await assert.rejects(again.put(somePacks(3001)[0]!, NEVER), { code: 'refused' }, 'not a byte more than was reserved');
  await again.put(capture.packs[2]!, NEVER);
  await again.close();
  await office.asSource(point).commit(commitOf(capture, lease), 6000, NEVER);
  assert.deepEqual([point.held(state)!.lease, (await point.role.capacity()).reservedBytes], [null, 0]);
});

test('an idle lease ends whatever the wall clock says; what it left waits, and makes room for who needs it', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start({ limits: { quotaBytes: 10_000 } });
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(4000, 100));
  const { state } = capture;
  const wish = { association: office.envelope(association), state, bytes: 8000, copy: false };
  const { lease } = await office.asSource(point).reserve(wish, NEVER);
  const sink = await office.asSource(point).openSink(state, lease, NEVER);
  await sink.put(capture.packs[0]!, NEVER);
  await sink.close();
  for (const year of [1, -1]) {
    point.clock.wallSkewMs = year * 365 * 86_400_000;
    await point.role.tick();
    assert.ok(point.held(state)!.lease, 'a wall clock that is set ends no lease');
  }
  point.clock.skippedMs += LEASE_IDLE_MS;
  await eventually('the lease has ended', () => point.held(state)!.lease === null || undefined);
  await assert.rejects(office.asSource(point).openSink(state, lease, NEVER), { code: 'refused' });
  assert.equal(point.held(state)!.bytes >= 4000, true, 'its packs wait');
  const other = await office.snapshot(await office.associate(), somePacks(9000));
  await office
    .asSource(point)
    .reserve({ association: office.envelope(other.association), state: other.state, bytes: 9000, copy: false }, NEVER);
  assert.equal(point.held(state), undefined);
  assert.deepEqual(point.filesOf(state), []);
});
