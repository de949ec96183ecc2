import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { associationId } from '../../src/common/ids.ts';
import { decodePart, digest, encodePart } from '../../src/state/format/index.ts';
import { readSnapshotDetails } from '../../src/state/restore/index.ts';
import {
  ancestor,
  DATA,
  type ForgedBlock,
  file,
  folder,
  forge,
  goodExtent,
  hardlink,
  symlink,
} from './support/forge.ts';
import { captureTree, identity, newIdentity, restoreTree, temporaryFolder } from './support/source-machine.ts';

const root: ForgedBlock = { path: [], entries: [ancestor('r')] };
const all = (path: string): string[] => readdirSync(path, { recursive: true }).map(String).sort();

test('an honest forged snapshot is restored, so that the hostile ones below fail for their own reason', async (t) => {
  const temporary = temporaryFolder(t);
  const blocks: ForgedBlock[] = [
    { path: [], entries: [folder('r')] },
    { path: ['r'], entries: [folder('a'), file('b', { group: 1 }), hardlink('c', 1), symlink('d', '/dangling')] },
    { path: ['r', 'a'], entries: [file('e')] },
  ];
  const result = await restoreTree(await forge(blocks), join(temporary, 'target'));
  assert.deepEqual(all(join(temporary, 'target')), ['a', 'a/e', 'b', 'c', 'd']);
  assert.equal(result.hardlinks, 1);
  assert.deepEqual(readFileSync(join(temporary, 'target/a/e')), DATA);
});

const r = { path: [], entries: [folder('r')] };
const hostile: Record<string, ForgedBlock[]> = {
  'a name ".."': [r, { path: ['r'], entries: [file('..')] }],
  'a name with a slash': [r, { path: ['r'], entries: [file('../../outside')] }],
  'a folder path through ".."': [r, { path: ['r'], entries: [] }, { path: ['r', '..'], entries: [file('outside')] }],
  'a name twice in a folder': [r, { path: ['r'], entries: [file('a'), file('a')] }],
  'a link and a folder of one name': [
    r,
    { path: ['r'], entries: [symlink('a', '../outside'), folder('a')] },
    { path: ['r', 'a'], entries: [file('x')] },
  ],
  'a child through a symbolic link': [
    r,
    { path: ['r'], entries: [symlink('a', '../outside')] },
    { path: ['r', 'a'], entries: [file('x')] },
  ],
  'a child through a file': [r, { path: ['r'], entries: [file('a')] }, { path: ['r', 'a'], entries: [file('x')] }],
  'a folder that nobody announced': [r, { path: ['r'], entries: [] }, { path: ['r', 'x'], entries: [file('a')] }],
  'a child before its parent': [{ path: ['r'], entries: [] }, r],
  'a folder without its block': [r, { path: ['r'], entries: [folder('a')] }],
  'a folder twice': [
    r,
    { path: ['r'], entries: [folder('a')] },
    { path: ['r', 'a'], entries: [] },
    { path: ['r', 'a', 'b'], entries: [] },
  ],
  'names out of order': [r, { path: ['r'], entries: [file('b'), file('a')] }],
  'a hard link to nothing': [r, { path: ['r'], entries: [hardlink('a', 1)] }],
  'a hard link before its file': [r, { path: ['r'], entries: [hardlink('a', 1), file('b', { group: 1 })] }],
  'a file longer than its extents': [r, { path: ['r'], entries: [file('a', { sizeBytes: DATA.length + 1 })] }],
  'a file shorter than its extents': [r, { path: ['r'], entries: [file('a', { sizeBytes: 1 })] }],
  'a file that never ends': [r, { path: ['r'], entries: [file('a', { goesOn: true })] }],
  'more of a file that never began': [
    r,
    {
      path: ['r'],
      entries: [file('a'), { kind: 'more', name: Buffer.from('a'), extents: [goodExtent()], goesOn: false }],
    },
  ],
  'an extent beyond its segment': [
    r,
    { path: ['r'], entries: [file('a', { extents: [{ ...goodExtent(), offset: 1 }] })] },
  ],
  'an extent in a frame that is none': [
    r,
    { path: ['r'], entries: [file('a', { extents: [{ ...goodExtent(), segment: 5 }] })] },
  ],
  'an extent in the padding frame': [
    r,
    { path: ['r'], entries: [file('a', { extents: [{ ...goodExtent(), segment: 1 }] })] },
  ],
  'an extent with another hash': [
    r,
    { path: ['r'], entries: [file('a', { extents: [{ ...goodExtent(), hash: digest(Buffer.of(1)) }] })] },
  ],
};

