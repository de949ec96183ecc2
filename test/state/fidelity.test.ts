import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { undoRestore } from '../../src/state/restore/index.ts';
import { aclsIn, attributesIn, compareTrees } from '../support/compare-trees.ts';
import { hasProgram } from './fs/support/places.ts';
import { extras, type ForgedBlock, file, folder, forge, hardlink, special, symlink } from './support/forge.ts';
import { captureTree, on, restoreTree, temporaryFolder } from './support/source-machine.ts';

const asRoot = process.geteuid?.() === 0;
const needsRoot = asRoot ? false : 'needs root';
const tools = ['setfacl', 'getfacl', 'setfattr', 'getfattr'].find((program) => !hasProgram(program));
const needsTools = tools ? `${tools} is not installed` : false;
const needsBoth = needsRoot || needsTools;

const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
const all = (path: string): string[] => readdirSync(path, { recursive: true }).map(String).sort();
const r = { path: [], entries: [folder('r')] };
const bytes = (text: string) => Buffer.from(text);

test('ACLs, attributes, default ACLs and odd kinds of files come back as they were', { skip: needsBoth }, async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(join(home, 'shared/inner'), { recursive: true });
  writeFileSync(join(home, 'shared/file'), 'x');
  chmodSync(join(home, 'shared/file'), 0o640);
  run('setfacl', '-m', 'u:12345:rw,g:54321:r,m::rw', join(home, 'shared/file'));
  run('setfacl', '-m', 'd:u:12345:rwx,d:g:54321:rx,u:12345:rwx', join(home, 'shared'));
  writeFileSync(join(home, 'shared/inner/plain'), 'y');
  run('setfattr', '-n', 'user.comment', '-v', '0x00ff0a', join(home, 'shared/file'));
  run('setfattr', '-n', 'user.empty', join(home, 'shared/inner'));
  run('mkfifo', '-m', '620', join(home, 'shared/fifo'));
  run('mknod', join(home, 'null'), 'c', '1', '3');
  run('mknod', join(home, 'loop'), 'b', '7', '300');
  symlinkSync('shared', join(home, 'link'));
  run('setfattr', '-h', '-n', 'trusted.mine', '-v', 'link', join(home, 'link'));
  run('setfattr', '-n', 'trusted.mine', '-v', 'file', join(home, 'shared/file'));
  const captured = await captureTree(temporary, [home]);

  const allowed = join(temporary, 'allowed');
  const result = await restoreTree(captured, allowed, { allowPrivileged: true });
  assert.deepEqual(compareTrees(home, allowed).differences, []);
  assert.deepEqual(compareTrees(home, allowed).leftOut, []);
  assert.deepEqual(attributesIn(allowed), attributesIn(home));
  assert.equal(aclsIn(allowed), aclsIn(home));
  assert.equal(result.specials, 3);
  assert.deepEqual(result.withheld, { items: [], count: 0 });

  const withheld = join(temporary, 'withheld');
  const careful = await restoreTree(captured, withheld);
  assert.deepEqual(compareTrees(home, withheld).leftOut, ['./loop', './null']);
  assert.deepEqual(
    attributesIn(withheld),
    attributesIn(home).filter((line) => !line.includes('trusted.')),
  );
  assert.equal(careful.withheld.count, 4);
  assert.deepEqual(
    new Set(careful.withheld.items.map(({ path }) => path)),
    new Set(['link', 'loop', 'null', 'shared/file']),
  );
});

test('what a target hands on to new files does not come into restored ones', { skip: needsTools }, async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(join(home, 'a/b'), { recursive: true });
  writeFileSync(join(home, 'a/b/file'), 'x');
  writeFileSync(join(home, 'file'), 'x');
  const captured = await captureTree(temporary, [home]);
  const target = join(temporary, 'target');
  mkdirSync(target);
  run('setfacl', '-m', 'd:u:12345:rwx', target);
  chmodSync(target, 0o2775);
  const before = aclsIn(target);
  const options = { undoDir: join(temporary, 'undo/one'), restoreId: 'one' };
  await restoreTree(captured, target, options);
  assert.deepEqual(compareTrees(home, target).differences, []);
  assert.equal(aclsIn(target), aclsIn(home));
  await undoRestore({ undoDir: options.undoDir }, on());
  assert.equal(aclsIn(target), before);
});

