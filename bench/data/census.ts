import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { walk } from './walk.ts';

/** What a data set holds. Names that share an inode count as one file. */
export interface Census {
  readonly files: number;
  readonly folders: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  readonly bytes: number;
  /** Files that are the same as an earlier one, byte for byte, and what they weigh. */
  readonly duplicateFiles: number;
  readonly duplicateBytes: number;
}

const PIECE_BYTES = 1024 * 1024;

/** Reads all of it once, so that it lies in the cache for every contestant alike, and counts. */
export function takeCensus(folder: string): Census {
  const count = { files: 0, folders: 0, symlinks: 0, hardlinks: 0, bytes: 0, duplicateFiles: 0, duplicateBytes: 0 };
  const inodes = new Set<string>();
  const contents = new Set<string>();
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  for (const { path, stat } of walk(Buffer.from(folder))) {
    if (stat.isDirectory()) count.folders += 1;
    if (stat.isSymbolicLink()) count.symlinks += 1;
    if (!stat.isFile()) continue;
    const inode = `${stat.dev}:${stat.ino}`;
    if (stat.nlink > 1 && inodes.has(inode)) {
      count.hardlinks += 1;
      continue;
    }
    if (stat.nlink > 1) inodes.add(inode);
    count.files += 1;
    count.bytes += stat.size;
    const content = hashOf(path, piece);
    if (contents.has(content)) {
      count.duplicateFiles += 1;
      count.duplicateBytes += stat.size;
    }
    contents.add(content);
  }
  return count;
}

function hashOf(path: Buffer, piece: Buffer): string {
  const hash = createHash('sha1');
  const fd = openSync(path, 'r');
  try {
    for (let read = readSync(fd, piece); read > 0; read = readSync(fd, piece)) hash.update(piece.subarray(0, read));
  } finally {
    closeSync(fd);
  }
  return hash.digest('base64');
}
