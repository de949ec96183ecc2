import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type PackId, type PeerIdText, packId } from '../../src/common/ids.ts';
import { POINT_PACKS_IN_FLIGHT } from '../../src/common/limits.ts';
import { digest } from '../../src/state/format/index.ts';
import { Store, storeSink, storeSource } from '../../src/state/store/index.ts';
import { identity, temporaryFolder } from './support/source-machine.ts';

const { stateId, source } = identity;
const signal = new AbortController().signal;

async function newStore(t: Parameters<typeof temporaryFolder>[0] & { after(end: () => unknown): void }) {
  const dir = join(temporaryFolder(t), 'store');
  const store = await Store.open(dir, { create: true });
  t.after(() => store.close());
  await store.createState(stateId);
  return { dir, store };
}

async function put(store: Store, bytes: Uint8Array): Promise<PackId> {
  const id = packId(digest(bytes).toString('hex'));
  await storeSink(store, stateId).put({ id, bytes }, signal);
  return id;
}

const pathOf = (dir: string, id: PackId) => join(dir, 'states', stateId, 'packs', id.slice(0, 2), id);

test('packs go in and come out, and are found damaged or missing', async (t) => {
  const { dir, store } = await newStore(t);
  const contents = [randomBytes(1000), randomBytes(70_000), randomBytes(500)];
  const ids = [];
  for (const content of contents) ids.push(await put(store, content));
  const into = new Uint8Array(70_000);
  await storeSource(store, stateId).get(ids[1]!, 70_000, into, signal);
  assert.deepEqual(Buffer.from(into), contents[1]);
  const packs = ids.map((id, index) => ({ id, sizeBytes: contents[index]!.length }));
  let told = 0;
  assert.deepEqual(await store.verifyPacks(stateId, packs, (bytes) => (told += bytes)), []);
  assert.equal(told, 71_500);
  assert.equal(await store.packSize(stateId, ids[0]!), 1000);

  const flipped = readFileSync(pathOf(dir, ids[0]!));
  flipped[500]! ^= 1;
  writeFileSync(pathOf(dir, ids[0]!), flipped);
  truncateSync(pathOf(dir, ids[1]!), 100);
  rmSync(pathOf(dir, ids[2]!));
  assert.deepEqual(await store.verifyPacks(stateId, packs), ids);
  await assert.rejects(storeSource(store, stateId).get(ids[1]!, 70_000, into, signal), { code: 'damaged' });
  await assert.rejects(storeSource(store, stateId).get(ids[2]!, 500, into, signal), { code: 'not-found' });
  assert.equal(await store.packSize(stateId, ids[2]!), undefined);
  await put(store, contents[0]!);
  assert.deepEqual(await store.verifyPacks(stateId, [packs[0]!]), [], 'a damaged pack is mended by a good one');
});

test('bytes that are not the pack they are said to be are refused, and the buffer comes back', async (t) => {
  const { store } = await newStore(t);
  for (let attempt = 0; attempt < 5; attempt++) {
    const buffer = await store.borrow(signal);
    buffer.fill(attempt, 0, 10);
    await assert.rejects(store.storePack(stateId, packId('00'.repeat(32)), buffer, 10), { code: 'damaged' });
  }
});

test('no more buffers are lent than there are, and a waiting borrower can give up', async (t) => {
  const { store } = await newStore(t);
  const lent = [];
  while (lent.length < POINT_PACKS_IN_FLIGHT) lent.push(await store.borrow(signal));
  const abort = new AbortController();
  const waiting = store.borrow(abort.signal);
  abort.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
  const next = store.borrow(signal);
  store.giveBack(lent.pop()!);
  store.giveBack(await next);
});

test('a store that one process has open is refused to another', async (t) => {
  const { store, dir } = await newStore(t);
  await assert.rejects(Store.open(dir), { code: 'failed', message: /in use by another agent/ });
  await store.close();
  await (await Store.open(dir)).close();
});

test('ids and names that are none make no path', async (t) => {
  const { store } = await newStore(t);
  await assert.rejects(store.readInfo('../..' as typeof stateId), { code: 'usage' });
  await assert.rejects(store.packSize(stateId, '../x' as PackId), { code: 'usage' });
  await assert.rejects(store.writeKey(stateId, '../x' as PeerIdText, Buffer.of(1)), { code: 'usage' });
  await assert.rejects(store.loadPack(stateId, '/etc/passwd' as PackId, new Uint8Array(9)), { code: 'usage' });
  await assert.rejects(store.writeDescriptor(stateId, 0, Buffer.of(1)), { code: 'usage' });
});