for (const [what, blocks] of Object.entries(hostile)) {
  test(`${what} is damage, and nothing is written outside`, async (t) => {
    const temporary = temporaryFolder(t);
    mkdirSync(join(temporary, 'outside'));
    const target = join(temporary, 'target');
    await assert.rejects(restoreTree(await forge(blocks), target, { strip: false }), { code: 'damaged' });
    assert.deepEqual(readdirSync(temporary).sort(), ['outside', 'target']);
    assert.deepEqual(readdirSync(join(temporary, 'outside')), []);
    const left = all(target).filter((name) => !name.startsWith('.resettle-restore-') && name !== 'r' && name !== 'r/a');
    assert.deepEqual(left, []);
  });
}

test('totals, counts and packs that do not match are damage', async (t) => {
  const temporary = temporaryFolder(t);
  const blocks: ForgedBlock[] = [r, { path: ['r'], entries: [file('a')] }];
  const wrong = [
    { totals: { files: 2 } },
    { totals: { bytes: 1 } },
    { totals: { folders: 0 } },
    { totals: { symlinks: 1 } },
    { totals: { hardlinks: 1 } },
    { entries: 3 },
    { extraPack: true },
  ];
  for (const [index, changes] of wrong.entries()) {
    const target = join(temporary, `target${index}`);
    await assert.rejects(
      restoreTree(await forge(blocks, changes), target),
      { code: 'damaged' },
      JSON.stringify(changes),
    );
    assert.equal(existsSync(join(target, 'a')), false);
  }
});

test('items beside the one root that is stripped are damage', async (t) => {
  const temporary = temporaryFolder(t);
  const blocks: ForgedBlock[] = [
    { path: [], entries: [file('a'), folder('r')] },
    { path: ['r'], entries: [file('a')] },
  ];
  await assert.rejects(restoreTree(await forge(blocks), join(temporary, 'target')), { code: 'damaged' });
});

test('an ancestor that was not captured is a plain folder', async (t) => {
  const temporary = temporaryFolder(t);
  const blocks: ForgedBlock[] = [root, { path: ['r'], entries: [folder('s')] }, { path: ['r', 's'], entries: [] }];
  await restoreTree(await forge(blocks, { roots: [['r', 's']] }), join(temporary, 'target'), { strip: false });
  assert.equal(statSync(join(temporary, 'target/r')).mode & 0o777, 0o755);
});

test('setuid and setgid on files are withheld and listed, setgid and sticky on folders are kept', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(join(home, 'shared'), { recursive: true });
  for (const [name, mode] of Object.entries({ suid: 0o4755, sgid: 0o2755, both: 0o6711, plain: 0o755 })) {
    writeFileSync(join(home, name), name);
    chmodSync(join(home, name), mode);
  }
  chmodSync(join(home, 'shared'), 0o3777);
  const target = join(temporary, 'target');
  const { withheld } = await restoreTree(await captureTree(temporary, [home]), target);
  assert.deepEqual(
    withheld.items.map((item) => item.path),
    ['both', 'sgid', 'suid'],
  );
  assert.equal(withheld.items[0]!.reason, 'restored without setuid and setgid');
  const modes = ['suid', 'sgid', 'both', 'plain', 'shared'].map((name) => statSync(join(target, name)).mode & 0o7777);
  assert.deepEqual(modes, [0o755, 0o755, 0o711, 0o755, 0o3777]);
});

test('a captured folder with the name of a journal is restored like any other', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  for (const name of ['.resettle-restore', `.resettle-restore-${'0'.repeat(32)}`]) {
    mkdirSync(join(home, name, 'tmp'), { recursive: true });
    writeFileSync(join(home, name, 'journal.json'), '{}');
  }
  const target = join(temporary, 'target');
  await restoreTree(await captureTree(temporary, [home]), target);
  assert.deepEqual(all(target), all(home));
});

