import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import fc from 'fast-check';
import type { PackSink } from '../../src/common/ports.ts';
import { planCapture } from '../../src/state/capture/index.ts';
import { digest } from '../../src/state/format/index.ts';
import { isSettled } from '../../src/state/plan/metadata.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { runs } from '../support/long.ts';
import { captureTree, identity, MemoryPacks, restoreTree, temporaryFolder } from './support/source-machine.ts';

const MIB = 1024 * 1024;

/** Captures of one home, one after the other, into the same holder, with one stat cache. */
class Lineage {
  readonly folder: string;
  readonly home: string;
  readonly packs = new MemoryPacks();
  settleMs = 0;
  #runs = 0;

  constructor(folder: string) {
    this.folder = folder;
    this.home = join(folder, 'home');
    mkdirSync(this.home);
  }

  async capture(paths = [this.home]) {
    const before = new Set(this.packs.packs.keys());
    const captured = await captureTree(this.folder, paths, {
      packs: this.packs,
      cacheFile: join(this.folder, 'cache.db'),
      settleMs: this.settleMs,
    });
    const sent = [...this.packs.packs].filter(([id]) => !before.has(id));
    return { ...captured, sentBytes: sent.reduce((sum, [, { length }]) => sum + length, 0), sent: sent.length };
  }

  /** A capture that is aborted when its holder has stored that many packs. */
  async interrupted(packs: number): Promise<void> {
    const stop = new AbortController();
    const options = {
      paths: [Buffer.from(this.home)],
      exclude: [],
      scratchDir: this.folder,
      stateId: identity.stateId,
      stateKey: identity.stateKey,
      cacheFile: join(this.folder, 'cache.db'),
      settleMs: 0,
      missingPacks: async () => [],
    };
    const capture = await planCapture(options, { onProgress() {}, signal: stop.signal });
    let stored = 0;
    const sink: PackSink = {
      put: async (pack, signal) => {
        // Room for the worker to hear of the packs before.
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (stored++ >= packs) {
          stop.abort(new Error('pulled out'));
          signal.throwIfAborted();
        }
        await this.packs.put(pack);
      },
    };
    await assert.rejects(capture.run(sink, { onProgress() {}, signal: stop.signal }), /pulled out/);
    await capture.close();
  }

  /** Restores and compares with the home as it is. */
  async check(captured: { descriptor: Uint8Array }): Promise<void> {
    const target = join(this.folder, `target${this.#runs++}`);
    await restoreTree({ descriptor: captured.descriptor, packs: this.packs }, target);
    const { differences } = compareTrees(this.home, target);
    assert.deepEqual(differences, []);
    rmSync(target, { recursive: true });
  }
}

function fill(home: string, folders: number, files: number): void {
  for (let folder = 0; folder < folders; folder++) {
    mkdirSync(join(home, `folder${folder}`, 'deep'), { recursive: true });
    for (let file = 0; file < files; file++) {
      writeFileSync(join(home, `folder${folder}`, file % 2 ? `deep/${file}` : `${file}`), randomBytes(200 + file));
    }
  }
}

test('a second capture of what is unchanged sends nothing, reads nothing, and both can be restored', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  fill(lineage.home, 20, 50);
  symlinkSync('folder0', join(lineage.home, 'link'));
  const first = await lineage.capture();
  const second = await lineage.capture();
  assert.equal(second.plan.newFiles, 0);
  assert.equal(second.sent, 0);
  assert.deepEqual(second.result.totals, first.result.totals);
  assert.deepEqual(second.result.parts, first.result.parts);
  await lineage.check(second);
  await lineage.check(first);
});

test('one changed file sends that file and the part of the manifest that it stands in', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  fill(lineage.home, 60, 100);
  const first = await lineage.capture();
  assert.ok(first.result.parts.length > 3, `${first.result.parts.length} parts`);
  writeFileSync(join(lineage.home, 'folder31', 'deep', '5'), 'changed');
  const second = await lineage.capture();
  assert.equal(second.plan.newFiles, 1);
  const same = second.result.parts.filter((part) =>
    first.result.parts.some((other) => Buffer.compare(other.hash, part.hash) === 0),
  );
  assert.ok(same.length >= second.result.parts.length - 1, 'all other parts are referred to');
  assert.ok(second.sentBytes < first.sentBytes / 3);
  await lineage.check(second);
});