test('a snapshot is never overwritten by another', async (t) => {
  const { store } = await newStore(t);
  await store.writeDescriptor(stateId, 1, Buffer.from('one'));
  await store.writeDescriptor(stateId, 1, Buffer.from('one'));
  await assert.rejects(store.writeDescriptor(stateId, 1, Buffer.from('two')), { code: 'refused' });
  assert.equal(Buffer.from((await store.readDescriptor(stateId, 1))!).toString(), 'one');
  assert.equal(await store.readDescriptor(stateId, 2), undefined);
});

test('states are listed with their hint, snapshots and size; keys and hints come back', async (t) => {
  const { store } = await newStore(t);
  await put(store, randomBytes(1000));
  await store.writeInfo(stateId, { owner: source, note: 'hint' });
  await store.writeKey(stateId, source, Buffer.from('for a peer'));
  await store.writeKey(stateId, 'recovery', Buffer.from('for recovery'));
  for (const snapshot of [10, 2, 1]) await store.writeDescriptor(stateId, snapshot, Buffer.from('d'));
  assert.deepEqual(await store.states(), [
    {
      stateId,
      info: { owner: source, note: 'hint' },
      snapshots: [1, 2, 10],
      packBytes: 1000,
      usedBytes: 1000 + 10 + 12 + 3,
    },
  ]);
  assert.equal(Buffer.from((await store.readKey(stateId, 'recovery'))!).toString(), 'for recovery');
  assert.equal(await store.readKey(stateId, 'code'), undefined);
});

test('packs that nothing refers to are dropped, and a state is deleted whole', async (t) => {
  const { dir, store } = await newStore(t);
  const [a, b] = [await put(store, randomBytes(1000)), await put(store, randomBytes(2000))];
  assert.equal(await store.dropPacksExcept(stateId, [a]), 2000);
  assert.equal(await store.packSize(stateId, b), undefined);
  await store.deleteState(stateId);
  await store.deleteState(stateId);
  assert.deepEqual(readdirSync(join(dir, 'states')), []);
  assert.ok((await store.freeBytes()) > 0);
});

test('what another process left unfinished in tmp is nothing, and goes when the owner opens the store', async (t) => {
  const { dir, store } = await newStore(t);
  await store.close();
  writeFileSync(join(dir, 'tmp', 'half'), 'half a pack');
  const again = await Store.open(dir);
  t.after(() => again.close());
  assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
  assert.equal((await again.states()).length, 1);
});

test('a folder that is no store, holds other files, or is of a newer version is not taken for one', async (t) => {
  const folder = temporaryFolder(t);
  await assert.rejects(Store.open(join(folder, 'absent')), { code: 'not-found' });
  mkdirSync(join(folder, 'other'));
  writeFileSync(join(folder, 'other', 'thesis'), 'x');
  await assert.rejects(Store.open(join(folder, 'other'), { create: true }), { code: 'not-empty' });
  mkdirSync(join(folder, 'newer'));
  writeFileSync(join(folder, 'newer', 'resettle.json'), '{"format":2}');
  await assert.rejects(Store.open(join(folder, 'newer')), { code: 'damaged', hint: /newer/ });
  for (const text of ['{', 'null', '7', '[]', '']) {
    writeFileSync(join(folder, 'newer', 'resettle.json'), text);
    await assert.rejects(Store.open(join(folder, 'newer')), { code: 'damaged' }, text);
  }
});

test('a pack that was stored again since it was found damaged is not set aside', async (t) => {
  const { dir, store } = await newStore(t);
  const content = randomBytes(1000);
  const id = await put(store, content);
  await store.setPackAside(stateId, id);
  assert.equal(await store.packSize(stateId, id), 1000);
  truncateSync(pathOf(dir, id), 10);
  await store.setPackAside(stateId, id);
  assert.equal(await store.packSize(stateId, id), undefined);
});

test('folders in the place of packs, descriptors and hints are damage of these, and whole files take their place', async (t) => {
  const { dir, store } = await newStore(t);
  const content = randomBytes(1000);
  const id = await put(store, content);
  const folderAt = (path: string): void => {
    rmSync(path, { force: true });
    mkdirSync(path);
  };
  folderAt(pathOf(dir, id));
  assert.deepEqual(await store.verifyPacks(stateId, [{ id, sizeBytes: 1000 }]), [id]);
  await put(store, content);
  assert.deepEqual(await store.verifyPacks(stateId, [{ id, sizeBytes: 1000 }]), []);
  folderAt(join(dir, 'states', stateId, 'state.json'));
  folderAt(join(dir, 'point.json'));
  folderAt(join(dir, 'states', stateId, 'snapshots', '1'));
  assert.deepEqual(
    (await store.states()).map(({ info, snapshots }) => [info, snapshots]),
    [[undefined, [1]]],
  );
  assert.equal(await store.readPointFile(), undefined);
  await assert.rejects(store.readDescriptor(stateId, 1), { code: 'damaged' });
  await store.setSnapshotAside(stateId, 1);
  assert.equal(await store.readDescriptor(stateId, 1), undefined);
});
