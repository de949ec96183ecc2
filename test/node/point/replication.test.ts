import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PackId, PeerIdText, StateId } from '../../../src/common/ids.ts';
import { candidatesFor, copiesOf, onDistinctMachines, turnOf } from '../../../src/node/roles/point/copies/copies.ts';
import { coverageOf, whoHas } from '../../../src/node/roles/point/copies/coverage.ts';
import type { AssociationBody, Roster, SignedEvent } from '../../../src/state/records/index.ts';
import {
  type Capture,
  commitOf,
  eventOf,
  eventually,
  NEVER,
  Office,
  type OfficePoint,
  somePacks,
} from './support/office.ts';

const HOUR_MS = 3_600_000;

const holdersOf = (office: Office, { association, state, descriptorHash }: Capture): PeerIdText[] =>
  office
    .events(association)
    .filter(({ body }) => body.step === 'holder' && body.phase === 'held' && body.state === state)
    .filter(({ body }) => body.descriptorHash === descriptorHash && body.bytes === body.totalBytes)
    .map(({ signer }) => signer);

const copiesCome = (office: Office, capture: Capture, count: number) =>
  eventually(`there are ${count} copies`, () => {
    const holders = holdersOf(office, capture);
    return holders.length >= count ? holders : undefined;
  });

/** Long enough for a copy that should not be made. */
const rest = () => new Promise((done) => setTimeout(done, 300));

async function startAll(points: readonly OfficePoint[], settings: OfficePoint['settings'] = {}): Promise<void> {
  for (const point of points) await point.start(settings);
}

test('copies are made until there are as many as asked for, each whole, and no more', async (t) => {
  const office = await Office.open(t, 5);
  await startAll(office.points);
  const [first] = office.points as [OfficePoint];
  const association = await office.associate({ replicas: 3 });
  const keys = [
    { name: office.destination.peerId, bytes: randomBytes(100) },
    { name: 'recovery', bytes: randomBytes(90) },
  ];
  const capture = await office.snapshot(association, somePacks(1000, 200_000, 300, 400, 500), { keys });
  await office.capture(first, capture);
  const holders = await copiesCome(office, capture, 3);
  await rest();
  assert.deepEqual(holdersOf(office, capture), holders, 'no more than three');
  for (const peer of holders) {
    const point = office.points.find((one) => one.peer === peer)!;
    const ask = (key: string) =>
      point.role.onPointRequest({ snapshot: { state: capture.state, snapshot: 1, key } }, office.destination.peerId);
    assert.deepEqual(Buffer.from((await ask('')).descriptor!), Buffer.from(capture.descriptor));
    assert.deepEqual(Buffer.from((await ask('')).key!), Buffer.from(keys[0]!.bytes));
    assert.deepEqual(Buffer.from((await ask('recovery')).key!), Buffer.from(keys[1]!.bytes));
    const source = await office.as(office.destination.peerId, point).openSource(capture.state, NEVER);
    for (const pack of capture.packs) {
      const into = new Uint8Array(2 ** 24);
      await source.get(pack.id, pack.bytes.length, into, NEVER);
      assert.ok(Buffer.from(into.subarray(0, pack.bytes.length)).equals(pack.bytes));
    }
    await source.close();
    assert.equal((await point.role.capacity()).reservedBytes, 0);
    const { copies, door } = point.held(capture.state)!;
    assert.deepEqual([copies?.known, copies?.wanted, door], [3, 3, 'closed']);
  }
});

test('a newer snapshot goes to the copies that are there, and only what is new of it is sent', async (t) => {
  const office = await Office.open(t, 3);
  await startAll(office.points);
  const [first, second, third] = office.points as [OfficePoint, OfficePoint, OfficePoint];
  const association = await office.associate({ replicas: 2 });
  const packs = somePacks(1_000_000, 2000);
  third.away = true;
  const capture = await office.snapshot(association, packs);
  await office.capture(first, capture);
  await copiesCome(office, capture, 2);
  await eventually('it is at rest', () => first.held(capture.state)!.door === 'closed' || undefined);
  third.away = false;
  // The third has more room, the second has most of it. It does not look for a copy of what it has itself meanwhile.
  await second.restart({ limits: { quotaBytes: 1_100_000 }, timing: { settleMs: HOUR_MS } });
  const next = await office.snapshot(association, [packs[0]!, ...somePacks(3000)], {
    state: capture.state,
    snapshot: 2,
  });
  await office.capture(first, next);
  await copiesCome(office, next, 2);
  assert.deepEqual(second.held(capture.state)!.snapshots, [1, 2]);
  assert.equal(third.held(capture.state), undefined);
});

