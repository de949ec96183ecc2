import { closeSync, openSync, readSync } from 'node:fs';
import { SPOOL_BUFFER_BYTES } from '../../common/limits.ts';
import { writeAll } from '../fs/write-all.ts';
import { type ExtentRecord, type PlannedFile, readRecord, recordBytes, writeRecord } from '../restore/extent-record.ts';

/** Records begin at multiples of this, so that 32 bits reach 32 GiB. */
const UNIT_BYTES = 8;
const RECORD_MAX_BYTES = 512;
const WINDOW_BYTES = 128 * 1024;
/** Small files and pieces of a large one come side by side: each kind has a window of its own. */
const WINDOWS = 2;
const NO_EXTENT = { segment: 0, offset: 0, length: 0 };

interface Window {
  readonly bytes: Buffer;
  at: number;
  length: number;
}

/** Files that are to come, in a scratch file, by the number of their entry: 4 bytes an entry of the plan stay in memory. */
export class PlannedFiles {
  readonly #fd: number;
  readonly #units: Uint32Array;
  readonly #buffer = Buffer.allocUnsafeSlow(SPOOL_BUFFER_BYTES / 8);
  #used = 0;
  #end = UNIT_BYTES;
  readonly #windows: Window[] = Array.from({ length: WINDOWS }, () => ({
    bytes: Buffer.allocUnsafeSlow(WINDOW_BYTES),
    at: 0,
    length: 0,
  }));

  constructor(path: string, total: number) {
    this.#fd = openSync(path, 'wx+', 0o600);
    this.#units = new Uint32Array(total);
    this.#used = UNIT_BYTES;
  }

  add(file: PlannedFile): void {
    const bytes = Math.ceil(recordBytes(file.name) / UNIT_BYTES) * UNIT_BYTES;
    if (this.#used + bytes > this.#buffer.length) this.flush();
    writeRecord(this.#buffer, this.#used, file, 0, NO_EXTENT);
    this.#used += bytes;
    this.#units[file.entry] = this.#end / UNIT_BYTES;
    this.#end += bytes;
  }

  flush(): void {
    writeAll(this.#fd, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  /** Undefined for a file that was not planned. Everything that was added must have been flushed. */
  get(entry: number): ExtentRecord | undefined {
    const unit = this.#units[entry];
    if (!unit) return undefined;
    const at = unit * UNIT_BYTES;
    const window = this.#windowOf(at);
    const records = window.bytes.subarray(0, window.length);
    const record = readRecord(records, at - window.at);
    return { ...record, name: Buffer.from(record.name) };
  }

  close(): void {
    closeSync(this.#fd);
  }

  #windowOf(at: number): Window {
    const found = this.#windows.findIndex((window) => holds(window, at));
    const [window] = this.#windows.splice(Math.max(found, found < 0 ? WINDOWS - 1 : 0), 1);
    this.#windows.unshift(window!);
    if (found < 0) {
      window!.at = at;
      window!.length = readSync(this.#fd, window!.bytes, 0, WINDOW_BYTES, at);
    }
    return window!;
  }
}

/** Whether the whole record is in the window: the last one of the file always is. */
function holds({ at, length }: Window, position: number): boolean {
  if (position < at || position >= at + length) return false;
  return at + length - position >= RECORD_MAX_BYTES || length < WINDOW_BYTES;
}
