import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  createReadStream,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { createZstdDecompress } from 'node:zlib';
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { PACK_MAX_BYTES, TOOL_OPEN_PACKS_MAX } from '../../src/common/limits.ts';
import type { Hole } from '../../src/state/format/entry.ts';
import { KIND } from '../../src/state/format/frame-cipher.ts';
import { frameBody, PackWriter } from '../../src/state/format/index.ts';
import { type ExportReaders, exportSnapshot, writeNewFile } from '../../src/state/tools/index.ts';
import { PackFrames } from '../../src/state/tools/pack-frames.ts';
import { tarItem } from '../../src/state/tools/tar-item.ts';
import { GapCounter, planSparse } from '../../src/state/tools/tar-sparse.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { isRoot, lacks } from '../support/tools.ts';
import { FolderStore } from './support/folder-store.ts';
import { makeTree, treeOf } from './support/random-tree.ts';
import { identity, on, temporaryFolder } from './support/source-machine.ts';

const { stateId, stateKey } = identity;
const NOBODY = 65534;
const MIB = 1024 * 1024;
const untar = lacks('age', 'zstd', 'tar');

const ageIdentity = await generateX25519Identity();
const toUs: ExportReaders = { recipients: [await identityToRecipient(ageIdentity)] };

async function exportTo(store: FolderStore, number: number, out: string, readers = toUs) {
  return exportSnapshot(
    {
      snapshot: await store.snapshot(number),
      keys: { stateId, stateKey },
      pathOf: (pack) => store.layout.pack(stateId, pack),
      readers,
      into: (write) => writeNewFile(out, write),
    },
    on(),
  );
}

