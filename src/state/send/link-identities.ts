import { closeSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { damaged } from '../format/damaged.ts';

const INODE_BYTES = 8;

/** Writes which inode the file of each link group was: 64-bit numbers, the last group's number and then one a group. */
export class LinkIdentitiesWriter {
  readonly #fd: number;
  #last = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'wx', 0o600);
  }

  /** Groups are numbered from 1. */
  set(group: number, ino: bigint): void {
    this.#last = Math.max(this.#last, group);
    this.#write(group, ino);
  }

  /** Brings them to the disk. */
  finish(): void {
    this.#write(0, BigInt(this.#last));
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(at: number, number: bigint): void {
    const bytes = Buffer.alloc(INODE_BYTES);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, number));
    writeSync(this.#fd, bytes, 0, INODE_BYTES, at * INODE_BYTES);
  }
}

/** Whether there is one for each group. */
export function hasAllLinks(path: string): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return size >= INODE_BYTES && size === (Number(inodeOfGroup(path, 0)) + 1) * INODE_BYTES;
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