test('of a large file only the blocks that changed are sent', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  const path = join(lineage.home, 'disk.img');
  writeFileSync(path, randomBytes(20 * MIB + 12345));
  await lineage.capture();
  const fd = openSync(path, 'r+');
  writeSync(fd, randomBytes(100), 0, 100, 7 * MIB + 5);
  const second = await lineage.capture();
  assert.ok(second.sentBytes < 1.2 * MIB, `${second.sentBytes} bytes`);
  await lineage.check(second);
  appendFileSync(path, randomBytes(3 * MIB));
  const third = await lineage.capture();
  assert.ok(third.sentBytes < 4.5 * MIB, `${third.sentBytes} bytes`);
  await lineage.check(third);
  truncateSync(path, 9 * MIB + 1);
  const fourth = await lineage.capture();
  assert.ok(fourth.sentBytes < 0.1 * MIB, `${fourth.sentBytes} bytes`);
  await lineage.check(fourth);
});

test('a file that was only touched is read, found the same, and not sent', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  fill(lineage.home, 1, 4);
  writeFileSync(join(lineage.home, 'big'), randomBytes(3 * MIB));
  await lineage.capture();
  utimesSync(join(lineage.home, 'big'), 1, 1);
  utimesSync(join(lineage.home, 'folder0/0'), 2, 2);
  const second = await lineage.capture();
  assert.equal(second.plan.newFiles, 2);
  assert.ok(second.sentBytes < 4096, `${second.sentBytes} bytes`);
  await lineage.check(second);
});

test('content that changed with size and mtime put back is seen by its ctime', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  const path = join(lineage.home, 'file');
  writeFileSync(path, 'before');
  utimesSync(path, 1, 1);
  await lineage.capture();
  writeFileSync(path, 'after!');
  utimesSync(path, 1, 1);
  await lineage.check(await lineage.capture());
});

test('a file that changed just before it was read is read again, since its times cannot tell', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  lineage.settleMs = 60_000;
  fill(lineage.home, 2, 10);
  await lineage.capture();
  const second = await lineage.capture();
  assert.equal(second.plan.newFiles, 20);
  assert.equal(second.sent, 0);
});

test('the same content is sealed once, whatever its names are', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  const small = randomBytes(50_000);
  const large = randomBytes(3 * MIB + 77);
  for (let copy = 0; copy < 10; copy++) {
    writeFileSync(join(lineage.home, `small${copy}`), small);
    writeFileSync(join(lineage.home, `large${copy}`), large);
  }
  const captured = await lineage.capture();
  assert.ok(captured.sentBytes < 1.1 * (small.length + large.length), `${captured.sentBytes} bytes`);
  await lineage.check(captured);
  assert.equal((await lineage.capture()).sent, 0);
});

test('a database in use is captured as it stood at one moment, with what lies in its log, and again when only the log grows', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  lineage.settleMs = 60_000;
  const path = join(lineage.home, 'places.sqlite');
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE visits (page TEXT)');
  const rowsOf = async (captured: { descriptor: Uint8Array }): Promise<number> => {
    const target = join(lineage.folder, `restored${Math.random()}`);
    await restoreTree({ descriptor: captured.descriptor, packs: lineage.packs }, target);
    assert.deepEqual(readdirSync(target), ['places.sqlite'], 'the log is in the database');
    const restored = new DatabaseSync(join(target, 'places.sqlite'), { readOnly: true });
    const { rows } = restored.prepare('SELECT count(*) AS rows FROM visits').get() as { rows: number };
    restored.close();
    return rows;
  };
  try {
    for (const expected of [1, 2, 3]) {
      database.exec("INSERT INTO visits VALUES ('a page')");
      const before = readdirSync(lineage.home);
      const captured = await lineage.capture();
      assert.deepEqual(readdirSync(lineage.home), before);
      assert.equal(captured.result.skipped.count, 0);
      assert.equal(await rowsOf(captured), expected);
    }
  } finally {
    database.close();
  }
});