test('setuid, setgid and capabilities come only where they are allowed', { skip: needsRoot }, async (t) => {
  const temporary = temporaryFolder(t);
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
  const blocks: ForgedBlock[] = [
    r,
    {
      path: ['r'],
      entries: [
        file('caps', {
          mode: 0o755,
          uid: 1000,
          extras: extras({ xattrs: [{ name: bytes('security.capability'), value: capability }] }),
        }),
        file('suid', { mode: 0o4755, uid: 1000 }),
      ],
    },
  ];
  const captured = await forge(blocks);
  const withheld = await restoreTree(captured, join(temporary, 'a'));
  assert.deepEqual(withheld.withheld.items, [
    { path: 'caps', reason: 'restored without its attribute security.capability' },
    { path: 'suid', reason: 'restored without setuid' },
  ]);
  const allowed = await restoreTree(captured, join(temporary, 'b'), { allowPrivileged: true });
  assert.equal(allowed.withheld.count, 0);
  assert.equal(statSync(join(temporary, 'a/suid')).mode & 0o7777, 0o755);
  assert.equal(statSync(join(temporary, 'b/suid')).mode & 0o7777, 0o4755);
  if (needsTools) return;
  assert.deepEqual(attributesIn(join(temporary, 'a')), []);
  assert.deepEqual(attributesIn(join(temporary, 'b')), [`caps security.capability=0x${capability.toString('hex')}`]);
});

test('flags are set last of all, and an undo gets past them', { skip: needsRoot }, async (t) => {
  const temporary = temporaryFolder(t);
  const locked = extras({ flags: 0x10 });
  const blocks: ForgedBlock[] = [
    { path: [], entries: [folder('r')] },
    {
      path: ['r'],
      entries: [
        folder('d', { extras: locked }),
        file('fixed', { extras: locked, group: 1 }),
        file('nodump', { extras: extras({ flags: 0x40 }) }),
        hardlink('z', 1),
      ],
    },
    { path: ['r', 'd'], entries: [file('inside')] },
  ];
  const captured = await forge(blocks);
  const target = join(temporary, 'target');
  const flags = (path: string) => run('lsattr', '-d', join(target, path)).toString().split(' ')[0]!;
  const careful = await restoreTree(captured, target, { undoDir: join(temporary, 'u/a'), restoreId: 'a' });
  assert.equal(careful.withheld.count, 2);
  assert.ok(!flags('fixed').includes('i') && flags('nodump').includes('d'));
  await undoRestore({ undoDir: join(temporary, 'u/a') }, on());
  assert.equal(existsSync(target), false);
  await restoreTree(captured, target, { allowPrivileged: true, undoDir: join(temporary, 'u/b'), restoreId: 'b' });
  try {
    assert.ok(flags('fixed').includes('i') && flags('d').includes('i'));
    assert.equal(statSync(join(target, 'fixed')).nlink, 2);
    assert.throws(() => writeFileSync(join(target, 'd/new'), ''), { code: 'EPERM' });
  } finally {
    await undoRestore({ undoDir: join(temporary, 'u/b') }, on());
  }
  assert.equal(existsSync(target), false);
});

test('holes stay holes, also in a file of nothing else and in one that goes on', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(home);
  const sparse = (name: string, sizeBytes: number, data: readonly number[]) => {
    const fd = openSync(join(home, name), 'w');
    ftruncateSync(fd, sizeBytes);
    for (const at of data) writeSync(fd, `data at ${at}`, at);
    closeSync(fd);
  };
  sparse('only-holes', 50_000_000, []);
  sparse('begins', 40_000_000, [0]);
  sparse('ends', 40_000_000, [39_999_000]);
  sparse('between', 64_000_000, [1_000_000, 20_000_000, 20_500_000, 63_000_000]);
  const captured = await captureTree(temporary, [home]);
  const target = join(temporary, 'target');
  const result = await restoreTree(captured, target);
  assert.equal(result.bytes, 194_000_000);
  assert.deepEqual(compareTrees(home, target).differences, []);
  for (const name of readdirSync(home)) {
    assert.ok(statSync(join(target, name)).blocks <= statSync(join(home, name)).blocks + 64, name);
  }
});

