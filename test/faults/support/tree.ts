/** A tree as the figures ask for: more than 500 files, several packs, one file that goes over some of them. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { filesBelow } from '../../support/trees.ts';
import type { Random } from '../scenario.ts';

const MIB = 1024 * 1024;
const FOLDERS = 20;
const FILES_IN_EACH = 27;
const SMALL_MAX_BYTES = 3000;
/** Packs of a small capture have 4 MiB. */
const LARGE_BYTES = 13 * MIB;
const SPARSE_BYTES = 8 * MIB;
const LARGE = 'large.bin';

/** Of content that no compression makes small. */
export function makeTree(dir: string, random: Random): string {
  for (let folder = 0; folder < FOLDERS; folder += 1) {
    const path = join(dir, `folder ${folder % 4}`, `${folder}`);
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < FILES_IN_EACH; file += 1) writeSmall(join(path, `file-${file}`), random);
    symlinkSync(`file-${random.integer(FILES_IN_EACH)}`, join(path, 'link'));
  }
  writeFileSync(join(dir, LARGE), random.bytes(LARGE_BYTES));
  linkSync(join(dir, LARGE), join(dir, 'folder 1', 'large again'));
  linkSync(join(dir, 'folder 0', '0', 'file-1'), join(dir, 'folder 2', 'file-1 again'));
  makeSparse(join(dir, 'sparse'), random);
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  execFileSync('setfattr', [
    '-n',
    'user.note',
    '-v',
    'kept',
    join(dir, 'folder 0', '0', 'file-2'),
    join(dir, 'folder 3'),
  ]);
  symlinkSync('/nowhere', join(dir, 'dangling'));
  mkdirSync(join(dir, 'empty'), { mode: 0o711 });
  chmodSync(join(dir, 'folder 2'), 0o700);
  return dir;
}

/** What people do to a tree between two captures. */
export function changeTree(dir: string, random: Random): void {
  const files = [...filesBelow(dir)].filter((path) => /file-\d+$/.test(path));
  for (let change = 0; change < 12; change += 1) {
    const path = random.pick(files);
    const what = random.integer(4);
    if (what === 0) rmSync(path, { force: true });
    else if (what === 1) writeSmall(path, random);
    else if (what === 2) writeSmall(`${path}-new`, random);
    else appendFileSync(path, random.bytes(100));
  }
  const fd = openSync(join(dir, LARGE), 'r+');
  writeSync(fd, random.bytes(5000), 0, 5000, random.integer(LARGE_BYTES));
  closeSync(fd);
  if (random.integer(2) === 0) renameSync(join(dir, 'empty'), join(dir, `empty-${readdirSync(dir).length}-`));
  else mkdirSync(join(dir, `new-${readdirSync(dir).length}`));
  mkdirSync(join(dir, 'empty'), { recursive: true });
}

/** What was there before: some of the same names with something else, and things that were never captured. */
export function makeTarget(dir: string, tree: string, random: Random): string {
  mkdirSync(dir, { recursive: true });
  for (const folder of ['folder 0/0', 'folder 1/5', 'folder 2/2']) {
    mkdirSync(join(dir, folder), { recursive: true });
    for (let file = 0; file < FILES_IN_EACH; file += 3) writeSmall(join(dir, folder, `file-${file}`), random);
    writeFileSync(join(dir, folder, 'mine'), 'never captured');
  }
  mkdirSync(join(dir, 'folder 0', '0', 'link'));
  writeFileSync(join(dir, 'folder 0', '0', 'link', 'within'), 'a folder where a link shall be');
  writeFileSync(join(dir, 'folder 3'), 'a file where a folder shall be');
  execFileSync('cp', ['-a', join(tree, 'folder 0', '4'), join(dir, 'folder 0', '4')]);
  writeSmall(join(dir, LARGE), random);
  return dir;
}

export function copyTree(from: string, to: string): string {
  execFileSync('cp', ['-a', '--sparse=always', from, to]);
  return to;
}

function writeSmall(path: string, random: Random): void {
  writeFileSync(path, random.bytes(random.integer(SMALL_MAX_BYTES)), {
    mode: random.pick([0o644, 0o600, 0o755, 0o440]),
  });
  const seconds = 1_000_000_000 + random.integer(600_000_000) + random.integer(1000) / 1000;
  utimesSync(path, seconds, seconds);
}

function makeSparse(path: string, random: Random): void {
  const fd = openSync(path, 'w');
  writeSync(fd, random.bytes(3000), 0, 3000, MIB);
  writeSync(fd, random.bytes(3000), 0, 3000, 5 * MIB);
  ftruncateSync(fd, SPARSE_BYTES);
  closeSync(fd);
}