test('never to the source’s machine, a share holder, a machine that has a copy, or beyond the points that were named', async (t) => {
  const [a, b] = ['aa'.repeat(16), 'bb'.repeat(16)];
  // 0 captures; 1 runs on the same machine; 2 on the source's; 3 holds a share; 4 is not named; 5 may have it.
  const office = await Office.open(t, 6, [a, a, b, null, null, null]);
  const [first, , , sharer, , right] = office.points as OfficePoint[];
  await office.append(office.source, {
    ...office.source.log.roster().members.get(office.source.peerId)!,
    type: 'member',
    machine: b,
  } as never);
  await startAll(office.points);
  const named = office.points.filter((_, index) => index !== 4).map(({ peer }) => peer);
  const association = await office.associate({ replicas: 6, points: named });
  const capture = await office.snapshot(association, somePacks(1000));
  await office.append(sharer!.machine, eventOf(capture, { step: 'share', phase: 'kept', proof: 'cc'.repeat(32) }));
  await office.capture(first!, capture);
  await copiesCome(office, capture, 2);
  await rest();
  assert.deepEqual(holdersOf(office, capture).sort(), [first!.peer, right!.peer].sort());
  // Whose turn it is knows.
  const copies = await eventually('it says why there are no more', () =>
    [first!, right!].map((point) => point.held(capture.state)!.copies!).find(({ lack }) => lack !== undefined),
  );
  assert.deepEqual(copies, { known: 2, wanted: 6, lack: 'no other machine offers a point for it' });
  // A share holder refuses the state itself, too, whoever brings it.
  const wish = { association: office.envelope(association), state: capture.state, bytes: 10, copy: false };
  await assert.rejects(office.asSource(sharer!).reserve(wish, NEVER), { code: 'refused', message: /share/ });
});

test('a holder that is away for too long, revoked, or damaged beyond repair is replaced; when it returns nothing is deleted', async (t) => {
  const office = await Office.open(t, 5);
  await startAll(office.points);
  const [first] = office.points as [OfficePoint];
  const association = await office.associate({ replicas: 2 });
  const capture = await office.snapshot(association, somePacks(1000, 2000));
  await office.capture(first, capture);
  const two = await copiesCome(office, capture, 2);
  const second = office.points.find(({ peer }) => peer !== first.peer && two.includes(peer))!;

  second.away = true;
  const others = office.points.filter((point) => point !== second);
  const skip = (ms: number) => {
    for (const point of others) point.clock.skippedMs += ms;
  };
  skip(HOUR_MS / 2);
  await first.role.tick();
  await rest();
  skip(HOUR_MS / 4);
  await rest();
  assert.equal(holdersOf(office, capture).length, 2, 'not before its time');
  skip(HOUR_MS);
  const three = await copiesCome(office, capture, 3);
  const third = office.points.find(({ peer }) => three.includes(peer) && peer !== first.peer && peer !== second.peer)!;
  second.away = false;
  skip(HOUR_MS);
  await rest();
  assert.ok(second.held(capture.state) && third.held(capture.state), 'a copy too many is kept');

  // Both others lose theirs: one is revoked, one's disk is damaged where nobody can mend it.
  await office.append(office.fleet.operator, {
    type: 'revocation',
    peerId: second.peer,
    lastAccepted: second.machine.log.lastLasting(second.peer),
  });
  await rest();
  assert.equal(holdersOf(office, capture).length, 3, 'two are left, and two are wanted');
  first.away = true;
  third.damage(capture.state, capture.packs[0]!.id);
  await third.restart({ timing: { scrubEveryMs: 40 } });
  await eventually('it is told', () => third.receipt(association, capture.state)?.phase === 'damaged' || undefined);
  first.away = false;
  await eventually('a copy is made anew', () => {
    const whole = holdersOf(office, capture).filter((peer) => peer !== second.peer);
    return whole.length >= 2 || undefined;
  });
});

