/** A home with every kind of item that a move carries for any user. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, linkSync, mkdirSync, openSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeHome } from '../../support/trees.ts';

const MIB = 1024 * 1024;
/** Larger than what one piece of a file holds, and no multiple of it. */
const LARGE_BYTES = 3 * MIB + 4321;
const SPARSE_BYTES = 64 * MIB;
const SMALL_FILES = 300;

/** Programs without which this home cannot be made or compared. */
export const ALL_KINDS_NEED = ['setfattr', 'getfattr', 'setfacl'] as const;

/** The file that is all hole but for a few bytes, beneath the home. */
export const SPARSE_FILE = 'disk image';

export function makeAllKinds(home: string): string {
  makeHome(home);
  const many = join(home, 'many');
  mkdirSync(many);
  for (let file = 0; file < SMALL_FILES; file += 1) writeFileSync(join(many, `file-${file}`), `content ${file}\n`);
  writeFileSync(join(home, 'three MiB'), randomBytes(LARGE_BYTES));
  linkSync(join(home, 'three MiB'), join(many, 'three MiB again'));
  makeSparse(join(home, SPARSE_FILE));
  writeFileSync(bytesName(home, 0xff, 0xfe, 0x80), 'no UTF-8 in its name');
  writeFileSync(bytesName(home, 0x6e, 0x0a, 0x6c, 0x09, 0x1b), 'control characters in its name');
  writeFileSync(join(home, '-n --help'), 'the name of an option');
  writeFileSync(join(home, 'n'.repeat(255)), 'a long name');
  mkdirSync(bytesName(home, 0x64, 0xe9));
  writeFileSync(join(home, 'tagged'), 'it has attributes');
  execFileSync('setfattr', ['-n', 'user.comment', '-v', '0x000a3d', join(home, 'tagged')]);
  execFileSync('setfattr', ['-n', 'user.on-a-folder', '-v', 'yes', many]);
  execFileSync('setfacl', ['-m', 'u:1234:r', join(home, 'tagged')]);
  // Folders last: what is made in them changes their times.
  utimesSync(many, 1_000_000_000, 1_000_000_000.25);
  utimesSync(join(home, 'Documents', 'Empty'), 1_100_000_000, 1_100_000_000.5);
  utimesSync(join(home, 'Documents'), 1_200_000_000, 1_200_000_000.75);
  utimesSync(home, 1_300_000_000, 1_300_000_000);
  return home;
}

const bytesName = (folder: string, ...bytes: number[]): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(bytes)]);

function makeSparse(path: string): void {
  const fd = openSync(path, 'w');
  writeSync(fd, 'in front', 0);
  writeSync(fd, 'in the middle', SPARSE_BYTES / 2);
  ftruncateSync(fd, SPARSE_BYTES);
  closeSync(fd);
}
