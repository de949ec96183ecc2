import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import test from 'node:test';
import { RecordEnvelope } from '@libp2p/peer-record';
import fc from 'fast-check';
import type { PackId } from '../../src/common/ids.ts';
import { describeSnapshot } from '../../src/state/capture/index.ts';
import { CborWriter } from '../../src/state/format/cbor-writer.ts';
import { digest } from '../../src/state/format/index.ts';
import { Store, storeSink } from '../../src/state/store/index.ts';
import { type Damage, type OpenedSnapshot, verifyState } from '../../src/state/tools/index.ts';
import { PackFrames } from '../../src/state/tools/pack-frames.ts';
import { walkManifest } from '../../src/state/tools/walk-manifest.ts';
import { FolderStore } from './support/folder-store.ts';
import { file, folder as folderEntry, forge, goodExtent } from './support/forge.ts';
import { about, identity, on, temporaryFolder } from './support/source-machine.ts';

const { stateId, stateKey } = identity;
interface Test {
  after(end: () => void): void;
}

/** With the state's key, with another one, or with null for none. */
function verify(store: FolderStore, key: Uint8Array | null = stateKey) {
  return store.open((opened) => verifyOpen(opened, key));
}

async function verifyOpen(opened: Store, key: Uint8Array | null) {
  const damages: Damage[] = [];
  const held = (await opened.states()).find((state) => state.stateId === stateId)!;
  const onDamage = (damage: Damage) => damages.push(damage);
  return { damages, result: await verifyState(opened, held, key ?? undefined, { ...on(), onDamage }) };
}

/** Two snapshots, the second with packs of the first. */
async function twoSnapshots(t: Test): Promise<FolderStore> {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(join(home, 'sub'), { recursive: true });
  writeFileSync(join(home, 'letter'), 'dear');
  writeFileSync(join(home, 'sub', 'noise'), randomBytes(20_000));
  writeFileSync(join(home, 'sub', 'more noise'), randomBytes(1_100_000));
  writeFileSync(join(home, 'empty'), '');
  symlinkSync('letter', join(home, 'link'));
  linkSync(join(home, 'letter'), join(home, 'sub', 'hard'));
  const store = new FolderStore(folder);
  await store.capture([home]);
  writeFileSync(join(home, 'letter'), 'dearest');
  writeFileSync(join(home, 'new'), 'new');
  await store.capture([home]);
  return store;
}

/** The files that cannot be read any more, found by another way: one by one, in the order of the manifest. */
async function unreadable(t: Test, store: FolderStore, snapshot: OpenedSnapshot): Promise<string[]> {
  const number = snapshot.header.snapshot;
  const frames = new PackFrames((pack) => store.layout.pack(stateId, pack), { stateId, stateKey });
  const lost = new Set<string>();
  let path = '';
  const walk = walkManifest(snapshot, frames, temporaryFolder(t), on().signal);
  for await (const event of walk) {
    if (event.type === 'item') path = event.path.toString();
    if (event.type !== 'extent') continue;
    const { segment, offset, length, hash } = event.extent;
    try {
      const piece = frames.segment(event.pack, segment).subarray(offset, offset + length);
      assert.ok(digest(piece).equals(hash));
    } catch {
      lost.add(`${number} /${path}`);
    }
  }
  frames.close();
  return [...lost];
}

test('a store that is whole verifies, with and without a key', async (t) => {
  const store = await twoSnapshots(t);
  const keyless = await verify(store, null);
  assert.deepEqual(keyless.damages, []);
  assert.equal(keyless.result.snapshots, 2);
  assert.equal(keyless.result.packs, store.packFiles().length);
  assert.equal(keyless.result.files, 0);
  const { damages, result } = await verify(store);
  assert.deepEqual(damages, []);
  assert.equal(result.files, 4 + 5);
  assert.equal(result.unreferencedPacks, 0);
});

