import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../../src/common/errors.ts';
import { REFUSALS_MAX, REFUSALS_PER_PEER_MAX } from '../../../src/common/limits.ts';
import { Refusals } from '../../../src/node/refusals.ts';
import { clientsOfOne } from '../../../src/node/roles/point/leases/capacity.ts';
import { bitsOf, checkPackBits, chosen, joinPackBits } from '../../../src/node/roles/point/pack-bits.ts';
import { parseStateInfo } from '../../../src/node/roles/point/state-info.ts';
import { parseSubnets } from '../../../src/node/roles/point/subnets.ts';
import { NEVER, Office, somePacks } from './support/office.ts';

test('subnets are matched by address, IPv4 in IPv6 clothes too; this machine itself is always served', () => {
  const subnets = parseSubnets(['192.168.7.0/24', 'fd00::/8', '10.1.2.3/32']);
  for (const inside of [
    '/ip4/192.168.7.9/tcp/1',
    '/ip6/fd12::1/tcp/1',
    '/ip4/10.1.2.3/tcp/5/p2p/x',
    '/ip6/::ffff:192.168.7.1/tcp/1',
  ]) {
    assert.ok(subnets.serves(inside), inside);
  }
  for (const outside of [
    '/ip4/192.168.8.9/tcp/1',
    '/ip6/fe80::1/tcp/1',
    '/ip4/10.1.2.4/tcp/5',
    '/dns4/nas/tcp/1',
    '',
    'x',
  ]) {
    assert.ok(!subnets.serves(outside), outside);
  }
  assert.ok(subnets.serves(undefined));
  assert.ok(parseSubnets([]).serves('/ip4/8.8.8.8/tcp/1'));
  for (const wrong of ['192.168.7.0', '192.168.7.0/33', 'fd00::/129', 'nas/24', '1.2.3.4/x', '1.2.3.4/8/8', '/8', '']) {
    assert.throws(() => parseSubnets([wrong]), { code: 'usage' }, wrong);
  }
});

test('any text is a subnet or a usage error, and any text is an address or is not served', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, address) => {
      try {
        parseSubnets([text]);
      } catch (error) {
        assert.ok(error instanceof ResettleError && error.code === 'usage');
      }
      assert.equal(parseSubnets(['10.0.0.0/8']).serves(address), false);
    }),
  );
});

test('whoever is outside a point’s subnets is told so, and gets neither room nor packs', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start({ limits: { subnets: ['192.168.7.0/24'] } });
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000));
  await office.capture(point, capture);
  const { role } = point;
  const far = '/ip4/10.0.0.9/tcp/4000';
  const near = '/ip4/192.168.7.9/tcp/4000';
  const message = /serves only 192\.168\.7\.0\/24/;
  const refused = { code: 'no-point', message };
  const reserve = { association: office.envelope(association), state: capture.state, bytes: 10, copy: false };
  await assert.rejects(role.onPointRequest({ reserve }, office.source.peerId, far), refused);
  const open = { state: capture.state, put: false, lease: '' };
  await assert.rejects(role.openBlocks(open, office.destination.peerId, far), refused);
  assert.match((await role.onPointRequest({ capacity: true }, office.source.peerId, far)).capacity!.refusal, message);
  assert.equal((await role.onPointRequest({ capacity: true }, office.source.peerId, near)).capacity!.refusal, '');
  (await role.openBlocks(open, office.destination.peerId, near)).close();
  await role.onPointRequest({ reserve }, office.source.peerId, near);
});

test('a point that drains takes nothing new, and still gives', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start();
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000));
  await office.capture(point, capture);
  await point.restart({ limits: { drain: true } });
  await assert.rejects(office.capture(point, await office.snapshot(association, somePacks(100))), { code: 'no-point' });
  const source = await office.as(office.destination.peerId, point).openSource(capture.state, NEVER);
  await source.get(capture.packs[0]!.id, 1000, new Uint8Array(20_000_000), NEVER);
  await source.close();
});