test('a holder that seemed lost because this machine was away is asked again, and nothing is copied', async (t) => {
  const office = await Office.open(t, 3);
  await startAll(office.points);
  const [first] = office.points as [OfficePoint];
  const association = await office.associate({ replicas: 2 });
  const capture = await office.snapshot(association, somePacks(1000));
  await office.capture(first, capture);
  const holders = await copiesCome(office, capture, 2);
  const third = office.points.find(({ peer }) => !holders.includes(peer))!;
  first.away = true;
  await eventually('it takes the others for lost', async () => {
    first.clock.skippedMs += HOUR_MS / 4;
    await first.role.tick();
    return first.held(capture.state)!.copies?.known === 1 || undefined;
  });
  first.away = false;
  await eventually('it knows better', () => first.held(capture.state)!.copies?.known === 2 || undefined);
  await rest();
  assert.equal(third.held(capture.state), undefined);
});

test('one of two holders acts, the other is its backup; a copy that broke goes on with what is there', async (t) => {
  const office = await Office.open(t, 4);
  await startAll(office.points, { timing: { backupDelayMs: HOUR_MS } });
  const [one, two, three] = office.points as [OfficePoint, OfficePoint, OfficePoint];
  const association = await office.associate({ replicas: 3 });
  const capture = await office.snapshot(association, somePacks(1000, 2000, 3000));
  const order = [one, two].sort(
    (a, b) => turnOf(a.peer, [one.peer, two.peer], capture.state) - turnOf(b.peer, [one.peer, two.peer], capture.state),
  );
  const [actor, backup] = order as [OfficePoint, OfficePoint];
  for (const point of office.points) if (point !== backup) point.away = true;
  await office.capture(backup, capture, { silent: true });
  await actor.restart();
  await office.points[3]!.stop();
  actor.away = false;
  await office.capture(actor, capture, { peers: [one.peer, two.peer] });
  actor.away = true;
  await rest();
  assert.deepEqual(holdersOf(office, capture).sort(), [one.peer, two.peer].sort(), 'the backup waits');
  // The third dies in the middle of a copy, and keeps what it has.
  three.away = false;
  const broken = await office
    .as(backup.peer, three)
    .reserve({ association: office.envelope(association), state: capture.state, bytes: 20_000, copy: true }, NEVER);
  const sink = await office.as(backup.peer, three).openSink(capture.state, broken.lease, NEVER);
  await sink.put(capture.packs[1]!, NEVER);
  sink.abort(new Error('the cable'));
  backup.clock.skippedMs += HOUR_MS / 2;
  backup.role.tick();
  await rest();
  backup.clock.skippedMs += HOUR_MS;
  await copiesCome(office, capture, 3);
  assert.ok(three.held(capture.state)!.complete);
});

test('parts of a spread state are copied as parts, until each is there as often as asked for', async (t) => {
  const office = await Office.open(t, 4);
  await startAll(office.points);
  const [one, two] = office.points as [OfficePoint, OfficePoint];
  const association = await office.associate({ replicas: 2 });
  const capture = await office.snapshot(association, somePacks(1000, 2000, 3000, 4000));
  const peers = [one.peer, two.peer];
  await office.capture(one, capture, { bits: Uint8Array.of(0b0011), silent: true });
  await office.capture(two, capture, { bits: Uint8Array.of(0b1100), peers });
  // As told by receipts; where each pack lies, by the disks.
  const told = () =>
    office
      .events(association)
      .filter(({ body }) => body.step === 'holder' && body.phase === 'held')
      .reduce((sum, { body }) => sum + body.bytes, 0);
  const times = () =>
    capture.packs.map(
      ({ id }) => office.points.filter((point) => existsSync(point.packPath(capture.state, id))).length,
    );
  await eventually('both parts are there twice', () => told() === 20_000 || undefined);
  assert.deepEqual(times(), [2, 2, 2, 2]);
  await rest();
  assert.deepEqual([told(), times()], [20_000, [2, 2, 2, 2]], 'and not oftener');
  // One that has got the other part, too, has the whole.
  await office.capture(one, capture, { bits: Uint8Array.of(0b1100), silent: true });
  assert.ok(one.held(capture.state)!.complete);
  assert.equal(one.receipt(association, capture.state)!.bytes, 10_000);
});

