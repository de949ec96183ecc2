/** Small trees with one of everything, and how they change. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../scenario.ts';

const FOLDERS = ['Documents', join('Documents', 'deep'), 'Pictures'];
const FILES_IN_EACH = 8;
const SMALL_MAX_BYTES = 9000;
/** Of three extents. */
const LARGE_BYTES = 2_500_000;

/** Of content that no compression makes small. */
export function makeTree(dir: string, random: Random): string {
  for (const folder of FOLDERS) {
    mkdirSync(join(dir, folder), { recursive: true });
    for (let file = 0; file < FILES_IN_EACH; file++) writeSmall(join(dir, folder, `file-${file}`), random);
  }
  writeFileSync(join(dir, 'large'), random.bytes(LARGE_BYTES));
  writeFileSync(join(dir, 'empty'), '');
  linkSync(join(dir, 'Documents', 'file-1'), join(dir, 'Pictures', 'linked'));
  symlinkSync('../large', join(dir, 'Pictures', 'link'));
  mkdirSync(join(dir, 'Empty'), { mode: 0o711 });
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept', join(dir, 'Documents', 'file-2'), join(dir, 'Pictures')]);
  return dir;
}

/** What people do between two captures. */
export function changeTree(dir: string, random: Random): void {
  writeSmall(join(dir, 'Documents', 'file-0'), random);
  appendFileSync(join(dir, 'Pictures', 'file-3'), random.bytes(700));
  rmSync(join(dir, 'Documents', 'deep', 'file-5'), { force: true });
  writeSmall(join(dir, 'Documents', `new-${random.integer(1e6)}`), random);
  renameSync(join(dir, 'Pictures', 'link'), join(dir, 'Pictures', 'link-'));
  symlinkSync('../empty', join(dir, 'Pictures', 'link'));
  rmSync(join(dir, 'Pictures', 'link-'));
}

/** What is there already: some of the same names with something else, and things that were never captured. */
export function makeTarget(dir: string, random: Random): string {
  for (const folder of ['Documents', 'Mine']) {
    mkdirSync(join(dir, folder), { recursive: true });
    for (let file = 0; file < FILES_IN_EACH; file += 2) writeSmall(join(dir, folder, `file-${file}`), random);
    writeSmall(join(dir, folder, 'mine'), random);
  }
  writeFileSync(join(dir, 'large'), 'another one');
  writeFileSync(join(dir, 'Pictures'), 'a file where a folder shall be');
  mkdirSync(join(dir, 'empty'));
  writeSmall(join(dir, 'empty', 'within'), random);
  symlinkSync('nowhere', join(dir, 'pipe'));
  execFileSync('setfattr', ['-n', 'user.mine', '-v', 'old', join(dir, 'Documents')]);
  utimesSync(join(dir, 'Documents'), 1_111_111_111, 1_111_111_111.5);
  utimesSync(dir, 1_222_222_222, 1_222_222_222.25);
  return dir;
}

export function copyTree(from: string, to: string): string {
  rmSync(to, { recursive: true, force: true });
  execFileSync('cp', ['-a', from, to]);
  return to;
}

function writeSmall(path: string, random: Random): void {
  writeFileSync(path, random.bytes(1 + random.integer(SMALL_MAX_BYTES)), { mode: random.pick([0o644, 0o600, 0o755]) });
  const seconds = 1_000_000_000 + random.integer(600_000_000) + random.integer(1000) / 1000;
  utimesSync(path, seconds, seconds);
}