/** Opens an archive with the standard tools, as somebody without this program would. */
function untarInto(archive: string, key: string, target: string, user?: number): void {
  const tar = `tar -x --warning=no-timestamp --xattrs --xattrs-include='*' --acls --numeric-owner -p -C "$TARGET"`;
  execFileSync('sh', ['-c', `set -e; age -d -i "$KEY" "$ARCHIVE" | zstd -d | ${tar}`], {
    env: { ...process.env, KEY: key, ARCHIVE: archive, TARGET: target },
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
}

/** Captures a folder, exports it, opens that with the standard tools; returns where the folder is now. */
async function throughTheTools(folder: string, home: string, user?: number): Promise<string> {
  const store = new FolderStore(folder);
  await store.capture([home]);
  const archive = join(folder, 'archive.tar.zst.age');
  await exportTo(store, 1, archive);
  const key = join(folder, 'key.txt');
  writeFileSync(key, `${ageIdentity}\n`);
  const target = join(folder, 'out');
  mkdirSync(target);
  if (user !== undefined) {
    for (const path of [archive, key, target]) chownSync(path, user, user);
    chmodSync(folder, 0o755);
  }
  untarInto(archive, key, target, user);
  return join(target, home);
}

const lines = (program: string, args: string[], cwd: string): string[] =>
  execFileSync(program, args, { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
    .toString('latin1')
    .split('\n\n')
    .sort();

test('what age, zstd and tar unpack is what was captured', { skip: untar }, async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  makeEverything(home);
  const restored = await throughTheTools(folder, home);
  const { differences, compared } = compareTrees(home, restored);
  assert.deepEqual(differences, []);
  assert.ok(compared.files > 5 && compared.hardlinks === 2 && compared.symlinks === 2);
  assert.ok(statSync(join(restored, 'sparse')).blocks <= statSync(join(home, 'sparse')).blocks, 'holes stay holes');
  assert.ok(statSync(join(restored, 'pipe')).isFIFO());
});

/** Everything that needs no privilege, in a folder that is there. */
function makeEverything(home: string): void {
  writeFileSync(join(home, 'empty'), '');
  writeFileSync(join(home, 'one-block'), Buffer.alloc(512, 1));
  writeFileSync(join(home, 'two-segments'), Buffer.alloc(2 * MIB + 17, 2));
  writeFileSync(Buffer.concat([Buffer.from(`${home}/bad`), Buffer.of(0xff, 0xfe)]), 'bad bytes');
  writeFileSync(Buffer.concat([Buffer.from(`${home}/`), Buffer.alloc(200, 0xe9)]), 'long and bad bytes');
  writeFileSync(join(home, 'x'.repeat(100)), 'a name of exactly one field');
  writeFileSync(join(home, 'new\nline'), '');
  writeFileSync(join(home, '-rf'), '');
  symlinkSync('empty', join(home, 'link'));
  symlinkSync(`/${'y'.repeat(3000)}`, join(home, 'long-link'));
  linkSync(join(home, 'two-segments'), join(home, 'hard'));
  let deep = join(home, 'deep');
  for (let depth = 0; depth < 4; depth++, deep = join(deep, 'd'.repeat(90))) mkdirSync(deep);
  const path = join(deep, '..', 'file');
  writeFileSync(path, 'deep');
  linkSync(path, join(home, 'zz-a-link-to-the-deep'));
  execFileSync('mkfifo', [join(home, 'pipe')]);
  makeSparse(join(home, 'sparse'), 20 * MIB, [0, 5 * MIB]);
  makeSparse(join(home, 'only-a-hole'), 3 * MIB + 5, []);
  chmodSync(join(home, 'one-block'), 0o1640);
  execFileSync('touch', ['-d', '2001-02-03 04:05:06.123456789', join(home, 'empty')]);
  execFileSync('touch', ['-d', '1950-06-07 08:09:10.75 UTC', join(home, 'one-block')]);
  utimesSync(join(home, '-rf'), 9_000_000_000.5, 9_000_000_000.5);
  lutimesSync(join(home, 'link'), 1000.5, 1000.5);
  utimesSync(join(home, 'deep'), 1_000_000_000, 1_000_000_000);
}

function makeSparse(path: string, sizeBytes: number, data: readonly number[]): void {
  const fd = openSync(path, 'w');
  for (const at of data) writeSync(fd, Buffer.alloc(5000, 0x61), 0, 5000, at);
  ftruncateSync(fd, sizeBytes);
  closeSync(fd);
}

test('as root owners, setuid, devices, attributes and ACLs come through as well', {
  skip: untar || lacks('setfattr', 'setfacl', 'getfattr', 'getfacl') || (!isRoot && 'needs root'),
}, async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'owned'), 'x');
  chownSync(join(home, 'owned'), 3_000_000_000, 2_500_000);
  chmodSync(join(home, 'owned'), 0o6755);
  execFileSync('mknod', [join(home, 'device'), 'c', '5', '1']);
  execFileSync('mknod', [join(home, 'disk'), 'b', '8', '70000']);
  writeFileSync(join(home, 'attributes'), 'y');
  execFileSync('setfattr', ['-n', 'user.a=b%c', '-v', '0x000a3d', join(home, 'attributes')]);
  execFileSync('setfattr', ['-n', 'user.long', '-v', 'z'.repeat(3000), join(home, 'attributes')]);
  execFileSync('setfattr', ['-h', '-n', 'trusted.t', '-v', '1', join(home, 'attributes')]);
  execFileSync('setfacl', ['-m', 'u:1234:r,g:4321:rwx', join(home, 'attributes')]);
  mkdirSync(join(home, 'default'));
  execFileSync('setfacl', ['-d', '-m', 'u:1234:rx', join(home, 'default')]);
  const restored = await throughTheTools(folder, home);
  assert.deepEqual(compareTrees(home, restored).differences, []);
  for (const name of ['device', 'disk']) {
    assert.equal(statSync(join(restored, name)).rdev, statSync(join(home, name)).rdev);
  }
  for (const [program, args] of [
    ['getfattr', ['-dRh', '-m', '-', '-e', 'hex', '.']],
    ['getfacl', ['-Rnp', '.']],
  ] as const) {
    assert.deepEqual(lines(program, [...args], restored), lines(program, [...args], home));
  }
});

test('somebody without privileges unpacks his own files', { skip: untar || (!isRoot && 'needs root') }, async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  makeEverything(home);
  const restored = await throughTheTools(folder, home, NOBODY);
  execFileSync('chown', ['-hR', '0:0', restored]);
  assert.deepEqual(compareTrees(home, restored).differences, []);
});

