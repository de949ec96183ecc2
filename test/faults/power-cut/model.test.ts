/** The model of disks itself: what it may take and what it may not. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { crash } from './crash.ts';
import { type Cut, PROFILES, type Profile, SHARES } from './cut.ts';
import { LiveDisk } from './live-disk.ts';
import { materialise } from './materialise.ts';
import { type Before, emptyBytes, type Inode, type Metadata, type Operation, type Recording } from './operations.ts';
import { scan } from './scan.ts';
import { seeded } from './seeded.ts';
import { differencesOf, textOf } from './tree-text.ts';

const PLAIN: Metadata = { mode: 0o600, uid: 0, gid: 0, mtimeNs: undefined, xattrs: {} };
const ROOT: Inode = 1;
const EMPTY: Before = {
  roots: [ROOT],
  items: new Map([[ROOT, { made: madeAs('folder'), metadata: { ...PLAIN, mode: 0o700 }, data: emptyBytes }]]),
  names: [],
};

function madeAs(kind: 'file' | 'folder') {
  return { kind, volume: 0, target: emptyBytes };
}

/** Numbers become operations that are possible where they stand. */
function operationsFrom(numbers: readonly (readonly [number, number, number])[], kinds: number): Operation[] {
  const disk = new LiveDisk(EMPTY);
  const operations: Operation[] = [];
  let next = ROOT + 1;
  const add = (operation: Operation): void => {
    operations.push(operation);
    disk.apply(operation);
  };
  for (const [what, a, b] of numbers) {
    const folders = [...disk.folders.keys()].filter((folder) => isNamed(disk, folder));
    const folder = folders[a % folders.length]!;
    const at = { folder, name: `n${b % 4}` };
    const there = disk.at(folder, at.name);
    const files = [...disk.items].filter(([, { made }]) => made.kind === 'file').map(([inode]) => inode);
    const file = files[b % Math.max(1, files.length)];
    const isFile = there !== undefined && disk.items.get(there)!.made.kind === 'file';
    if (there === undefined && what % kinds <= 2) {
      const kind = what % kinds === 0 && folders.length < 3 ? 'folder' : 'file';
      add({
        type: 'make',
        at,
        inode: next++,
        made: madeAs(kind),
        metadata: { ...PLAIN, mode: kind === 'folder' ? 0o700 : 0o600 },
      });
    } else if (what % kinds === 3 && isFile) add({ type: 'remove', at });
    else if (what % kinds === 4 && isFile) {
      const to = { folder: folders[b % folders.length]!, name: `n${a % 4}` };
      const other = disk.at(to.folder, to.name);
      const mayBe = other === undefined || (other !== there && disk.items.get(other)!.made.kind === 'file');
      if (mayBe) add({ type: 'rename', from: at, to, inode: there!, over: other !== undefined });
    } else if (what % kinds <= 6 && file !== undefined) {
      add({
        type: 'write',
        inode: file,
        offset: (a * 97) % 3000,
        bytes: Buffer.alloc(1 + ((b * 131) % 2000), 1 + (what % 250)),
      });
    } else if (what % kinds === 7 && file !== undefined) add({ type: 'resize', inode: file, size: (a * 61) % 4000 });
    else if (what % kinds === 8 && file !== undefined) add({ type: 'sync', inode: file, dataOnly: a % 3 === 0 });
    else if (what % kinds === 9) add({ type: 'sync', inode: folder, dataOnly: false });
    else if (what % kinds === 10 && file !== undefined) {
      add({ type: 'metadata', inode: file, metadata: { ...PLAIN, mode: 0o400 + (b % 8), mtimeNs: BigInt(a) * 1000n } });
    } else if (what % kinds === 11 && a % 5 === 0) add({ type: 'sync-volume', volume: 0 });
  }
  return operations;
}

function isNamed(disk: LiveDisk, inode: Inode): boolean {
  return inode === ROOT || [...disk.folders.values()].some((names) => [...names.values()].includes(inode));
}

