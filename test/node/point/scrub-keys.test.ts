import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StateId } from '../../../src/common/ids.ts';
import { eventually, Office, type OfficePoint, somePacks } from './support/office.ts';

const SOON = { timing: { scrubEveryMs: 40 } };

async function copies(t: Parameters<typeof Office.open>[0], count: number) {
  const office = await Office.open(t, count);
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000, 2000));
  const peers = office.points.map(({ peer }) => peer);
  for (const point of office.points) {
    await point.start(SOON);
    await office.capture(point, capture, { peers });
  }
  const key = capture.keys[0]!.bytes;
  return { office, points: office.points, association, capture, key };
}

const folderOf = (point: OfficePoint, state: StateId): string => join(point.dir, 'states', state);
const keyPath = (office: Office, point: OfficePoint, state: StateId): string =>
  join(folderOf(point, state), 'keys', `${office.destination.peerId}.age`);

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path, bytes);
}

const isWhole = (path: string, key: Uint8Array) =>
  eventually('the key is as it was', () => {
    try {
      return Buffer.compare(readFileSync(path), key) === 0 || undefined;
    } catch {
      return undefined;
    }
  });

test('a key file that flips or is lost is found by the scrub, and comes again from another holder', async (t) => {
  const { office, points, capture, association, key } = await copies(t, 2);
  const [one] = points as [OfficePoint];
  const { state } = capture;
  const path = keyPath(office, one, state);
  for (const hurt of [() => flip(path), () => rmSync(path), () => writeFileSync(path, '')]) {
    hurt();
    await isWhole(path, key);
    await eventually('and is told to be', () => {
      const { complete, scrub } = one.held(state)!;
      return (complete && scrub?.bad === 0 && one.receipt(association, state)?.phase === 'held') || undefined;
    });
  }
});

test('the only copy says that it is damaged, and the next capture brings a new one', async (t) => {
  const { office, points, capture, association } = await copies(t, 1);
  const [one] = points as [OfficePoint];
  const { state } = capture;
  const path = keyPath(office, one, state);
  flip(path);
  const word = await eventually('the receipt says so', () => {
    const receipt = one.receipt(association, state);
    return receipt?.phase === 'damaged' ? receipt : undefined;
  });
  assert.match(word.notes[0]!, /^1 of its key files/);
  assert.equal(one.held(state)!.complete, false);
  await one.restart();
  assert.equal(one.receipt(association, state)?.phase, 'damaged', 'also after a restart');
  const next = await office.snapshot(association, [...capture.packs], { state, snapshot: 2 });
  await office.capture(one, next);
  await eventually('it is held', () => one.receipt(association, state)?.phase === 'held' || undefined);
  await isWhole(path, next.keys[0]!.bytes);
});

test('a key file that flipped unseen is noticed when a copy is to be made, and is no part of one', async (t) => {
  const office = await Office.open(t, 2);
  const [one, other] = office.points as [OfficePoint, OfficePoint];
  const association = await office.associate({ replicas: 2 });
  const capture = await office.snapshot(association, somePacks(1000));
  await one.start();
  await office.capture(one, capture);
  flip(keyPath(office, one, capture.state));
  await other.start();
  await one.role.tick();
  await eventually(
    'the receipt says so',
    () => one.receipt(association, capture.state)?.phase === 'damaged' || undefined,
  );
  assert.equal(other.held(capture.state), undefined);
});

test('a holder that gives another key mends nothing, and the next one is asked', async (t) => {
  const { office, points, capture, key } = await copies(t, 3);
  const [one, two, three] = points as [OfficePoint, OfficePoint, OfficePoint];
  const path = keyPath(office, one, capture.state);
  two.lies = true;
  three.away = true;
  flip(path);
  const bad = readFileSync(path);
  await eventually('it is in doubt', () => one.held(capture.state)?.complete === false || undefined);
  await eventually('the liar was asked twice', () => two.keysAsked > 1 || undefined);
  assert.deepEqual(readFileSync(path), bad);
  three.away = false;
  await isWhole(path, key);
});

test('what a point noted of a key may be wrong itself: the key stays, and the word of another holder decides', async (t) => {
  const { office, points, capture, association, key } = await copies(t, 2);
  const [one, two] = points as [OfficePoint, OfficePoint];
  const { state } = capture;
  const path = keyPath(office, one, state);
  two.away = true;
  await one.stop();
  const info = join(folderOf(one, state), 'state.json');
  const hint = JSON.parse(readFileSync(info, 'utf8')) as { keys: { hash: string }[] };
  hint.keys[0]!.hash = randomBytes(32).toString('hex');
  writeFileSync(info, JSON.stringify(hint));
  await one.start(SOON);
  await eventually('it is in doubt', () => one.receipt(association, state)?.phase === 'damaged' || undefined);
  assert.deepEqual(Buffer.from(readFileSync(path)), Buffer.from(key));
  two.away = false;
  await eventually('it is not any more', () => one.receipt(association, state)?.phase === 'held' || undefined);
  assert.deepEqual(Buffer.from(readFileSync(path)), Buffer.from(key));
});

test('where nothing was noted, as in a store of before, the key that is there is, and what comes later is found', async (t) => {
  const { office, points, capture, key } = await copies(t, 2);
  const [one] = points as [OfficePoint];
  const { state } = capture;
  const path = keyPath(office, one, state);
  await one.stop();
  rmSync(join(folderOf(one, state), 'state.json'));
  await one.start(SOON);
  await eventually('it was scrubbed', () => one.held(state)?.scrub?.agoMs !== undefined || undefined);
  await eventually(
    'it is noted',
    () => readFileSync(join(folderOf(one, state), 'state.json'), 'utf8').includes('"hash"') || undefined,
  );
  flip(path);
  await isWhole(path, key);
});

test('keys go to nobody but holders that the source named', async (t) => {
  const { office, points, capture } = await copies(t, 2);
  const [one, two] = points as [OfficePoint, OfficePoint];
  const { state } = capture;
  const stranger = await office.addPoint('stranger');
  const ask = (peer: string) => one.role.onPointRequest({ keys: { state } }, peer);
  const { keys } = await ask(two.peer);
  assert.deepEqual(
    keys!.map(({ name }) => name),
    [office.destination.peerId],
  );
  for (const peer of [stranger.peer, office.source.peerId, office.destination.peerId]) {
    await assert.rejects(ask(peer), { code: 'refused' });
  }
});
