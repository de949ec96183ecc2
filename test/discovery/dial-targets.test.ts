import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { STRANGER_DIAL_EVERY_MS, STRANGER_DIALS_BURST } from '../../src/common/limits.ts';
import { dialTargets, StrangerBudget } from '../../src/node/link/dial-targets.ts';
import { DialBackoff } from '../../src/node/membership/address-book.ts';

const peer = (peerId: string, ...addresses: string[]) => ({ peerId, addresses });
const SEED = '/ip4/192.0.2.9/tcp/24717';

test('members come before strangers, strangers before seeds', () => {
  const targets = dialTargets({
    known: [
      peer('stranger', '/ip4/10.0.0.9/tcp/1'),
      peer('ann', '/ip4/10.0.0.2/tcp/1', '/ip4/10.0.0.3/tcp/1'),
      peer('nowhere'),
    ],
    isMember: ({ peerId }) => peerId === 'ann',
    seeds: [SEED, SEED],
    mayDial: () => true,
    slots: 8,
    strangers: 8,
  });
  assert.deepEqual(targets, [
    { key: 'ann', addresses: ['/ip4/10.0.0.2/tcp/1/p2p/ann', '/ip4/10.0.0.3/tcp/1/p2p/ann'] },
    { key: 'stranger', addresses: ['/ip4/10.0.0.9/tcp/1/p2p/stranger'] },
    { key: SEED, addresses: [SEED] },
  ]);
});

test('whatever is known, slots and strangers are kept to, nobody is dialled twice, and seeds have a place', () => {
  const candidate = fc.record({
    peerId: fc.stringMatching(/^[a-f]{1,3}$/),
    addresses: fc.array(fc.constant('/ip4/10.0.0.2/tcp/1')),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(candidate, { selector: ({ peerId }) => peerId }),
      fc.array(fc.constantFrom(SEED, '/ip4/192.0.2.8/tcp/1', '/ip4/192.0.2.7/tcp/1')),
      fc.nat(10),
      fc.nat(10),
      (known, seeds, slots, strangers) => {
        const isMember = ({ peerId }: { peerId: string }) => peerId < 'c';
        const targets = dialTargets({ known, isMember, seeds, mayDial: (key) => key !== 'a', slots, strangers });
        const keys = targets.map(({ key }) => key);
        assert.ok(targets.length <= slots);
        assert.equal(new Set(keys).size, keys.length);
        assert.ok(!keys.includes('a'));
        assert.ok(keys.filter((key) => !key.startsWith('/') && !isMember({ peerId: key })).length <= strangers);
        assert.ok(targets.every(({ addresses }) => addresses.length > 0));
        if (slots > 0 && seeds.length > 0) assert.ok(keys.some((key) => key.startsWith('/')));
      },
    ),
  );
});

test('strangers are dialled at a bounded rate, however many are announced', () => {
  const budget = new StrangerBudget(0);
  let dialled = 0;
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
    const now = budget.left(nowMs);
    budget.spend(now);
    dialled += now;
  }
  assert.ok(dialled <= STRANGER_DIALS_BURST + 60_000 / STRANGER_DIAL_EVERY_MS, `${dialled} dials`);
  assert.ok(dialled >= 100, `${dialled} dials`);
  assert.equal(budget.left(10_000_000), STRANGER_DIALS_BURST);
});

test('news of a peer ends its waiting, but not again and again', () => {
  const backoff = new DialBackoff();
  backoff.heardAnew('peer', 0);
  for (let count = 0; count < 8; count += 1) backoff.failed('peer', 100_000);
  assert.ok(!backoff.mayTry('peer', 101_000));
  backoff.heardAnew('peer', 101_000);
  assert.ok(backoff.mayTry('peer', 101_000));
  backoff.failed('peer', 101_000);
  backoff.heardAnew('peer', 102_000);
  assert.ok(!backoff.mayTry('peer', 102_000));
});