test('an item is at rest only where neither of its times is recent', () => {
  assert.equal(isSettled({ ctimeNs: 5n, mtimeNs: 5n }, 10n), true);
  assert.equal(isSettled({ ctimeNs: 10n, mtimeNs: 5n }, 10n), false);
  assert.equal(isSettled({ ctimeNs: 5n, mtimeNs: 11n }, 10n), false);
});

test('packs that the holder lost are made again, and only what lay in them', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  for (let index = 0; index < 30; index++) writeFileSync(join(lineage.home, `${index}`), randomBytes(MIB));
  const first = await lineage.capture();
  const lost = first.result.packs[0]!;
  lineage.packs.packs.delete(lost.id);
  const second = await lineage.capture();
  assert.ok(second.plan.newFiles > 2 && second.plan.newFiles < 25, `${second.plan.newFiles} files`);
  assert.ok(!second.result.packs.some(({ id }) => id === lost.id));
  await lineage.check(second);
});

test('a lost pack of the manifest is made again without reading a file', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  fill(lineage.home, 5, 20);
  const first = await lineage.capture();
  const manifest = first.result.packs[first.result.parts[0]!.pack]!;
  lineage.packs.packs.delete(manifest.id);
  const second = await lineage.capture();
  assert.equal(second.plan.newFiles, 0);
  assert.equal(second.sent, 1);
  await lineage.check(second);
});

test('a cache that is damaged, of another state or gone costs a full capture, never a wrong one', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  fill(lineage.home, 5, 40);
  await lineage.capture();
  writeFileSync(join(lineage.folder, 'cache.db'), randomBytes(30_000));
  const second = await lineage.capture();
  assert.equal(second.plan.newFiles, second.plan.files);
  await lineage.check(second);
  for (let round = 0; round < 8; round++) {
    const fd = openSync(join(lineage.folder, 'cache.db'), 'r+');
    writeSync(fd, randomBytes(1), 0, 1, 4096 + 6000 * round);
    await lineage.check(await lineage.capture());
  }
});

test('a capture beside another one of the same state leaves its cache alone, and sends everything', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  fill(lineage.home, 3, 20);
  await lineage.capture();
  const cache = new DatabaseSync(join(lineage.folder, 'cache.db'));
  cache.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  const beside = await lineage.capture();
  assert.equal(beside.plan.newFiles, 60);
  await lineage.check(beside);
  cache.exec('COMMIT');
  cache.close();
  assert.equal((await lineage.capture()).plan.newFiles, 0);
});

test('other paths of the same state use what is known, and hard links find their file', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  mkdirSync(join(lineage.home, 'a'));
  mkdirSync(join(lineage.home, 'b'));
  writeFileSync(join(lineage.home, 'a/one'), 'linked');
  linkSync(join(lineage.home, 'a/one'), join(lineage.home, 'b/two'));
  linkSync(join(lineage.home, 'a/one'), join(lineage.home, 'b/three'));
  await lineage.capture();
  const again = await lineage.capture();
  assert.equal(again.sent, 0);
  assert.deepEqual([again.result.totals.files, again.result.totals.hardlinks], [1, 2]);
  const half = await lineage.capture([join(lineage.home, 'b')]);
  assert.deepEqual([half.result.totals.files, half.result.totals.hardlinks], [1, 1]);
  const target = join(lineage.folder, 'half');
  await restoreTree({ descriptor: half.descriptor, packs: lineage.packs }, target);
  assert.deepEqual(compareTrees(join(lineage.home, 'b'), target).differences, []);
  await lineage.check(await lineage.capture());
});