test('a point that drains makes copies elsewhere, so that it can go', async (t) => {
  const office = await Office.open(t, 2);
  await startAll(office.points);
  const [one, two] = office.points as [OfficePoint, OfficePoint];
  const association = await office.associate({ replicas: 1 });
  const capture = await office.snapshot(association, somePacks(1000, 2000));
  await office.capture(one, capture);
  await rest();
  assert.equal(two.held(capture.state), undefined);
  await one.restart({ limits: { drain: true } });
  await copiesCome(office, capture, 2);
  assert.ok(two.held(capture.state)!.complete);
});

test('what was restored and deleted by one holder is not copied again by another', async (t) => {
  const office = await Office.open(t, 3);
  await startAll(office.points);
  const [first] = office.points as [OfficePoint];
  const association = await office.associate({ replicas: 2, keepMs: HOUR_MS });
  const capture = await office.snapshot(association, somePacks(1000));
  await office.capture(first, capture);
  const holders = await copiesCome(office, capture, 2);
  const third = office.points.find(({ peer }) => !holders.includes(peer))!;
  await office.acknowledge(capture);
  for (const point of office.points) await point.role.tick();
  first.clock.skippedMs += HOUR_MS;
  await eventually('the first has deleted it', () => first.held(capture.state) === undefined || undefined);
  await rest();
  assert.equal(third.held(capture.state), undefined);
  assert.equal(first.held(capture.state), undefined);
});

test('where the newest snapshot is out of reach, the one before it is copied, and no longer once the newest is back', async (t) => {
  const office = await Office.open(t, 4);
  const [first, second, third, last] = office.points as [OfficePoint, OfficePoint, OfficePoint, OfficePoint];
  const association = await office.associate({ replicas: 2 });
  for (const point of [first, second]) await point.start();
  const capture = await office.snapshot(association, somePacks(1000, 2000));
  await office.capture(first, capture);
  await copiesCome(office, capture, 2);
  // The next one lies on a point that nobody reaches; then one of the two copies before it goes, too.
  // It does not copy it at once: it is cut off before.
  await third.start({ timing: { settleMs: 3 * HOUR_MS } });
  const next = await office.snapshot(association, somePacks(3000), { state: capture.state, snapshot: 2 });
  await office.capture(third, next, { silent: true });
  third.away = true;
  await office.append(office.source, eventOf(next, { step: 'commit', phase: 'stored', peers: [third.peer] }));
  await last.start();
  await second.stop();
  const skip = async (ms: number): Promise<void> => {
    for (const point of [first, last]) point.clock.skippedMs += ms;
    await Promise.all([first.role.tick(), last.role.tick()]);
  };
  await eventually('the older one is there again', async () => {
    await skip(HOUR_MS / 4);
    return last.held(capture.state)?.complete || undefined;
  });
  assert.deepEqual(last.held(capture.state)!.snapshots, [1]);
  third.away = false;
  third.clock.skippedMs += 4 * HOUR_MS;
  await eventually('the newest one is copied to where the older one is', () => {
    const holders = office.points.filter((point) => point.runs && point.held(capture.state)?.snapshots.includes(2));
    return holders.length === 2 || undefined;
  });
  // A source that was put back to an earlier time cannot go on there.
  await assert.rejects(office.capture(third, capture), { code: 'refused' });
});

