import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { AREA_NAMES } from '../../../src/state/areas/base/names.ts';
import type { Captured } from '../../state/support/source-machine.ts';
import { endOfFile, forgeMachine } from './support/forged.ts';
import { type Outcome, restoreOnto } from './support/restored.ts';
import { accounts, person, personal, TARGET } from './support/target.ts';
import { HOSTILE_AREAS } from './support/wishes.ts';

const END = endOfFile();
const ALLOWED = { allowPrivileged: true, identity: 'same' } as const;
let snapshot: Captured;
/** Every path that is written where nobody laid a trap. */
let written: readonly string[];

const restore = (dress?: (root: string) => void): Promise<Outcome> =>
  restoreOnto(END, snapshot, TARGET, ALLOWED, { areas: AREA_NAMES, ...(dress && { dress }) });

before(async () => {
  snapshot = await forgeMachine(END, {
    areas: { ...HOSTILE_AREAS, accounts: accounts([person('carl', 1006)]), homes: { homes: [] } },
    roots: [personal('/home/carl')],
    files: { '/home/carl/file': 'x', '/home/carl/deep/file': 'x' },
  });
  const clean = await restore();
  assert.deepEqual(clean.applied!.areas!.failed, []);
  written = clean.changed;
  assert.ok(written.length > 50, `${written.length} paths`);
});

/** Outside of the root, so that the guard of each restore sees what is done to it. */
const beside = (root: string, name: string): string => join(dirname(root), 'beside', name);

function clear(root: string, path: string): string {
  const at = join(root, path);
  rmSync(at, { recursive: true, force: true });
  mkdirSync(dirname(at), { recursive: true });
  return at;
}

/** Account files and the like are what the machine lives by: the rest can be anything. */
const canBeTrap = (path: string): boolean => !/^\/etc\/(passwd|shadow|group|gshadow|sub[ug]id)-?$/.test(path);
/** Without those that lie in another. */
const leaves = (): readonly string[] =>
  written.filter((path) => canBeTrap(path) && !written.some((other) => other.startsWith(`${path}/`)));

test('links of the target at every path that is written lead nothing out of the root', async () => {
  const outcome = await restore((root) => {
    for (const path of leaves()) symlinkSync(beside(root, 'own'), clear(root, path));
  });
  assert.equal(outcome.error, undefined);
});

test('links of the target in place of every folder above lead nothing out of the root', async () => {
  const outcome = await restore((root) => {
    for (const folder of new Set(leaves().map((path) => dirname(path)))) {
      if (folder === '/' || folder === '/etc') continue;
      if (existsSync(dirname(join(root, folder))) && !lstatSync(dirname(join(root, folder))).isDirectory()) continue;
      if (folder.split('/').some((_, at, names) => isLink(join(root, names.slice(0, at + 1).join('/'))))) continue;
      symlinkSync(beside(root, 'etc'), clear(root, folder));
    }
  });
  assert.equal(outcome.error, undefined);
  assert.ok(outcome.items.some(({ detail }) => /is a symbolic link, and nothing is written through one/.test(detail)));
});

const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;

test('pipes at every path that is written hold nothing up, and stay', async () => {
  const outcome = await restore((root) => {
    for (const path of leaves()) execFileSync('mkfifo', [clear(root, path)]);
  });
  assert.equal(outcome.error, undefined);
  for (const path of leaves().filter((one) => !one.startsWith('/home'))) {
    assert.equal(outcome.system.facts(path)?.kind, 'other', path);
  }
});

test('hard links at every path that is written: what has another name elsewhere keeps its content there', async () => {
  const outcome = await restore((root) => {
    for (const path of leaves()) linkSync(beside(root, 'own'), clear(root, path));
  });
  assert.equal(outcome.error, undefined);
});

test('folders at every path that is written stay', async () => {
  const outcome = await restore((root) => {
    for (const path of leaves()) mkdirSync(clear(root, path));
  });
  assert.equal(outcome.error, undefined);
  for (const path of leaves()) assert.equal(outcome.system.facts(path)?.kind, 'folder', path);
});