const numbers = fc.array(fc.tuple(fc.nat(250), fc.nat(40), fc.nat(40)), { minLength: 1, maxLength: 40 });
const logs = numbers.map((some) => operationsFrom(some, 12));
const cuts = fc.record({
  profile: fc.constantFrom(...PROFILES),
  names: fc.constantFrom(...SHARES),
  data: fc.constantFrom(...SHARES),
  seed: fc.nat(),
  part: fc.double({ min: 0, max: 1, noNaN: true }),
});
type Drawn = typeof cuts extends fc.Arbitrary<infer T> ? T : never;

const recordingOf = (operations: readonly Operation[]): Recording => ({ before: EMPTY, operations });
const liveAfter = (operations: readonly Operation[]): LiveDisk => {
  const disk = new LiveDisk(EMPTY);
  for (const operation of operations) disk.apply(operation);
  return disk;
};
const cutOf = ({ profile, names, data, part }: Drawn, operations: readonly Operation[]): Cut => {
  return { profile, names, data, at: Math.round(part * operations.length) };
};
const crashOf = (operations: readonly Operation[], drawn: Drawn, at?: number) =>
  crash(
    recordingOf(operations),
    { ...cutOf(drawn, operations), ...(at === undefined ? {} : { at }) },
    seeded(drawn.seed),
  );

test('where nothing is lost, the disk is what programs saw', () => {
  fc.assert(
    fc.property(logs, cuts, (operations, drawn) => {
      const cut = cutOf(drawn, operations);
      const tree = crash(recordingOf(operations), { ...cut, names: 100, data: 100 }, seeded(drawn.seed));
      assert.deepEqual(textOf(tree), textOf(liveAfter(operations.slice(0, cut.at))));
    }),
    { numRuns: 300 },
  );
});

test('after a sync of the whole file system nothing is lost', () => {
  fc.assert(
    fc.property(logs, cuts, (operations, drawn) => {
      const synced: Operation[] = [...operations, { type: 'sync-volume', volume: 0 }];
      assert.deepEqual(textOf(crashOf(synced, drawn, synced.length)), textOf(liveAfter(operations)));
    }),
    { numRuns: 300 },
  );
});

test('a synced file that has its name still has its bytes; a synced folder has its names', () => {
  fc.assert(
    fc.property(logs, cuts, (operations, drawn) => {
      const cut = cutOf(drawn, operations);
      const done = operations.slice(0, cut.at);
      const live = liveAfter(done);
      const tree = crashOf(operations, drawn);
      const lastOf = (fits: (operation: Operation) => boolean) => done.findLastIndex(fits);
      for (const [inode, { made, data }] of tree.items) {
        const synced = lastOf((one) => one.type === 'sync' && one.inode === inode && !one.dataOnly);
        if (synced < 0) continue;
        const touched = lastOf((one) => concerns(one, inode));
        if (touched > synced) continue;
        if (made.kind === 'file') assert.deepEqual(data, live.items.get(inode)!.data);
        else assert.deepEqual(tree.folders.get(inode), live.folders.get(inode));
      }
    }),
    { numRuns: 500 },
  );
});

function concerns(operation: Operation, inode: Inode): boolean {
  if (operation.type === 'write' || operation.type === 'resize') return operation.inode === inode;
  if (operation.type === 'rename') return operation.from.folder === inode || operation.to.folder === inode;
  return 'at' in operation && operation.at.folder === inode;
}

test('every name leads where it led at some moment since its folder was synced, in each profile', () => {
  fc.assert(
    fc.property(logs, cuts, (operations, drawn) => {
      const cut = cutOf(drawn, operations);
      const done = operations.slice(0, cut.at);
      const tree = crashOf(operations, drawn);
      for (const [folder, names] of tree.folders) {
        const synced = done.findLastIndex((one) => {
          return one.type === 'sync-volume' || (one.type === 'sync' && one.inode === folder && !one.dataOnly);
        });
        const disk = liveAfter(done.slice(0, Math.max(0, synced)));
        const possible = new Map<string, Set<Inode | undefined>>();
        const note = (): void => {
          for (const name of ['n0', 'n1', 'n2', 'n3']) {
            possible.set(name, (possible.get(name) ?? new Set()).add(disk.at(folder, name)));
          }
        };
        note();
        for (const operation of done.slice(Math.max(0, synced))) {
          disk.apply(operation);
          note();
        }
        for (const [name, ways] of possible) assert.ok(ways.has(names.get(name)), `${folder}/${name}`);
      }
    }),
    { numRuns: 500 },
  );
});