test('random trees come through', { skip: untar || (!isRoot && 'needs root') }, async (t) => {
  const folder = temporaryFolder(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(treeOf(2), async (nodes) => {
      run += 1;
      const here = join(folder, String(run));
      const home = join(here, 'home');
      mkdirSync(home, { recursive: true });
      makeTree(home, nodes);
      assert.deepEqual(compareTrees(home, await throughTheTools(here, home)).differences, []);
    }),
    { numRuns: 5 },
  );
});

test('a file with more holes than one entry holds stays sparse', { skip: untar }, async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  const pieces = Array.from({ length: 5000 }, (_, index) => index * 12_288);
  const fd = openSync(join(home, 'image'), 'w');
  for (const at of pieces) writeSync(fd, Buffer.alloc(4096, at % 251), 0, 4096, at);
  ftruncateSync(fd, 5000 * 12_288);
  closeSync(fd);
  const { blocks, size } = statSync(join(home, 'image'));
  if (blocks * 512 > size / 2) return t.skip('this file system keeps no holes');
  const restored = await throughTheTools(folder, home);
  assert.deepEqual(compareTrees(home, restored).differences, []);
  assert.ok(statSync(join(restored, 'image')).blocks * 512 < size / 2, 'the holes take no room');
});

test('an export follows files into the packs of earlier snapshots', { skip: untar }, async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  const store = new FolderStore(folder);
  for (let index = 0; index < 9; index++) writeFileSync(join(home, `f${index}`), `first ${index}`);
  for (let round = 0; round < 3; round++) {
    for (let index = round; index < 9; index += 3) writeFileSync(join(home, `f${index}`), `changed ${index} ${round}`);
    await store.capture([home]);
  }
  const last = new Set(await store.packsOf(3));
  const shared = (await store.packsOf(1)).filter((id) => last.has(id));
  assert.ok(shared.length > 0, 'it refers to a pack of the first');
  const archive = join(folder, 'archive');
  await exportTo(store, 3, archive);
  const key = join(folder, 'key.txt');
  writeFileSync(key, ageIdentity);
  const target = join(folder, 'out');
  mkdirSync(target);
  untarInto(archive, key, target);
  assert.deepEqual(compareTrees(home, join(target, home)).differences, []);
});

test('frames of packs are read in any order, with few packs open', (t) => {
  const folder = temporaryFolder(t);
  const content = (pack: number, frame: number) => Buffer.from(`pack ${pack} frame ${frame}`.repeat(20));
  const ids = Array.from({ length: 40 }, (_, pack) => {
    const out = new Uint8Array(PACK_MAX_BYTES);
    const writer = new PackWriter(out, stateKey, stateId, randomBytes);
    for (let frame = 0; frame < 5; frame++) writer.add(frameBody(KIND.manifest, content(pack, frame)));
    const { id, sizeBytes } = writer.finish();
    writeFileSync(join(folder, id), out.subarray(0, sizeBytes));
    return id;
  });
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const before = openFiles();
  const frames = new PackFrames((id) => join(folder, id), { stateId, stateKey });
  for (let step = 0; step < 1000; step++) {
    const [pack, frame] = [(step * 7919) % 40, (step * 104_729) % 5];
    assert.deepEqual(Buffer.from(frames.manifest(ids[pack]!, frame)), content(pack, frame));
    assert.ok(openFiles() <= before + TOOL_OPEN_PACKS_MAX);
  }
  assert.throws(() => frames.manifest(ids[0]!, 5), { code: 'damaged' });
  assert.throws(() => frames.segment(ids[0]!, 0), { code: 'damaged' });
  frames.close();
  assert.equal(openFiles(), before);
});

test('a passphrase opens an export', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  writeFileSync(join(home, 'hello'), 'hello');
  const store = new FolderStore(folder);
  await store.capture([home]);
  const archive = join(folder, 'archive');
  const result = await exportTo(store, 1, archive, { passphrase: 'correct horse battery' });
  assert.equal(result.writtenBytes, statSync(archive).size);
  assert.equal(statSync(archive).mode & 0o777, 0o600);
  const decrypter = new Decrypter();
  decrypter.addPassphrase('correct horse battery');
  writeFileSync(`${archive}.zst`, await decrypter.decrypt(readFileSync(archive)));
  const tar = await createReadStream(`${archive}.zst`).pipe(createZstdDecompress()).toArray();
  const text = Buffer.concat(tar).toString('latin1');
  assert.ok(text.includes(`${home.slice(1)}/hello\0`) && text.includes('ustar\u000000'));
});