test('a member that lies gets nothing: no lease to copy without a receipt, no copy of what its source did not sign', async (t) => {
  const office = await Office.open(t, 3);
  await startAll(office.points);
  const [honest, liar] = office.points as [OfficePoint, OfficePoint];
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000));
  const wish = { association: office.envelope(association), state: capture.state, bytes: 5000, copy: true };
  const as = office.as(liar.peer, honest);
  await assert.rejects(as.reserve(wish, NEVER), { code: 'refused', message: /receipt/ });
  await assert.rejects(as.reserve({ ...wish, copy: false }, NEVER), { code: 'refused' });
  await assert.rejects(as.reserve({ ...wish, association: randomBytes(300) }, NEVER));
  await assert.rejects(as.reserve({ ...wish, state: '../../x' }, NEVER), { code: 'usage' });
  await office.append(liar.machine, eventOf(capture, { step: 'holder', phase: 'held', bytes: 1000, totalBytes: 1000 }));
  const { lease } = await as.reserve(wish, NEVER);
  const sink = await as.openSink(capture.state, lease, NEVER);
  await sink.put(capture.packs[0]!, NEVER);
  await sink.close();
  const forged = await office.snapshot(association, capture.packs, { state: capture.state, signer: liar.machine });
  await assert.rejects(as.commit(commitOf(forged, lease), 1000, NEVER), { code: 'refused' });
  assert.equal(honest.receipt(association, capture.state), undefined);
  // The source is not kept out by it.
  await office.capture(honest, capture);
  await assert.rejects(as.openSource(capture.state, NEVER), { code: 'refused' });
});

// --- the rules alone ---

const member = (peerId: string, machine: string | null = null, status = 'active') => [
  peerId,
  { peerId, machine, status, point: true, name: peerId },
];
const rosterOf = (...members: ReturnType<typeof member>[]) =>
  ({ members: new Map(members as [string, unknown][]) }) as unknown as Roster;
const STATE = 'ab'.repeat(32) as StateId;
const HASH = 'cd'.repeat(32);
const word = (signer: string, phase: string, more: object = {}) =>
  ({
    signer,
    time: 0,
    body: { step: 'holder', phase, state: STATE, descriptorHash: HASH, bytes: 5, totalBytes: 5, peers: [], ...more },
  }) as unknown as SignedEvent;
const associationWith = (body: Partial<AssociationBody>, destination = 'destination') =>
  ({ id: 'x', destination, body: { source: 'source', points: [], replicas: 2, deadlineMs: null, ...body } }) as never;

test('which copies count: of active members, of this very snapshot, whole, not lost, one a machine', () => {
  const roster = rosterOf(
    member('a', 'm1'),
    member('b', 'm1'),
    member('c'),
    member('gone', null, 'revoked'),
    member('old'),
    member('part'),
    member('bad'),
    member('lost'),
  );
  const events = [
    word('a', 'held'),
    word('b', 'held'),
    word('c', 'held'),
    word('gone', 'held'),
    word('stranger', 'held'),
    word('old', 'held', { descriptorHash: 'ee'.repeat(32) }),
    word('part', 'held', { bytes: 3 }),
    word('bad', 'damaged'),
    word('lost', 'held'),
  ];
  const input = { roster, association: associationWith({}), state: STATE, descriptorHash: HASH, events };
  const copies = copiesOf({ ...input, isLost: (peer) => (peer as string) === 'lost' });
  assert.deepEqual(copies, { whole: ['a', 'c'], parts: ['part'], isOver: false });
});

test('a deletion ends the making of copies only where retention can have been its reason', () => {
  const roster = rosterOf(member('a'), member('b'));
  const over = (events: SignedEvent[], body: Partial<AssociationBody> = {}) =>
    copiesOf({
      roster,
      association: associationWith(body),
      state: STATE,
      descriptorHash: HASH,
      events,
      isLost: () => false,
    }).isOver;
  const restored = {
    signer: 'destination',
    time: 0,
    body: { step: 'restore', phase: 'restored', state: STATE, descriptorHash: HASH },
  };
  assert.equal(over([word('a', 'held'), word('b', 'deleted')]), false);
  assert.equal(over([word('a', 'held'), word('b', 'deleted')], { deadlineMs: 5 }), true);
  assert.equal(over([word('b', 'deleted'), restored as unknown as SignedEvent]), true);
  assert.equal(over([word('a', 'held'), restored as unknown as SignedEvent]), false);
});

