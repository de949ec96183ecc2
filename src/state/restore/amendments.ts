import { closeSync, fsyncSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from '../../common/durable-folders.ts';
import { failpoint } from '../../common/failpoint.ts';
import { codeOf } from '../fs/errno.ts';
import { writeAll } from '../fs/write-all.ts';

const HEAD_BYTES = 5;

/**
 * Other names that items got after all, beside the plan: something was there when they were put in place, though nothing
 * had been when that was decided. Each is durable before it is used; there are few.
 */
export class Amendments {
  readonly #path: string;
  readonly #names = new Map<number, Buffer>();
  #fd: number | undefined;

  /** `path` is the plan's. */
  constructor(path: string) {
    this.#path = `${path}.more`;
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    let at = 0;
    while (at + HEAD_BYTES <= bytes.length) {
      const end = at + HEAD_BYTES + bytes[at + 4]!;
      if (end > bytes.length) break;
      this.#names.set(bytes.readUInt32LE(at), Buffer.from(bytes.subarray(at + HEAD_BYTES, end)));
      at = end;
    }
    // One that was cut short was not used yet.
    if (at < bytes.length) truncateSync(this.#path, at);
  }

  /** The name that a decision got instead, if it did. */
  nameOf(number: number): Buffer | undefined {
    return this.#names.get(number);
  }

  add(number: number, name: Uint8Array): void {
    if (this.#fd === undefined) {
      this.#fd = openSync(this.#path, 'a', 0o600);
      syncFolder(dirname(this.#path));
    }
    const record = Buffer.alloc(HEAD_BYTES + name.length);
    record.writeUInt32LE(number);
    record[4] = name.length;
    record.set(name, HEAD_BYTES);
    writeAll(this.#fd, record);
    fsyncSync(this.#fd);
    failpoint('restore.other-name-noted');
    this.#names.set(number, Buffer.from(name));
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