test('a capture that was interrupted goes on: what the holder has stored is not sent again', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  for (let index = 0; index < 120; index++) writeFileSync(join(lineage.home, `${index}`), randomBytes(MIB / 2));
  mkdirSync(join(lineage.home, 'sub'));
  for (let index = 0; index < 60; index++) writeFileSync(join(lineage.home, 'sub', `${index}`), randomBytes(MIB / 2));
  await lineage.interrupted(12);
  const has = lineage.packs.packs.size;
  assert.ok(has >= 12, `${has} packs`);
  await lineage.interrupted(4);
  const last = await lineage.capture();
  const sentAgain = lineage.packs.totalBytes - 90 * MIB;
  // Packs that were under way when it was interrupted, twice, and the block of a folder that they cut through.
  assert.ok(last.plan.newFiles < 150, `${last.plan.newFiles} files`);
  assert.ok(sentAgain < 40 * MIB, `${sentAgain} bytes sent twice`);
  await lineage.check(last);
});

test('an interrupted capture of one large file goes on within it', async (t) => {
  const lineage = new Lineage(temporaryFolder(t));
  writeFileSync(join(lineage.home, 'disk.img'), randomBytes(150 * MIB));
  await lineage.interrupted(20);
  const stored = lineage.packs.totalBytes;
  const last = await lineage.capture();
  assert.ok(last.sentBytes < 151 * MIB - stored + 20 * MIB, `${last.sentBytes} bytes after ${stored}`);
  await lineage.check(last);
});

type Change =
  | { kind: 'write' | 'append'; path: number; size: number }
  | { kind: 'remove' | 'folder' | 'touch'; path: number }
  | { kind: 'rename'; path: number; to: number }
  | { kind: 'link'; path: number; to: number };

const PATHS = Array.from({ length: 40 }, (_, index) => `d${index % 4}/${index % 3 ? 'e/' : ''}${index}`);

function apply(home: string, change: Change): void {
  const path = join(home, PATHS[change.path]!);
  try {
    if (change.kind === 'write') writeFileSync(path, randomBytes(change.size));
    else if (change.kind === 'append') appendFileSync(path, randomBytes(change.size));
    else if (change.kind === 'remove') rmSync(path, { recursive: true });
    else if (change.kind === 'touch') utimesSync(path, change.path, change.path);
    else if (change.kind === 'folder') mkdirSync(path);
    else if (change.kind === 'rename') renameSync(path, join(home, PATHS[change.to]!));
    else if (change.kind === 'link') linkSync(path, join(home, PATHS[change.to]!));
  } catch {
    // Not every change fits what is there.
  }
}

test('after any changes, a capture beside its cache is the tree as it is', async (t) => {
  const path = fc.nat(PATHS.length - 1);
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.record({
      kind: fc.constantFrom('write' as const, 'append' as const),
      path,
      size: fc.oneof(fc.nat(3000), fc.constantFrom(0, MIB, 2 * MIB + 5)),
    }),
    fc.record({ kind: fc.constantFrom('remove' as const, 'folder' as const, 'touch' as const), path }),
    fc.record({ kind: fc.constant('rename' as const), path, to: path }),
    fc.record({ kind: fc.constant('link' as const), path, to: path }),
  );
  const rounds = fc.array(fc.array(change, { minLength: 1, maxLength: 25 }), { minLength: 2, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(rounds, async (all) => {
      const lineage = new Lineage(temporaryFolder(t));
      for (let folder = 0; folder < 4; folder++) {
        mkdirSync(join(lineage.home, `d${folder}/e`), { recursive: true });
      }
      for (const changes of all) {
        for (const one of changes) apply(lineage.home, one);
        const captured = await lineage.capture();
        await lineage.check(captured);
        const again = await lineage.capture();
        assert.equal(again.sent, 0);
        assert.deepEqual(
          again.result.parts.map(({ hash }) => digest(hash).toString('hex')),
          captured.result.parts.map(({ hash }) => digest(hash).toString('hex')),
        );
      }
    }),
    { numRuns: runs(3, 30) },
  );
});
