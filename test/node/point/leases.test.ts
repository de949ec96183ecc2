import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PeerIdText, StateId } from '../../../src/common/ids.ts';
import { LEASE_IDLE_MS, LEASES_PER_MEMBER_MAX } from '../../../src/common/limits.ts';
import { grantableBytes } from '../../../src/node/roles/point/leases/capacity.ts';
import { type LeaseRecord, Leases } from '../../../src/node/roles/point/leases/leases.ts';

const stateOf = (number: number) => number.toString(16).padStart(64, '0') as StateId;
const sourceOf = (number: number) => `source-${number}` as PeerIdText;

function newLeases(): { leases: Leases; clock: { nowMs: number } } {
  const clock = { nowMs: 1_000_000 };
  return { leases: new Leases({ now: () => clock.nowMs, monotonicMs: () => clock.nowMs }, randomBytes), clock };
}

test('whatever is asked in whatever order, leases and what is stored never exceed the disk', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('grant' as const), state: fc.nat(30), bytes: fc.nat(400) }),
    // To the byte: exactly what should be free by our own account, or one more.
    fc.record({ kind: fc.constant('fill' as const), state: fc.nat(30), more: fc.nat(1) }),
    fc.record({ kind: fc.constant('store' as const), lease: fc.nat(10), bytes: fc.nat(200) }),
    fc.record({ kind: fc.constant('release' as const), lease: fc.nat(10) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(LEASE_IDLE_MS) }),
  );
  fc.assert(
    fc.property(fc.nat(2000), fc.array(step, { maxLength: 60 }), (diskBytes, steps) => {
      const { leases, clock } = newLeases();
      const living: LeaseRecord[] = [];
      let storedBytes = 0;
      const free = () =>
        grantableBytes(
          { quotaBytes: undefined, keepFreeBytes: 0, maxClients: 1, drain: false },
          {
            diskFreeBytes: diskBytes - storedBytes,
            usedBytes: storedBytes,
            outstandingBytes: leases.outstandingBytes(),
          },
        );
      for (const one of steps) {
        if (one.kind === 'grant' || one.kind === 'fill') {
          const freeBytes = free();
          const owed = living.reduce((sum, lease) => sum + lease.bytes - lease.storedBytes, 0);
          const bytes = one.kind === 'grant' ? one.bytes : diskBytes - storedBytes - owed + one.more;
          const wish = { state: stateOf(one.state), peer: sourceOf(one.state), copy: false, baseBytes: 0, bytes };
          // A state has one lease; asked for again, the old one would be replaced.
          if (leases.ofState(wish.state)) continue;
          if (bytes > freeBytes) assert.throws(() => leases.grant(wish, freeBytes));
          else living.push(leases.grant(wish, freeBytes));
        } else if (one.kind === 'store') {
          const lease = living[one.lease % Math.max(1, living.length)];
          if (!lease) continue;
          if (lease.bookedBytes + one.bytes > lease.bytes) {
            assert.throws(() => leases.book(lease, one.bytes), { code: 'refused' });
          } else {
            leases.book(lease, one.bytes);
            leases.stored(lease, one.bytes);
            storedBytes += one.bytes;
          }
        } else if (one.kind === 'release') {
          const [lease] = living.splice(one.lease % Math.max(1, living.length), 1);
          if (lease) leases.release(lease.id);
        } else {
          clock.nowMs += one.ms;
          for (const over of leases.expire(() => false)) {
            assert.equal(leases.remainingMs(over), 0);
            living.splice(living.indexOf(over), 1);
          }
        }
        const promised = living.reduce((sum, lease) => sum + lease.bytes - lease.storedBytes, 0);
        assert.ok(storedBytes + promised <= diskBytes, 'overcommitted');
        assert.equal(leases.count, living.length);
      }
    }),
    { numRuns: 500 },
  );
});

test('an idle lease dies, one that makes progress lives, one that is being written is left alone', () => {
  const { leases, clock } = newLeases();
  const grant = (number: number) =>
    leases.grant({ state: stateOf(number), peer: sourceOf(number), copy: false, baseBytes: 0, bytes: 100 }, 1000);
  const [idle, busy, open] = [grant(1), grant(2), grant(3)];
  clock.nowMs += LEASE_IDLE_MS - 1;
  leases.book(busy, 10);
  leases.stored(busy, 10);
  clock.nowMs += 1;
  assert.deepEqual(
    leases.expire((state) => state === open.state),
    [idle],
  );
  assert.throws(() => leases.use(idle.id, idle.peer), { code: 'refused' });
  assert.equal(leases.use(busy.id, busy.peer), busy);
});

test('a lease is used by its member and for its state only, and a member has so many at most', () => {
  const { leases } = newLeases();
  const wish = (number: number) => ({ state: stateOf(number), peer: sourceOf(0), copy: false, baseBytes: 0, bytes: 1 });
  const first = leases.grant(wish(0), 1000);
  assert.throws(() => leases.use(first.id, sourceOf(1)), { code: 'refused' });
  assert.throws(() => leases.use(first.id, sourceOf(0), stateOf(1)), { code: 'refused' });
  for (let number = 1; number < LEASES_PER_MEMBER_MAX; number++) leases.grant(wish(number), 1000);
  assert.throws(() => leases.grant(wish(99), 1000), { code: 'no-point' });
});

test('a point grants no more than disk, floor and quota leave, and nothing while it drains', () => {
  const limits = { quotaBytes: 500, keepFreeBytes: 100, maxClients: 1, drain: false };
  const space = { diskFreeBytes: 1000, usedBytes: 200, outstandingBytes: 50 };
  assert.equal(grantableBytes(limits, space), 250);
  assert.equal(grantableBytes({ ...limits, quotaBytes: undefined }, space), 850);
  assert.equal(grantableBytes({ ...limits, keepFreeBytes: 2000 }, space), 0);
  assert.equal(grantableBytes({ ...limits, drain: true }, space), 0);
});
