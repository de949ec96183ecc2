import { closeSync, fsyncSync, openSync, readSync, statSync } from 'node:fs';
import { damaged } from '../format/damaged.ts';
import { writeAll } from '../fs/write-all.ts';

const SIZE_BYTES = 8;
const BUFFER_SIZES = 8192;
/** Of an entry that is no file. */
const NO_FILE = -1;

/** Writes the planned size of every entry, in their order: a 64-bit float each. */
export class EntrySizesWriter {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_SIZES * SIZE_BYTES);
  #used = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'wx', 0o600);
  }

  /** `sizeBytes` undefined: it is no file. */
  add(sizeBytes: number | undefined): void {
    if (this.#used === this.#buffer.length) this.#flush();
    this.#used = this.#buffer.writeDoubleLE(sizeBytes ?? NO_FILE, this.#used);
  }

  /** Brings them to the disk. */
  finish(): void {
    this.#flush();
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #flush(): void {
    writeAll(this.#fd, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}

/** Sums up the sizes of the files among some entries. Throws `damaged` where there are not as many as `total`. */
export function sumSizes(
  path: string,
  total: number,
  runs: Iterable<{ start: number; end: number }>,
): { files: number; bytes: number } {
  const sum = { files: 0, bytes: 0 };
  const window = Buffer.allocUnsafeSlow(BUFFER_SIZES * SIZE_BYTES);
  let windowStart = 0;
  let windowEnd = 0;
  const fd = openSync(path, 'r');
  try {
    for (const { start, end } of runs) {
      for (let entry = start; entry < end; entry++) {
        if (entry >= windowEnd) {
          const read = readSync(fd, window, 0, window.length, entry * SIZE_BYTES);
          windowStart = entry;
          windowEnd = entry + Math.floor(read / SIZE_BYTES);
          if (windowEnd <= entry || windowEnd > total)
            throw damaged('the sizes of a plan are not those of its entries');
        }
        const size = window.readDoubleLE((entry - windowStart) * SIZE_BYTES);
        if (size === NO_FILE) continue;
        sum.files += 1;
        sum.bytes += size;
      }
    }
  } finally {
    closeSync(fd);
  }
  return sum;
}

/** Whether there is one for each of the plan's entries. */
export function hasAllSizes(path: string, total: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.size === total * SIZE_BYTES;
}