test('an export that fails leaves no file', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  const out = join(folder, 'out');
  mkdirSync(home);
  mkdirSync(out);
  writeFileSync(join(home, 'hello'), 'hello'.repeat(1000));
  const store = new FolderStore(folder);
  await store.capture([home]);
  for (const pack of store.packFiles()) {
    copyFileSync(pack, `${pack}.good`);
    truncateSync(pack, statSync(pack).size - 1000 > 200 ? 200 : 100);
    await assert.rejects(exportTo(store, 1, join(out, 'archive')), { code: 'damaged', message: /^pack [0-9a-f]{64}/ });
    assert.deepEqual(readdirSync(out), []);
    copyFileSync(`${pack}.good`, pack);
  }
  writeFileSync(join(out, 'archive'), 'mine');
  await assert.rejects(exportTo(store, 1, join(out, 'archive')), { code: 'not-empty' });
  await assert.rejects(exportTo(store, 1, join(out, 'no', 'archive')), { code: 'failed' });
  await assert.rejects(exportTo(store, 1, join(out, 'other'), { recipients: ['age1nobody'] }), { code: 'usage' });
  assert.equal(readFileSync(join(out, 'archive'), 'utf8'), 'mine');
  assert.deepEqual(readdirSync(out), ['archive']);
});

test('tar reads the header of a file that is larger than octal digits say', { skip: lacks('tar') }, (t) => {
  const archive = join(temporaryFolder(t), 'large.tar');
  const sizeBytes = 9 * 1024 ** 3;
  const metadata = { mode: 0o644, uid: 5_000_000, gid: 0, mtimeNs: 1_000_000_000_000_000_001n };
  const common = { ...metadata, extents: [], group: 0, changed: false, goesOn: false };
  const name = Buffer.from('large');
  writeFileSync(archive, tarItem({ path: name, entry: { kind: 'file', name, sizeBytes, ...common } }));
  truncateSync(archive, statSync(archive).size + sizeBytes + 1024);
  const shown = execFileSync('tar', ['-tv', '--numeric-owner', '--full-time', '-f', archive], {
    env: { ...process.env, TZ: 'UTC' },
  });
  assert.match(shown.toString(), /^-rw-r--r-- 5000000\/0 +9663676416 2001-09-09 01:46:40\.000000001 large\n$/);
});

test('the map of a sparse file and what stands behind it cover the file, whatever its holes', () => {
  const runs = fc.array(
    fc.record({ hole: fc.boolean(), length: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.constantFrom(512, 1024)) }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(runs, (parts) => {
      const holes: Hole[] = [];
      const extents: { offset: number; length: number }[] = [];
      let size = 0;
      for (const { hole, length } of parts) {
        (hole ? holes : extents).push({ offset: size, length });
        size += length;
      }
      const plan = planSparse(size, holes);
      if (!plan) return;
      const [count, ...numbers] = plan.map.toString().replace(/\0+$/, '').trim().split('\n').map(Number);
      assert.equal(numbers.length, 2 * count!);
      const isData = new Uint8Array(size);
      let mapped = 0;
      for (let at = 0; at < numbers.length; at += 2) {
        const [offset, length] = [numbers[at]!, numbers[at + 1]!];
        isData.fill(1, offset, offset + length);
        mapped += length;
        assert.ok(offset % 512 === 0 || length === 0);
        assert.ok(length % 512 === 0 || offset + length === size, 'the next run begins at a block');
      }
      assert.equal(numbers.at(-2)! + numbers.at(-1)!, size, 'the map goes to the end');
      for (const { offset, length } of extents) assert.ok(isData.subarray(offset, offset + length).every(Boolean));
      const gaps = new GapCounter(plan.holes);
      let written = 0;
      let end = 0;
      for (const { offset, length } of [...extents, { offset: size, length: 0 }]) {
        written += gaps.zeros(end, offset) + length;
        end = offset + length;
      }
      assert.equal(written, mapped, 'as many bytes stand behind the map as it says');
      assert.equal(plan.map.length + mapped, plan.memberBytes);
    }),
  );
});
