import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { test } from 'node:test';
import { type Capture, commitOf, eventOf, eventually, NEVER, Office, somePacks } from './support/office.ts';

const REFUSED = { code: 'refused' };

test('a commit is answered by a signed receipt, and the state is there for its destination', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start();
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000, 70_000, 500));
  await office.capture(point, capture);
  const receipt = point.receipt(association, capture.state)!;
  assert.deepEqual(
    [receipt.phase, receipt.snapshot, receipt.descriptorHash, receipt.bytes, receipt.totalBytes],
    ['held', 1, capture.descriptorHash, 71_500, 71_500],
  );
  const answer = await point.role.onPointRequest(
    { snapshot: { state: capture.state, snapshot: 1, key: '' } },
    office.destination.peerId,
  );
  assert.deepEqual(Buffer.from(answer.descriptor!), Buffer.from(capture.descriptor));
  assert.deepEqual(Buffer.from(answer.key!), Buffer.from(capture.keys[0]!.bytes));
  const held = point.held(capture.state)!;
  assert.deepEqual(
    [held.complete, held.door, held.lease, held.copies],
    [true, 'closed', null, { known: 1, wanted: 1, lack: undefined }],
  );
  const signed = [...point.machine.log.records()].length;
  await point.role.tick();
  await point.role.tick();
  assert.equal([...point.machine.log.records()].length, signed, 'nothing is signed twice');
});

test('a snapshot that is not newer is refused: than what is here, and than what the source told the fleet (T8)', async (t) => {
  const office = await Office.open(t, 2);
  const [one, two] = office.points as [(typeof office.points)[0], (typeof office.points)[0]];
  await Promise.all([one.start(), two.start()]);
  const association = await office.associate();
  const packs = somePacks(1000);
  const third = await office.snapshot(association, packs, { snapshot: 3 });
  await office.capture(one, third);
  for (const snapshot of [1, 2, 3]) {
    const older = await office.snapshot(association, packs, { state: third.state, snapshot });
    await assert.rejects(office.capture(one, older), REFUSED, `snapshot ${snapshot} where 3 is`);
    await assert.rejects(office.capture(two, older), REFUSED, `snapshot ${snapshot} where 3 was told`);
  }
  // The very same one may lie on a second point, and may be committed again where the answer was lost.
  await office.capture(two, third, { silent: true });
  await office.capture(one, third, { silent: true });
  await office.capture(one, await office.snapshot(association, packs, { state: third.state, snapshot: 4 }));
  assert.deepEqual(one.held(third.state)!.snapshots, [3, 4]);
});

test('a descriptor of another signer, state, association or number is refused, and so are keys of strangers or none', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start();
  const association = await office.associate();
  const other = await office.associate();
  const good = await office.snapshot(association, somePacks(1000));
  const { state, packs } = good;
  const key = good.keys[0]!;
  const wrong = [
    { ...(await office.snapshot(association, packs, { state, signer: office.destination })), association },
    { ...(await office.snapshot(association, packs)), state },
    { ...(await office.snapshot(other, packs, { state })), association },
    { ...good, snapshot: 2 },
    { ...good, keys: [] },
    { ...good, keys: [{ name: 'recovery', bytes: randomBytes(10) }] },
    { ...good, keys: [key, { name: 'passphrase', bytes: randomBytes(10) }] },
    { ...good, keys: [key, { name: office.source.peerId, bytes: randomBytes(10) }] },
    { ...good, keys: [key, { name: '../../etc/passwd', bytes: randomBytes(10) }] },
    { ...good, keys: [{ ...key, bytes: new Uint8Array(0) }] },
  ];
  for (const [index, capture] of wrong.entries()) {
    await assert.rejects(office.capture(point, capture), REFUSED, `attempt ${index}`);
  }
  assert.deepEqual(point.held(state)!.snapshots, []);
  assert.equal(point.receipt(association, state), undefined, 'no receipt for what was refused');
  await office.capture(point, { ...good, keys: [key, { name: 'recovery', bytes: randomBytes(10) }] });
});

