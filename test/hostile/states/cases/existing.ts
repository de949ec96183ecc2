import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConflictPolicy } from '../../../../src/state/restore/index.ts';
import { DATA, file, folder, hardlink, special, symlink } from '../../../state/support/forge.ts';
import type { Scene } from '../support/guard.ts';
import type { HostileState, Must } from '../support/hostile-state.ts';
import { writeIn } from '../support/write-in.ts';

const r = { path: [], entries: [folder('r')] };
const POLICIES: readonly ConflictPolicy[] = ['keep-both', 'skip', 'replace', 'newer'];
/** Behind the name of what was there already. */
const OTHER = ' (laptop 2023-11-14)';

/** `r/a/x` comes where the target has something of its own. */
const tree = (
  name: string,
  before: (scene: Scene) => void,
  must: Must,
  more: Partial<HostileState> = {},
): HostileState => ({
  name,
  forge: (snapshot) =>
    snapshot.blocks([
      r,
      { path: ['r'], entries: [folder('a')] },
      { path: ['r', 'a'], entries: [file('x', { mtimeNs: 2_000_000_000_000_000_000n })] },
    ]),
  before,
  must,
  ...more,
});

const linkTo = (name: string) => (scene: Scene) => {
  mkdirSync(join(scene.target, 'r'), { recursive: true });
  symlinkSync(scene.outside, join(scene.target, name));
};

export const EXISTING: readonly HostileState[] = [
  ...POLICIES.map((onConflict) =>
    tree(
      `a folder where the target has a link to one outside, under ${onConflict}`,
      linkTo('r/a'),
      { conflict: ['r/a'] },
      {
        cve: ['CVE-2025-45582', 'CVE-2026-29518'],
        options: { onConflict },
      },
    ),
  ),
  ...POLICIES.map((onConflict) =>
    tree(
      `a file where the target has a link to one outside, under ${onConflict}`,
      ({ target, outside }) => {
        mkdirSync(join(target, 'r', 'a'), { recursive: true });
        symlinkSync(join(outside, 'secret'), join(target, 'r', 'a', 'x'));
      },
      { conflict: ['r/a/x'] },
      { cve: ['CVE-2025-45582'], options: { onConflict } },
    ),
  ),
  tree(
    'a file where the target has a second name of one outside, which it replaces',
    ({ target, outside }) => {
      mkdirSync(join(target, 'r', 'a'), { recursive: true });
      linkSync(join(outside, 'folder', 'x'), join(target, 'r', 'a', 'x'));
    },
    // It is not written over: the name goes to a new file, and the old one stays in the pre-images until it is forgotten.
    {
      conflict: ['r/a/x'],
      and: ({ outside }) => assert.equal(readFileSync(join(outside, 'folder', 'x'), 'utf8'), 'canary\n'),
    },
    { cve: ['CVE-2018-20834'], options: { onConflict: 'replace' }, shared: ['folder/x'] },
  ),
  tree('a folder where the target has a file', ({ target }) => writeIn(target, 'r/a', 'mine'), {
    conflict: ['r/a'],
    and: ({ target }) => {
      assert.equal(readFileSync(join(target, 'r', 'a'), 'utf8'), 'mine');
      assert.deepEqual(readFileSync(join(target, 'r', `a${OTHER}`, 'x')), DATA);
    },
  }),
  tree(
    'a folder where the target has a link, and another link has the name that it would get instead',
    (scene) => {
      linkTo('r/a')(scene);
      symlinkSync(scene.outside, join(scene.target, 'r', `a${OTHER}`));
    },
    { conflict: ['r/a'], and: ({ target }) => assert.equal(readdirSync(join(target, 'r')).length, 3) },
  ),
  tree(
    'a file whose name is taken, and so are all names that it would get instead, by links to outside',
    ({ target, outside }) => {
      writeIn(target, 'r/a/x', 'mine');
      for (const name of [`x${OTHER}`, `x (laptop 2023-11-14 2)`, `x (laptop 2023-11-14 3)`]) {
        symlinkSync(join(outside, 'new'), join(target, 'r', 'a', name));
      }
    },
    { conflict: ['r/a/x'] },
  ),
  tree(
    'a tree whose top folder is a link to outside in the target',
    ({ target, outside }) => {
      mkdirSync(target);
      symlinkSync(outside, join(target, 'r'));
    },
    { conflict: ['r'] },
    { cve: ['CVE-2025-45582'] },
  ),
  {
    name: 'items that get each other’s names: what is there is called as they would be called instead',
    forge: (snapshot) =>
      snapshot.blocks([
        r,
        { path: ['r'], entries: [file('a'), file(`a${OTHER}`), folder(`b${OTHER}`)] },
        { path: ['r', `b${OTHER}`] },
      ]),
    before: ({ target }) => {
      for (const name of ['a', `a${OTHER}`, `b${OTHER}`]) writeIn(target, `r/${name}`, 'mine');
    },
    must: { conflict: ['r/a', `r/a${OTHER}`, `r/b${OTHER}`] },
  },
  {
    name: 'a symbolic link where the target has a folder full of things, which it replaces',
    forge: (snapshot, { outside }) => snapshot.blocks([r, { path: ['r'], entries: [symlink('a', outside)] }]),
    before: ({ target }) => {
      writeIn(target, 'r/a/b/c', 'mine');
    },
    options: { onConflict: 'replace' },
    must: { conflict: ['r/a'], and: ({ target }) => assert.ok(lstatSync(join(target, 'r', 'a')).isSymbolicLink()) },
  },
  {
    name: 'a FIFO where the target has a file that somebody waits for',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [special('a', 'fifo')] }]),
    before: ({ target }) => {
      writeIn(target, 'r/a', 'mine');
    },
    options: { onConflict: 'replace' },
    must: { conflict: ['r/a'] },
  },
  {
    name: 'a hard link whose file the target has as a link to outside',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [file('a', { group: 1 }), hardlink('b', 1)] }]),
    before: ({ target, outside }) => {
      mkdirSync(join(target, 'r'), { recursive: true });
      symlinkSync(join(outside, 'secret'), join(target, 'r', 'a'));
    },
    options: { onConflict: 'skip' },
    must: { conflict: ['r/a'], and: ({ target }) => assert.equal(lstatSync(join(target, 'r', 'b')).nlink, 1) },
  },
  {
    name: 'a file that the target has as a FIFO of that name, which would be opened to be compared',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [file('a', { sizeBytes: 0, extents: [] })] }]),
    before: ({ target }) => {
      mkdirSync(join(target, 'r'), { recursive: true });
      execFileSync('mkfifo', [join(target, 'r', 'a')]);
    },
    must: { conflict: ['r/a'] },
  },
  {
    name: 'a target that is a link to a folder outside: the person named it, and all stays beneath it',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [symlink('a', '..'), file('b')] }]),
    before: ({ target, top }) => {
      mkdirSync(join(top, 'test', 'real'), { recursive: true });
      symlinkSync(join(top, 'test', 'real'), target);
    },
    undo: false,
    must: { harmless: ({ top }) => assert.deepEqual(readdirSync(join(top, 'test', 'real', 'r')), ['a', 'b']) },
  },
  {
    name: 'a target that is a file',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [file('b')] }]),
    before: ({ target }) => writeFileSync(target, 'mine'),
    must: { refused: 'failed', says: /cannot restore into/ },
  },
  {
    name: 'a path that was asked for and climbs',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [file('b')] }]),
    options: { only: [['r', '..', '..', 'outside'].map((name) => Buffer.from(name))] },
    must: { refused: 'not-found', says: /.*/ },
  },
];
