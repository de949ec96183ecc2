import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const RECORD_BYTES = 280;

/** As the folder of a file: it waits in the temporary folder of the target’s own file system. */
export const PARKED = 0xffff_ffff;

/** Where the file of a link group lies, and which inode it is. */
export interface LinkInode {
  readonly folder: number;
  readonly name: Uint8Array;
  readonly dev: bigint;
  readonly ino: bigint;
}

/** The files that hard links are made to, by link group, in a scratch file: only those that this run made or verified. */
export class LinkInodes {
  readonly #fd: number;
  #isOpen = true;
  readonly #record = Buffer.alloc(RECORD_BYTES);

  constructor(path: string) {
    this.#fd = openSync(path, 'wx+', 0o600);
  }

  set(group: number, { folder, name, dev, ino }: LinkInode): void {
    const record = this.#record.fill(0);
    record.writeBigUInt64LE(dev, 0);
    record.writeBigUInt64LE(ino, 8);
    record.writeUInt32LE(folder, 16);
    record[20] = name.length;
    record.set(name, 21);
    writeSync(this.#fd, record, 0, RECORD_BYTES, group * RECORD_BYTES);
  }

  get(group: number): LinkInode | undefined {
    const record = this.#record;
    if (readSync(this.#fd, record, 0, RECORD_BYTES, group * RECORD_BYTES) !== RECORD_BYTES || record[20] === 0) {
      return undefined;
    }
    return {
      dev: record.readBigUInt64LE(0),
      ino: record.readBigUInt64LE(8),
      folder: record.readUInt32LE(16),
      name: Buffer.from(record.subarray(21, 21 + record[20]!)),
    };
  }

  /** May be called again. */
  close(): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }
}