test('a destination that is to be named: recovery or code must open it; its key is added by the source later', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start();
  const association = await office.associate({ destination: null });
  const packs = somePacks(1000);
  const recovery = { name: 'recovery', bytes: randomBytes(10) };
  await assert.rejects(office.capture(point, await office.snapshot(association, packs)), REFUSED);
  const capture = await office.snapshot(association, packs, { keys: [recovery] });
  await office.capture(point, capture);
  const ask = (key: string) =>
    point.role.onPointRequest({ snapshot: { state: capture.state, snapshot: 1, key } }, office.destination.peerId);
  await assert.rejects(ask(''), REFUSED, 'nobody is its destination yet');
  await office.append(office.source, { type: 'naming', association, destination: office.destination.peerId });
  const named = await ask('');
  assert.equal(named.key, undefined);
  assert.deepEqual(Buffer.from((await ask('recovery')).key!), Buffer.from(recovery.bytes));
  await assert.rejects(ask('passphrase'), { code: 'usage' });
  const add = (name: string, as: string) =>
    point.role.onPointRequest({ addKey: { state: capture.state, key: { name, bytes: randomBytes(20) } } }, as);
  await assert.rejects(add(office.destination.peerId, office.destination.peerId), REFUSED, 'only the source');
  await assert.rejects(add('recovery', office.source.peerId), REFUSED, 'only for the destination');
  await add(office.destination.peerId, office.source.peerId);
  assert.equal((await ask('')).key?.length, 20);
});

test('in place with a ticket no key file is needed, without one it is', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start();
  const ticket = { ticketRecipient: office.source.ageRecipient, ticketSealed: randomBytes(50) };
  const inPlace = { destination: null, mode: 'in-place' as const };
  const withTicket = await office.associate({ ...inPlace, ...ticket });
  await office.capture(point, await office.snapshot(withTicket, somePacks(100, 200)));
  const without = await office.associate(inPlace);
  await assert.rejects(office.capture(point, await office.snapshot(without, somePacks(100, 200))), REFUSED);
});

test('part of a spread state: what it shall hold is remembered, told and looked after, also when the hint is lost', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start();
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(100, 200, 300, 400, 500, 600, 700, 800, 900, 1000));
  const bits = Uint8Array.of(0b0000_0101, 0b0000_0010);
  for (const wrong of [Uint8Array.of(5), Uint8Array.of(5, 4), Uint8Array.of(0, 0), Uint8Array.of(5, 2, 0)]) {
    await assert.rejects(office.capture(point, capture, { bits: wrong }), { code: 'damaged' });
  }
  await office.capture(point, capture, { bits });
  const check = () => {
    const { phase, bytes, totalBytes } = point.receipt(association, capture.state)!;
    assert.deepEqual([phase, bytes, totalBytes], ['held', 100 + 300 + 1000, 5500]);
    const held = point.held(capture.state)!;
    assert.deepEqual([held.spread, held.complete, held.missingPacks], [true, false, 0]);
  };
  check();
  const [holding] = (await point.role.onPointRequest({ find: { state: '' } }, office.destination.peerId)).holdings!;
  assert.equal(holding?.partial, true);
  await point.restart();
  check();
  await point.stop();
  unlinkSync(`${point.dir}/states/${capture.state}/state.json`);
  await point.start();
  await point.role.tick();
  check();
});

test('packs that never came, and packs that are not what they are called, are found before anything counts', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start();
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000, 2000));
  const other = office.asSource(point);
  const { lease } = await other.reserve(
    { association: office.envelope(association), state: capture.state, bytes: 1e6, copy: false },
    NEVER,
  );
  const sink = await other.openSink(capture.state, lease, NEVER);
  await assert.rejects(sink.put({ id: capture.packs[0]!.id, bytes: randomBytes(1000) }, NEVER), { code: 'damaged' });
  await sink.put(capture.packs[1]!, NEVER);
  await sink.close();
  await assert.rejects(other.commit(commitOf(capture, lease), 3000, NEVER), { code: 'damaged' });
  point.damage(capture.state, capture.packs[1]!.id);
  const again = await other.openSink(capture.state, lease, NEVER);
  await again.put(capture.packs[0]!, NEVER);
  await again.close();
  await assert.rejects(other.commit(commitOf(capture, lease), 3000, NEVER), { code: 'damaged' });
  assert.deepEqual(await other.missing(capture.state, [capture.packs[1]!.id], NEVER), [capture.packs[1]!.id]);
  const last = await other.openSink(capture.state, lease, NEVER);
  await last.put(capture.packs[1]!, NEVER);
  await last.close();
  await other.commit(commitOf(capture, lease), 3000, NEVER);
});

