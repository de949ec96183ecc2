import { closeSync, fstatSync, ftruncateSync, openSync, readSync, utimesSync, writeSync } from 'node:fs';
import { Numbers } from './numbers.ts';
import { walk } from './walk.ts';

/** `words`: a line goes into the middle. `random`: content is replaced by bytes that do not compress. */
export type EditKind = 'words' | 'random';

const BLOCK_BYTES = 1024 * 1024;
const SHARE_OF_FILES = 0.01;
const LINE_BYTES = 60;
const OWNER_WRITES = 0o200;
const SEED = 20_250;

interface Before {
  readonly path: Buffer;
  readonly size: number;
  readonly offset: number;
  readonly bytes: Buffer;
  readonly atimeMs: number;
  readonly mtimeMs: number;
}

/** Changes 1 % of the files of a folder at a time, never the same file twice, and puts everything back. */
export class Edits {
  readonly #waiting: Buffer[];
  readonly #filesATime: number;
  readonly #undo: Before[] = [];
  readonly #numbers = new Numbers(SEED);

  constructor(folder: string) {
    const files: Buffer[] = [];
    for (const { path, stat } of walk(Buffer.from(folder))) {
      if (stat.isFile() && stat.nlink === 1 && stat.size > 0 && (stat.mode & OWNER_WRITES) !== 0) files.push(path);
    }
    this.#filesATime = Math.max(1, Math.round(files.length * SHARE_OF_FILES));
    this.#waiting = this.#numbers.shuffle(files);
  }

  /**
   * Edits the next 1 %, in place. Returns the changed bytes: of a file up to 1 MiB its size, of a larger one the 1 MiB
   * blocks that were touched (one, in its middle; its size stays).
   */
  apply(kind: EditKind): { files: number; changedBytes: number } {
    const paths = this.#waiting.splice(0, this.#filesATime);
    let changedBytes = 0;
    for (const path of paths) changedBytes += this.#edit(path, kind);
    return { files: paths.length, changedBytes };
  }

  /** Contents and times are what they were. */
  undo(): void {
    for (const { path, size, offset, bytes, atimeMs, mtimeMs } of this.#undo.splice(0)) {
      const fd = openSync(path, 'r+');
      try {
        writeSync(fd, bytes, 0, bytes.length, offset);
        ftruncateSync(fd, size);
      } finally {
        closeSync(fd);
      }
      utimesSync(path, atimeMs / 1000, mtimeMs / 1000);
    }
  }

  #edit(path: Buffer, kind: EditKind): number {
    const fd = openSync(path, 'r+');
    try {
      const { size, atimeMs, mtimeMs } = fstatSync(fd);
      const offset = size <= BLOCK_BYTES ? 0 : Math.floor(size / 2 / BLOCK_BYTES) * BLOCK_BYTES;
      const bytes = Buffer.alloc(Math.min(BLOCK_BYTES, size - offset));
      readSync(fd, bytes, 0, bytes.length, offset);
      this.#undo.push({ path, size, offset, bytes, atimeMs, mtimeMs });
      const changed = this.#changed(bytes, kind, size < BLOCK_BYTES - LINE_BYTES);
      writeSync(fd, changed, 0, changed.length, offset);
      return changed.length;
    } finally {
      closeSync(fd);
    }
  }

  #changed(bytes: Buffer, kind: EditKind, mayGrow: boolean): Buffer {
    if (kind === 'random') {
      const random = Buffer.alloc(bytes.length);
      this.#numbers.fill(random);
      return random;
    }
    const line = Buffer.alloc(mayGrow ? LINE_BYTES : Math.min(LINE_BYTES, bytes.length));
    this.#numbers.fillWithWords(line);
    const middle = Math.floor((bytes.length - (mayGrow ? 0 : line.length)) / 2);
    return Buffer.concat([bytes.subarray(0, middle), line, bytes.subarray(middle + (mayGrow ? 0 : line.length))]);
  }
}