test('what a target holds stays as it is, and a target that is a file is refused', async (t) => {
  const temporary = temporaryFolder(t);
  const captured = await forge([r, { path: ['r'], entries: [file('a')] }]);
  const target = join(temporary, 'target');
  mkdirSync(target);
  writeFileSync(join(target, 'thesis'), 'mine');
  await assert.rejects(restoreTree(captured, join(target, 'thesis')), { code: 'failed' });
  const before = statSync(join(target, 'thesis'), { bigint: true });
  await restoreTree(captured, target);
  assert.deepEqual(readdirSync(target).sort(), ['a', 'thesis']);
  const after = statSync(join(target, 'thesis'), { bigint: true });
  assert.deepEqual({ ...after, atimeNs: 0n, atimeMs: 0n }, { ...before, atimeNs: 0n, atimeMs: 0n });
});

test('an unfinished restore of another snapshot is left alone, and can be finished afterwards', async (t) => {
  const temporary = temporaryFolder(t);
  const target = join(temporary, 'target');
  const other = await forge([r, { path: ['r'], entries: [file('a')] }]);
  const packs = new Map(other.packs.packs);
  other.packs.packs.clear();
  await assert.rejects(restoreTree(other, target), { code: 'damaged' });
  const captured = await forge([r, { path: ['r'], entries: [file('b')] }]);
  await restoreTree(captured, target);
  assert.equal(readdirSync(target).filter((name) => name.startsWith('.resettle-restore-')).length, 1);
  for (const [id, bytes] of packs) other.packs.packs.set(id, bytes);
  await restoreTree(other, target);
  assert.deepEqual(readdirSync(target).sort(), ['a', 'b']);
});

test('an unfinished restore goes on only with the options that it was begun with', async (t) => {
  const temporary = temporaryFolder(t);
  const target = join(temporary, 'target');
  const captured = await forge([r, { path: ['r'], entries: [file('a')] }]);
  const packs = new Map(captured.packs.packs);
  captured.packs.packs.clear();
  await assert.rejects(restoreTree(captured, target), { code: 'damaged' });
  for (const [id, bytes] of packs) captured.packs.packs.set(id, bytes);
  for (const options of [{ strip: false }, { onConflict: 'replace' as const }, { allowPrivileged: true }]) {
    await assert.rejects(restoreTree(captured, target, options), { code: 'usage' }, JSON.stringify(options));
  }
  assert.equal((await restoreTree(captured, target)).resumed, true);
});

test('a journal that the disk has damaged is told as such', async (t) => {
  const temporary = temporaryFolder(t);
  const target = join(temporary, 'target');
  const captured = await forge([r, { path: ['r'], entries: [file('a')] }]);
  captured.packs.packs.clear();
  await assert.rejects(restoreTree(captured, target), { code: 'damaged' });
  for (const text of ['null', '7', '{']) {
    writeFileSync(join(target, readdirSync(target)[0]!, 'journal.json'), text);
    await assert.rejects(restoreTree(captured, target), { code: 'damaged', message: /journal/ }, text);
  }
});

test('a journal that somebody else planted is not believed', { skip: process.geteuid?.() !== 0 }, async (t) => {
  const temporary = temporaryFolder(t);
  const target = join(temporary, 'target');
  const captured = await forge([r, { path: ['r'], entries: [file('a')] }]);
  const packs = new Map(captured.packs.packs);
  captured.packs.packs.clear();
  await assert.rejects(restoreTree(captured, target), { code: 'damaged' });
  for (const [id, bytes] of packs) captured.packs.packs.set(id, bytes);
  const journal = join(target, readdirSync(target)[0]!);
  chownSync(journal, 1000, 1000);
  await assert.rejects(restoreTree(captured, target), { code: 'refused' });
  chownSync(journal, 0, 0);
  await restoreTree(captured, target);
});