test('a flipped bit anywhere in a pack or descriptor is found, and the files that it costs are named', async (t) => {
  const store = await twoSnapshots(t);
  const snapshots = [await store.snapshot(1), await store.snapshot(2)];
  const lostFiles = async () => (await Promise.all(snapshots.map((one) => unreadable(t, store, one)))).flat().sort();
  assert.deepEqual(await lostFiles(), []);
  const files = [...store.packFiles(), store.descriptorFile(1), store.descriptorFile(2)];
  const place = fc.record({
    path: fc.constantFrom(...files),
    // Heads, salts and seals lie near the ends; bodies and padding in between.
    at: fc.oneof(
      fc.nat(200).map((byte) => ({ byte })),
      fc.nat(200).map((back) => ({ back })),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }).map((share) => ({ share })),
    ),
    bit: fc.nat(7),
  });
  const opened = await Store.open(store.dir, { readOnly: true });
  t.after(() => opened.close());
  await fc.assert(
    fc.asyncProperty(place, async ({ path, at, bit }) => {
      const good = readFileSync(path);
      const position =
        'byte' in at ? at.byte : 'back' in at ? good.length - 1 - at.back : Math.floor(at.share * good.length);
      const bad = Buffer.from(good);
      bad[Math.min(Math.max(position, 0), good.length - 1)]! ^= 1 << bit;
      writeFileSync(path, bad);
      try {
        for (const key of [null, stateKey]) {
          const { damages } = await verifyOpen(opened, key);
          const [first] = damages.filter(({ what }) => what === 'pack' || what === 'descriptor');
          const name = basename(path);
          assert.equal(first?.what === 'pack' ? first.pack : String(first?.snapshot), name);
          assert.equal(damages.filter(({ what }) => what === 'pack' || what === 'descriptor').length, 1);
          if (!key || damages.some(({ what }) => what === 'manifest' || what === 'descriptor')) continue;
          const lost = damages.filter(({ what }) => what === 'file').map((one) => `${one.snapshot} ${one.path}`);
          assert.deepEqual(lost.sort(), await lostFiles());
        }
      } finally {
        writeFileSync(path, good);
      }
    }),
    { numRuns: 60 },
  );
  assert.deepEqual((await verify(store)).damages, []);
});

test('packs that are cut short, exchanged, missing or no files are found', async (t) => {
  const store = await twoSnapshots(t);
  const [first, second] = store.packFiles() as [string, string];
  const cases: [string, (path: string) => void][] = [
    ['empty', (path) => truncateSync(path, 0)],
    ['cut short', (path) => truncateSync(path, Math.floor(statSync(path).size / 2))],
    ['too long', (path) => truncateSync(path, statSync(path).size + 1)],
    ['far too long', (path) => truncateSync(path, 40 * 1024 * 1024)],
    ['another pack', (path) => copyFileSync(second, path)],
    ['missing', (path) => rmSync(path)],
    ['a folder', (path) => replace(path, (free) => mkdirSync(free))],
    ['a FIFO', (path) => replace(path, (free) => execFileSync('mkfifo', [free]))],
  ];
  const good = `${store.dir}.good`;
  copyFileSync(first, good);
  for (const [name, harm] of cases) {
    harm(first);
    for (const key of [null, stateKey]) {
      const { damages } = await verify(store, key);
      const packs = damages.filter(({ what }) => what === 'pack').map(({ pack }) => pack);
      assert.deepEqual(packs, [basename(first)], name);
      if (key && name !== 'too long') assert.ok(damages.length > 1, `${name}: what it held is named as well`);
    }
    rmSync(first, { recursive: true, force: true });
    copyFileSync(good, first);
  }
  assert.deepEqual((await verify(store)).damages, []);
});

function replace(path: string, make: (path: string) => void): void {
  rmSync(path);
  make(path);
}

test('descriptors that are cut short, exchanged or of a newer version are found', async (t) => {
  const store = await twoSnapshots(t);
  const second = store.descriptorFile(2);
  const good = readFileSync(second);
  const others: [RegExp, Uint8Array][] = [
    [/signature/, good.subarray(0, good.length - 1)],
    [/signature/, Buffer.alloc(0)],
    [/it is of snapshot 1/, readFileSync(store.descriptorFile(1))],
    [
      /does not follow snapshot 1/,
      await describeSnapshot(store.lastResult!, { ...about(identity), snapshot: 2, previous: randomBytes(32) }),
    ],
    [/format that this program does not know/, await newerVersion()],
  ];
  for (const [reason, bytes] of others) {
    writeFileSync(second, bytes);
    const { damages } = await verify(store, null);
    assert.deepEqual(
      damages.map(({ what, snapshot }) => [what, snapshot]),
      [['descriptor', 2]],
    );
    assert.match(damages[0]!.reason, reason);
    if (reason.source.includes('format')) assert.match(damages[0]!.hint!, /newer version/);
  }
});