test('renames lose no file that was durable before', () => {
  const renames = numbers.map((some) => some.map(([, a, b]): [number, number, number] => [4, a, b]));
  fc.assert(
    fc.property(renames, cuts, (some, drawn) => {
      const files: [number, number, number][] = [0, 1, 2].map((b) => [1, 0, b]);
      const begun: Operation[] = [...operationsFrom([[0, 0, 3], ...files], 12), { type: 'sync-volume', volume: 0 }];
      const free = operationsFrom([[0, 0, 3], ...files, ...some], 12).slice(begun.length - 1);
      const operations = [...begun, ...free.filter((one) => one.type === 'rename' && !one.over)];
      const possible = operations.every((one, at) => {
        return (
          one.type !== 'rename' || liveAfter(operations.slice(0, at)).at(one.from.folder, one.from.name) === one.inode
        );
      });
      fc.pre(possible);
      const tree = crashOf(operations, drawn, Math.max(begun.length, cutOf(drawn, operations).at));
      const named = new Set([...tree.folders.values()].flatMap((names) => [...names.values()]));
      for (const operation of begun) if (operation.type === 'make') assert.ok(named.has(operation.inode));
    }),
    { numRuns: 500 },
  );
});

const OLD = Buffer.from('old');
const NEW = Buffer.from('new, and longer');
/** A file is replaced by way of another name, with or without the syncs. */
function replacing(syncsFile: boolean, syncsFolder: boolean): Operation[] {
  const file = { at: { folder: ROOT, name: 'file' }, inode: 2, made: madeAs('file'), metadata: PLAIN };
  const fresh = { at: { folder: ROOT, name: 'fresh' }, inode: 3, made: madeAs('file'), metadata: PLAIN };
  return [
    { type: 'make', ...file },
    { type: 'write', inode: 2, offset: 0, bytes: OLD },
    { type: 'sync-volume', volume: 0 },
    { type: 'make', ...fresh },
    { type: 'write', inode: 3, offset: 0, bytes: NEW },
    ...(syncsFile ? [{ type: 'sync', inode: 3, dataOnly: false } as const] : []),
    { type: 'rename', from: fresh.at, to: file.at, inode: 3, over: true },
    ...(syncsFolder ? [{ type: 'sync', inode: ROOT, dataOnly: false } as const] : []),
  ];
}

/** What the file holds after many cuts at the end. */
function outcomes(operations: readonly Operation[], profile: Profile): string[] {
  const found = new Set<string>();
  for (let seed = 0; seed < 300; seed++) {
    const random = seeded(seed);
    const cut = { profile, at: operations.length, names: random.pick(SHARES), data: random.pick(SHARES) };
    const tree = crash(recordingOf(operations), cut, random);
    found.add(tree.items.get(tree.folders.get(ROOT)!.get('file')!)!.data.toString('latin1'));
  }
  return [...found].sort();
}

test('what the standard says of replacing a file, and what file systems say beyond it', () => {
  for (const profile of PROFILES) {
    assert.deepEqual(outcomes(replacing(true, true), profile), [NEW.toString()], `${profile}: all synced`);
    assert.deepEqual(
      outcomes(replacing(true, false), profile),
      [NEW.toString(), OLD.toString()],
      `${profile}: old or new`,
    );
  }
  for (const profile of ['posix', 'journaled'] as const) {
    assert.ok(outcomes(replacing(false, true), profile).includes(''), `${profile}: an empty file`);
  }
  assert.ok(outcomes(replacing(false, false), 'xfs').includes(''), 'an empty file');
  assert.deepEqual(outcomes(replacing(false, false), 'ext4'), [NEW.toString(), OLD.toString()]);
});

test('what is made of a disk on a disk is that disk', () => {
  const dir = mkdtempSync(join(tmpdir(), 'resettle-model-'));
  try {
    fc.assert(
      fc.property(logs, cuts, (operations, drawn) => {
        const tree = crashOf(operations, drawn);
        materialise(tree, [join(dir, 'disk')]);
        assert.deepEqual(differencesOf(tree, scan([join(dir, 'disk')])), []);
      }),
      { numRuns: 60 },
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
