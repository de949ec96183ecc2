import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { damaged } from '../format/damaged.ts';

const INODE_BYTES = 8;

/** Writes which inode the file of each link group was: a 64-bit number at the group's place. */
export class LinkIdentitiesWriter {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'wx', 0o600);
  }

  set(group: number, ino: bigint): void {
    const bytes = Buffer.alloc(INODE_BYTES);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, ino));
    writeSync(this.#fd, bytes, 0, INODE_BYTES, group * INODE_BYTES);
  }

  /** Brings them to the disk. */
  finish(): void {
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Which inode that was. Throws `damaged` where the plan does not say. */
export function inodeOfGroup(path: string, group: number): bigint {
  const bytes = Buffer.alloc(INODE_BYTES);
  const fd = openSync(path, 'r');
  try {
    const got = readSync(fd, bytes, 0, INODE_BYTES, group * INODE_BYTES);
    if (got !== INODE_BYTES) throw damaged('the inodes of a plan are cut short');
  } finally {
    closeSync(fd);
  }
  return bytes.readBigUInt64LE();
}