test('a state opens for its parties only, one writer at a time, and a writer may come again', async (t) => {
  const office = await Office.open(t, 2);
  const [point, stranger] = office.points as [(typeof office.points)[0], (typeof office.points)[0]];
  await point.start();
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000));
  await office.capture(point, capture);
  const { state } = capture;
  const open = (peer: string) => point.role.openBlocks({ state, put: false, lease: '' }, peer);
  await assert.rejects(open(stranger.peer), REFUSED);
  // Who only says that it holds the state gets nothing: the source has not named it.
  await office.append(
    stranger.machine,
    eventOf(capture, { step: 'holder', phase: 'held', bytes: 1000, totalBytes: 1000 }),
  );
  await assert.rejects(open(stranger.peer), REFUSED);
  await office.append(
    office.source,
    eventOf(capture, { step: 'commit', phase: 'stored', peers: [point.peer, stranger.peer] }),
  );
  for (const peer of [stranger.peer, office.destination.peerId, office.source.peerId]) (await open(peer)).close();

  const reader = await open(office.destination.peerId);
  const wish = { association: office.envelope(association), state, bytes: 5000, copy: false };
  await assert.rejects(office.asSource(point).reserve(wish, NEVER), REFUSED);
  reader.close();
  const { lease } = await office.asSource(point).reserve(wish, NEVER);
  const put = () => point.role.openBlocks({ state, put: true, lease }, office.source.peerId);
  const first = await put();
  await assert.rejects(open(office.destination.peerId), REFUSED, 'not while it is written');
  await assert.rejects(
    point.role.openBlocks({ state, put: true, lease }, stranger.peer),
    REFUSED,
    'not with his lease',
  );
  const second = await put();
  assert.ok(first.signal?.aborted);
  assert.throws(() => first.book(10), REFUSED);
  first.close();
  assert.equal(point.held(state)!.door, 'put');
  second.close();
  assert.equal(point.held(state)!.door, 'closed');
});

test('a transfer that completes no pack loses the door, and a peer cannot take every place', async (t) => {
  const office = await Office.open(t, 1);
  const [point] = office.points as [(typeof office.points)[0]];
  await point.start({ limits: { maxClients: 3 } });
  const association = await office.associate();
  const captures: Capture[] = [];
  for (let number = 0; number < 3; number += 1) {
    const capture = await office.snapshot(association, somePacks(1000));
    captures.push(capture);
    await office.capture(point, capture, { silent: true });
  }
  const open = (index: number, peer: string) =>
    point.role.openBlocks({ state: captures[index]!.state, put: false, lease: '' }, peer);
  const sessions = [await open(0, office.destination.peerId), await open(1, office.destination.peerId)];
  await assert.rejects(open(2, office.destination.peerId), { code: 'no-point' });
  sessions.push(await open(2, office.source.peerId));
  await assert.rejects(open(2, office.source.peerId), { code: 'no-point' });
  point.clock.skippedMs += 599_000;
  sessions[1]!.delivered?.(1000);
  point.clock.skippedMs += 2_000;
  await eventually('the stalled ones are ended', () => sessions[0]!.signal?.aborted && sessions[2]!.signal?.aborted);
  assert.equal(point.held(captures[0]!.state)!.door, 'closed');
  assert.equal(point.held(captures[1]!.state)!.door, 'get', 'the one that goes on is left alone');
  for (const session of sessions) session.close();
});
