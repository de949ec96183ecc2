/** A folder with every type of item, small when it is sealed. Needs root. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const MIB = 1024 * 1024;

/** Content that looks the same in every run. */
function noise(bytes: number, seed: number): Buffer {
  let state = seed;
  return Buffer.from(
    Uint8Array.from({ length: bytes }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 16;
    }),
  );
}

const named = (folder: string, ...bytes: number[]): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(bytes)]);

export function makeTree(home: string): void {
  mkdirSync(join(home, 'folder', 'empty'), { recursive: true });
  writeFileSync(join(home, 'empty file'), '');
  writeFileSync(join(home, 'text'), 'the quick brown fox\n'.repeat(200));
  writeFileSync(join(home, 'noise'), noise(20_000, 7));
  writeFileSync(join(home, 'large'), Buffer.alloc(2 * MIB + 12_345, 'large '));
  writeFileSync(named(home, 0xff, 0xfe, 0x80), 'no UTF-8 in its name');
  writeFileSync(named(home, 0x6e, 0x0a, 0x6c, 0x09, 0x1b), 'control characters in its name');
  writeFileSync(join(home, 'Grüße 東京'), 'UTF-8 in its name');
  writeFileSync(join(home, 'n'.repeat(255)), 'a long name');
  writeFileSync(join(home, 'folder', 'inside'), 'inside');
  linkSync(join(home, 'text'), join(home, 'folder', 'hard link'));
  linkSync(join(home, 'text'), join(home, 'a hard link'));
  symlinkSync('../text', join(home, 'folder', 'link'));
  symlinkSync('/nowhere/\n', join(home, 'dangling'));
  makeSparse(join(home, 'sparse'), 3 * MIB, [[MIB, 'in the middle']]);
  makeSparse(join(home, 'a hole only'), MIB, []);
  makeSparse(join(home, 'hole last'), 2 * MIB, [[0, 'in front']]);
  // More holes than one entry of a manifest holds.
  makeSparse(
    join(home, 'many holes'),
    4200 * 8192,
    Array.from({ length: 4200 }, (_, piece) => [piece * 8192, 'piece'.repeat(819)] as const),
  );
  writeFileSync(join(home, 'not dumped'), 'it has an inode flag');
  execFileSync('chattr', ['+d', join(home, 'not dumped')]);
  execFileSync('mkfifo', [join(home, 'fifo')]);
  execFileSync('mknod', [join(home, 'character'), 'c', '5', '1']);
  execFileSync('mknod', [join(home, 'block'), 'b', '259', '70000']);
  for (const [name, value] of [
    ['user.comment', '0x000a3d'],
    ['user.empty', '0x'],
    ['trusted.note', '0x31'],
  ] as const) {
    execFileSync('setfattr', ['-n', name, '-v', value, join(home, 'noise')]);
  }
  execFileSync('setfattr', ['-n', 'user.on-a-folder', '-v', 'yes', join(home, 'folder')]);
  execFileSync('setcap', ['cap_net_raw+ep', join(home, 'empty file')]);
  execFileSync('setfacl', ['-m', 'u:1234:r,g:4321:rwx', join(home, 'text')]);
  execFileSync('setfacl', ['-d', '-m', 'u:1234:rx', join(home, 'folder')]);
  setOwnersModesTimes(home);
}

function makeSparse(path: string, size: number, data: readonly (readonly [number, string])[]): void {
  const fd = openSync(path, 'w');
  for (const [at, text] of data) writeSync(fd, text, at);
  ftruncateSync(fd, size);
  closeSync(fd);
}

function setOwnersModesTimes(home: string): void {
  chownSync(join(home, 'noise'), 3_000_000_000, 65_534);
  chownSync(join(home, 'folder', 'inside'), 54_321, 54_322);
  chmodSync(join(home, 'folder', 'inside'), 0o4751);
  chmodSync(join(home, 'folder'), 0o3775);
  chmodSync(join(home, 'large'), 0o400);
  execFileSync('touch', ['-d', '2001-02-03 04:05:06.123456789 UTC', join(home, 'text')]);
  execFileSync('touch', ['-d', '1950-06-07 08:09:10.75 UTC', join(home, 'large')]);
  utimesSync(join(home, 'Grüße 東京'), 5_000_000_000.5, 5_000_000_000.5);
  lutimesSync(join(home, 'dangling'), 1000.5, 1000.5);
  for (const name of ['folder/empty', 'folder', '.']) utimesSync(join(home, name), 1_000_000_000, 1_000_000_000);
}

/** What the second snapshot finds changed. */
export function changeTree(home: string): void {
  writeFileSync(join(home, 'folder', 'inside'), 'inside, changed');
  chmodSync(join(home, 'folder', 'inside'), 0o640);
  writeFileSync(join(home, 'new'), noise(5000, 11));
  rmSync(join(home, 'Grüße 東京'));
  const fd = openSync(join(home, 'large'), 'r+');
  writeSync(fd, 'one block of three changes', MIB + 500);
  closeSync(fd);
  for (const name of ['folder/inside', 'new', 'large', 'folder', '.']) {
    utimesSync(join(home, name), 1_100_000_000, 1_100_000_000);
  }
}