test('the list of refusals is bounded, a peer that floods it fills its own part only, and repeats are counted', () => {
  let nowMs = 0;
  const refusals = new Refusals({ now: () => nowMs, monotonicMs: () => 0 });
  refusals.note(new ResettleError('refused', 'first'), 'honest');
  for (nowMs = 1; nowMs < 1000; nowMs += 1) refusals.note(new Error(`no ${nowMs}`), 'flood');
  for (let count = 0; count < 5; count += 1) refusals.note(new ResettleError('no-point', 'full'), 'honest');
  const list = refusals.list();
  assert.equal(list.filter(({ peer }) => peer === 'flood').length, REFUSALS_PER_PEER_MAX);
  assert.deepEqual(
    list.filter(({ peer }) => peer === 'honest').map(({ code, message, count }) => [code, message, count]),
    [
      ['refused', 'first', 1],
      ['no-point', 'full', 5],
    ],
  );
  for (let peer = 0; peer < 1000; peer += 1) refusals.note(new Error('x'.repeat(10_000)), `peer ${peer}`);
  assert.equal(refusals.list().length, REFUSALS_MAX);
  assert.ok(refusals.list().every(({ message }) => message.length <= 300));
});

test('a member has half of the places at most, and at least one', () => {
  assert.deepEqual([1, 2, 3, 8, 1000].map(clientsOfOne), [1, 1, 2, 4, 500]);
});

test('the bits of a spread name exactly the packs whose numbers they stand for', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 70 }), (wanted) => {
      const bits = new Uint8Array(Math.ceil(wanted.length / 8));
      for (const [index, set] of wanted.entries()) if (set) bits[index >> 3]! |= 1 << (index & 7);
      const numbers = wanted.map((_, index) => index);
      if (wanted.some(Boolean)) checkPackBits(bits, wanted.length);
      else assert.throws(() => checkPackBits(bits, wanted.length), { code: 'damaged' });
      assert.deepEqual(
        chosen(numbers, bits),
        numbers.filter((index) => wanted[index]),
      );
      assert.deepEqual(chosen(numbers, new Uint8Array(0)), numbers);
      const made = bitsOf(numbers, (index) => wanted[index]!);
      assert.deepEqual(made, wanted.every(Boolean) ? new Uint8Array(0) : bits);
    }),
  );
});

test('what two holders have together is what either has', () => {
  const pair = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(pair, (wanted) => {
      const numbers = wanted.map((_, index) => index);
      const [a, b] = [bitsOf(numbers, (index) => wanted[index]![0]), bitsOf(numbers, (index) => wanted[index]![1])];
      const joined = chosen(numbers, joinPackBits(a, b, numbers.length));
      assert.deepEqual(
        joined,
        numbers.filter((index) => wanted[index]![0] || wanted[index]![1]),
      );
    }),
  );
});

test('any bytes are a list of packs that fits, or damage; any JSON is a hint or none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), fc.nat(80), (bits, packs) => {
      try {
        checkPackBits(bits, packs);
      } catch (error) {
        assert.ok(error instanceof ResettleError && error.code === 'damaged');
        return;
      }
      const numbers = Array.from({ length: packs }, (_, index) => index);
      assert.ok(bits.length === 0 || chosen(numbers, bits).length > 0);
    }),
  );
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(parseStateInfo(value), undefined)));
});

test('a hint with a part that is damaged keeps the others, and one of an earlier version is read', () => {
  const base = { version: 1, state: 'aa'.repeat(32), association: 'bb'.repeat(32), source: 'x', status: 'held' };
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('lease', 'unfinished', 'spread', 'keep', 'scrub'), (value, name) => {
      const info = parseStateInfo({ ...base, [name]: value });
      assert.ok(info && info.state === base.state);
    }),
  );
  const old = parseStateInfo({ ...base, lease: { bytes: 5, expiresAtMs: 7 } });
  assert.deepEqual([old?.lease, old?.unfinished, old?.keep, old?.spread], [null, true, null, []]);
});