test('turns: each holder has one, all differ, and they do not depend on who asks in which order', () => {
  const peers = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(peers, fc.nat(), (names, number) => {
      const holders = names as PeerIdText[];
      const state = number.toString(16).padStart(64, '0') as StateId;
      const turns = holders.map((peer) => turnOf(peer, [...holders].reverse(), state));
      assert.deepEqual(
        [...turns].sort((a, b) => a - b),
        holders.map((_, index) => index),
      );
    }),
  );
});

test('which packs are short: those on fewer machines than asked for, whoever has which part', () => {
  const claim = fc.constantFrom(null, 'm1', 'm2');
  const holder = fc.record({
    machine: claim,
    whole: fc.boolean(),
    has: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  });
  fc.assert(
    fc.asyncProperty(
      fc.array(holder, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      async (list, replicas) => {
        const roster = rosterOf(...list.map(({ machine }, index) => member(`p${index}`, machine)));
        const name = (index: number) => `p${index}` as PeerIdText;
        const packs = [0, 1, 2, 3, 4].map((number) => ({ id: String(number) as PackId, sizeBytes: 1 }));
        const hasIt = (index: number, pack: number) => list[index]!.whole || list[index]!.has[pack]!;
        const whole = list.flatMap((one, index) => (one.whole ? [name(index)] : []));
        const parts = list.flatMap((one, index) => (one.whole ? [] : [name(index)]));
        const has = await whoHas({ whole, parts, isOver: false }, packs, 'nobody' as PeerIdText, async (peer) =>
          packs.map(({ id }) => id).filter((id) => !hasIt(Number(peer.slice(1)), Number(id))),
        );
        const { short, holders } = coverageOf(roster, packs, has, replicas);
        for (const [pack, { id }] of packs.entries()) {
          const machines = new Set(
            list.flatMap(({ machine }, index) => (hasIt(index, pack) ? [machine ?? name(index)] : [])),
          );
          assert.equal(
            short.some((one) => one.id === id),
            machines.size < replicas,
          );
        }
        for (const [index] of list.entries()) {
          assert.equal(
            holders.includes(name(index)),
            short.some(({ id }) => hasIt(index, Number(id))),
          );
        }
      },
    ),
  );
});

test('candidates are never on a machine that is taken, and distinct machines are counted once', () => {
  const claim = fc.constantFrom(null, 'm1', 'm2', 'm3');
  fc.assert(
    fc.property(fc.array(fc.tuple(claim, fc.boolean(), fc.boolean()), { minLength: 2, maxLength: 10 }), (list) => {
      const members = list.map(([machine], index) => member(`p${index}`, machine));
      const roster = rosterOf(member('source', 'm3'), ...members);
      const name = (index: number) => `p${index}` as PeerIdText;
      const holders = list.flatMap(([, holds], index) => (holds ? [name(index)] : []));
      const events = list.flatMap(([, , shares], index) =>
        shares
          ? [{ signer: name(index), time: 0, body: { step: 'share', state: STATE } } as unknown as SignedEvent]
          : [],
      );
      const input = { roster, association: associationWith({}), state: STATE, descriptorHash: HASH, events };
      const found = candidatesFor({ ...input, isLost: () => false }, holders);
      const machineOf = (peer: string) => roster.members.get(peer as PeerIdText)?.machine ?? peer;
      const taken = new Set(['source', ...holders, ...events.map(({ signer }) => signer)].map(machineOf));
      for (const peer of found) assert.ok(!taken.has(machineOf(peer)));
      for (const [index] of list.entries()) {
        if (!taken.has(machineOf(name(index)))) assert.ok(found.includes(name(index)), 'nobody is left out');
      }
      const distinct = onDistinctMachines(roster, holders);
      assert.equal(new Set(distinct.map(machineOf)).size, distinct.length);
      assert.equal(distinct.length, new Set(holders.map(machineOf)).size);
    }),
  );
});