test('owners are found by name; nobody else becomes root, and root stays root', { skip: needsRoot }, async (t) => {
  const temporary = temporaryFolder(t);
  const root = join(temporary, 'root');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:\nann:x:2001:2001::/:\nbad:x:0:0::/:\neve:x:2005:2005::/:\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nann:x:2101:\nlab:x:2200:\neve:x:2105:\n');
  const owned = (name: string, uid: number, gid: number) => file(name, { uid, gid });
  const acl = [
    { tag: 1, permissions: 6, id: undefined },
    { tag: 2, permissions: 4, id: 1001 },
    { tag: 4, permissions: 4, id: undefined },
    { tag: 8, permissions: 4, id: 1200 },
    { tag: 16, permissions: 4, id: undefined },
    { tag: 32, permissions: 0, id: undefined },
  ];
  const blocks: ForgedBlock[] = [
    r,
    {
      path: ['r'],
      entries: [
        file('acl', { uid: 1001, gid: 1200, mode: 0o640, extras: extras({ accessAcl: acl }) }),
        owned('ann', 1001, 1001),
        owned('becomes-root', 1007, 1008),
        owned('nobody', 1999, 1999),
        owned('root', 0, 0),
        symlink('link', 'x'),
      ].sort((a, b) => Buffer.compare(a.name, b.name)),
    },
  ];
  const users = { 0: 'root', 1001: 'ann', 1007: 'bad' };
  const groups = { 0: 'root', 1001: 'ann', 1008: 'root', 1200: 'lab' };
  const captured = await forge(blocks, { users, groups });
  const owner = (target: string, name: string) => {
    const { uid, gid } = lstatSync(join(temporary, target, name));
    return `${uid}:${gid}`;
  };
  await restoreTree(captured, join(temporary, 'a'), { root });
  assert.deepEqual(
    ['ann', 'acl', 'becomes-root', 'nobody', 'root', 'link'].map((name) => owner('a', name)),
    ['2001:2101', '2001:2200', '1007:1008', '1999:1999', '0:0', '0:0'],
  );
  if (!needsTools) {
    const shown = aclsIn(join(temporary, 'a'));
    assert.ok(shown.includes('user:2001:r--') && shown.includes('group:2200:r--'), shown);
  }
  const mapUsers = [{ from: 'ann', to: 'eve' }];
  await restoreTree(captured, join(temporary, 'b'), { root, mapUsers });
  assert.equal(owner('b', 'ann'), '2005:2105');
  await restoreTree(captured, join(temporary, 'c'), { root, mapUsers: [{ from: '0', to: '3000' }] });
  assert.equal(owner('c', 'root'), '3000:0');
  for (const to of ['unknown', 'root', '0', 'bad']) {
    const target = join(temporary, 'd');
    await assert.rejects(restoreTree(captured, target, { root, mapUsers: [{ from: 'ann', to }] }), { code: 'usage' });
    assert.equal(existsSync(target), false);
  }
});

test('what cannot be made is listed, and the others come', { skip: needsRoot }, async (t) => {
  const temporary = temporaryFolder(t);
  const captured = await forge([
    r,
    { path: ['r'], entries: [special('bad', 'character', { major: 0xffff_ffff, minor: 0 }), file('good')] },
  ]);
  const result = await restoreTree(captured, join(temporary, 'target'), { allowPrivileged: true });
  assert.deepEqual(all(join(temporary, 'target')), ['good']);
  assert.deepEqual(result.withheld.items, [{ path: 'bad', reason: 'not restored: the file system refuses it' }]);
  assert.equal(result.specials, 0);
});

test('with plain Node the same tree comes back, less what it cannot keep', async (t) => {
  const temporary = temporaryFolder(t);
  const home = join(temporary, 'home');
  mkdirSync(join(home, 'a/b'), { recursive: true });
  for (let index = 0; index < 40; index++) writeFileSync(join(home, `a/b/${index}`), `${index}`.repeat(index * 1000));
  symlinkSync('a', join(home, 'link'));
  chmodSync(join(home, 'a/b/1'), 0o444);
  run('mkfifo', join(home, 'fifo'));
  const captured = await captureTree(temporary, [home]);
  const target = join(temporary, 'target');
  mkdirSync(join(target, 'a/b'), { recursive: true });
  writeFileSync(join(target, 'a/b/7'), 'mine');
  const options = { fileCalls: 'portable', undoDir: join(temporary, 'u/p'), restoreId: 'p' } as const;
  const result = await restoreTree(captured, target, options);
  assert.deepEqual(
    result.withheld.items.map(({ path }) => path),
    ['fifo'],
  );
  assert.deepEqual(result.conflicts, { keptBoth: 1, skipped: 0, replaced: 0 });
  const differences = compareTrees(home, target).differences.filter((line) => !line.includes('mtime'));
  assert.deepEqual(differences.sort(), [
    './a/b/7 (laptop 2023-11-14) is too many',
    './a/b/7 has 4 bytes instead of 7000',
  ]);
  assert.equal(readFileSync(join(target, 'a/b/7 (laptop 2023-11-14)'), 'utf8').length, 7000);
  const undone = await undoRestore({ undoDir: options.undoDir, fileCalls: 'portable' }, on());
  assert.deepEqual(undone.kept.items, []);
  assert.deepEqual(all(target), ['a', 'a/b', 'a/b/7']);
});