async function newerVersion(): Promise<Uint8Array> {
  const payload = new CborWriter().map(1).uint(0).uint(2).view();
  const codec = Buffer.from('/resettle/snapshot');
  const record = { domain: 'resettle/1 snapshot', codec, marshal: () => payload, equals: () => false };
  return (await RecordEnvelope.seal(record, identity.privateKey)).marshal();
}

test('a snapshot after one that was pruned is whole', async (t) => {
  const store = await twoSnapshots(t);
  rmSync(store.descriptorFile(1));
  const { damages, result } = await verify(store);
  assert.deepEqual(damages, []);
  assert.ok(result.unreferencedPacks > 0);
});

test('what nothing refers to is counted and harms nothing', async (t) => {
  const store = await twoSnapshots(t);
  const [pack] = store.packFiles();
  const bytes = readFileSync(pack!);
  bytes[100]! ^= 1;
  const id = digest(bytes).toString('hex') as PackId;
  mkdirSync(store.layout.packFolder(stateId, id), { recursive: true });
  writeFileSync(store.layout.pack(stateId, id), bytes);
  writeFileSync(`${pack}.part`, 'x');
  writeFileSync(join(store.layout.snapshots(stateId), '2~'), 'x');
  writeFileSync(join(store.dir, 'states', 'lost+found'), 'x');
  const { damages, result } = await verify(store);
  assert.deepEqual(damages, []);
  assert.deepEqual([result.unreferencedPacks, result.unreferencedBytes], [1, bytes.length]);
});

test('another key is told from damage', async (t) => {
  const store = await twoSnapshots(t);
  const { damages } = await verify(store, randomBytes(32));
  assert.deepEqual(
    damages.map(({ what, snapshot }) => [what, snapshot]),
    [
      ['key', 1],
      ['key', 2],
    ],
  );
});

test('a manifest that lies about its packs is found out, though every pack is what its name says', async (t) => {
  const top = { path: [], entries: [folderEntry('r')] };
  const wrong = { ...goodExtent(), hash: digest(Buffer.from('something else')) };
  const beyond = { ...goodExtent(), segment: 7 };
  const cases: [string, Parameters<typeof forge>, string[]][] = [
    ['another hash', [[top, { path: ['r'], entries: [file('a', { extents: [wrong] }), file('b')] }]], ['file /r/a']],
    ['no such frame', [[top, { path: ['r'], entries: [file('a', { extents: [beyond] }), file('b')] }]], ['file /r/a']],
    ['no such pack', [[top, { path: ['r'], entries: [file('a')] }], { extraPack: true }], ['manifest ']],
    ['other totals', [[top, { path: ['r'], entries: [file('a')] }], { totals: { files: 2 } }], ['manifest ']],
    ['other counts', [[top, { path: ['r'], entries: [file('a')] }], { entries: 7 }], ['manifest ']],
  ];
  for (const [name, forged, expected] of cases) {
    const store = new FolderStore(temporaryFolder(t));
    const { descriptor, packs } = await forge(...forged);
    const opened = await Store.open(store.dir, { create: true });
    await opened.createState(stateId);
    for (const [id, bytes] of packs.packs) await storeSink(opened, stateId).put({ id, bytes }, on().signal);
    await opened.writeDescriptor(stateId, 1, descriptor);
    await opened.close();
    assert.deepEqual((await verify(store, null)).damages, [], name);
    const { damages } = await verify(store);
    assert.deepEqual(
      damages.map(({ what, path = '' }) => `${what} ${path}`),
      expected,
      name,
    );
  }
});

test('a store whose marker is damaged or newer is not opened', async (t) => {
  const store = await twoSnapshots(t);
  const marker = join(store.dir, 'resettle.json');
  writeFileSync(marker, readFileSync(marker, 'utf8').replace('"format":1', '"format":2'));
  await assert.rejects(verify(store), (error: Error & { code: string; hint: string }) => {
    return error.code === 'damaged' && /newer/.test(error.hint);
  });
  writeFileSync(marker, '{');
  await assert.rejects(verify(store), { code: 'damaged' });
  renameSync(marker, `${marker}.gone`);
  await assert.rejects(verify(store), { code: 'not-found' });
});