test('a link that somebody puts into the target is never followed', async (t) => {
  const temporary = temporaryFolder(t);
  mkdirSync(join(temporary, 'outside'));
  const captured = await forge([
    r,
    { path: ['r'], entries: [folder('a')] },
    { path: ['r', 'a'], entries: [file('x')] },
  ]);
  const target = join(temporary, 'target');
  const content = [...captured.packs.packs.entries()][0]!;
  const source = {
    async get(id: string, size: number, into: Uint8Array, signal: AbortSignal) {
      if (id === content[0]) throw new Error('link lost');
      await captured.packs.get(id as (typeof content)[0], size, into);
      signal.throwIfAborted();
    },
  };
  await assert.rejects(restoreTree({ ...captured, packs: source }, target), /link lost/);
  const { rmdirSync } = await import('node:fs');
  rmdirSync(join(target, 'a'));
  symlinkSync('../outside', join(target, 'a'));
  const { conflictItems } = await restoreTree(captured, target);
  assert.deepEqual(readdirSync(join(temporary, 'outside')), []);
  assert.ok(lstatSync(join(target, 'a')).isSymbolicLink());
  assert.deepEqual(
    conflictItems.items.map(({ path }) => path),
    ['a'],
  );
  assert.deepEqual(readFileSync(join(target, 'a (laptop 2023-11-14)/x')), DATA);
});

test('a link to a folder in the target is a conflict, and never followed', async (t) => {
  const temporary = temporaryFolder(t);
  const captured = await forge([
    r,
    { path: ['r'], entries: [folder('a')] },
    { path: ['r', 'a'], entries: [file('x')] },
  ]);
  for (const onConflict of ['keep-both', 'skip', 'replace', 'newer'] as const) {
    const target = join(temporary, onConflict);
    const outside = join(temporary, `${onConflict}-outside`);
    mkdirSync(target);
    mkdirSync(outside);
    symlinkSync(outside, join(target, 'a'));
    await restoreTree(captured, target, { onConflict });
    assert.deepEqual(readdirSync(outside), [], onConflict);
  }
});

test('a snapshot of another state, signer or association, and a wrong key, are refused before anything is made', async (t) => {
  const temporary = temporaryFolder(t);
  const captured = await forge([r, { path: ['r'], entries: [] }]);
  const other = await newIdentity();
  const expected = { stateId: identity.stateId, source: identity.source, association: undefined };
  const target = join(temporary, 'target');
  for (const options of [
    { expected: { ...expected, stateId: other.stateId } },
    { expected: { ...expected, source: other.source } },
    { expected: { ...expected, association: associationId('ab'.repeat(32)) } },
    { stateKey: randomBytes(32) },
  ]) {
    await assert.rejects(restoreTree(captured, target, options), { code: 'refused' });
  }
  assert.equal(existsSync(target), false);
});

test('a damaged or missing pack is named, and only whole files stay', async (t) => {
  const temporary = temporaryFolder(t);
  const captured = await forge([r, { path: ['r'], entries: [file('a')] }]);
  const [id, bytes] = [...captured.packs.packs.entries()][0]!;
  for (const damage of [() => bytes.slice().fill(0, 50, 60), undefined]) {
    if (damage) captured.packs.packs.set(id, damage());
    else captured.packs.packs.delete(id);
    await assert.rejects(restoreTree(captured, join(temporary, 'target')), (error: Error & { exitCode?: number }) => {
      assert.equal(error.exitCode, 7);
      assert.ok(error.message.includes(id) && error.message.includes('unfinished'), error.message);
      return true;
    });
    assert.equal(existsSync(join(temporary, 'target/a')), false);
    assert.equal(readdirSync(join(temporary, 'target')).length, 1);
  }
});

test('what a snapshot holds can be read without a pack', async (t) => {
  const temporary = temporaryFolder(t);
  mkdirSync(join(temporary, 'home'));
  const { descriptor } = await captureTree(temporary, [join(temporary, 'home')]);
  const details = await readSnapshotDetails(descriptor, identity.stateKey);
  assert.equal(details.machineName, 'laptop');
  assert.deepEqual(details.roots, [join(temporary, 'home')]);
  assert.equal(details.capturedAtNs, 1_700_000_000_123_456_789n);
  assert.equal(details.totals.folders, 1);
});

test('a manifest part with an unknown key is refused', () => {
  const part = encodePart(
    { packs: [], userNames: new Map(), groupNames: new Map() },
    { count: 0, cbor: Buffer.alloc(0) },
  );
  const more = Buffer.concat([Buffer.of(part[0]! + 1), part.subarray(1), Buffer.of(9, 0)]);
  assert.throws(() => decodePart(more), { code: 'damaged' });
});
