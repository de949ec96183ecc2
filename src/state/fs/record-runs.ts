import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { RECORDS_RUN_BYTES } from '../../common/limits.ts';
import { damaged } from '../format/damaged.ts';
import { codeOf } from './errno.ts';

/**
 * Whole records of a scratch file, as many at a time as memory shall hold, and then removes it. Nothing where there is no
 * such file. `bytesAt`: the length of the record that begins there; its first 512 bytes say it. Each run is memory of its own.
 */
export function* recordRuns(path: string, bytesAt: (records: Buffer, at: number) => number): Generator<Buffer, void> {
  const fd = openIfThere(path);
  if (fd === undefined) return;
  try {
    const { size } = fstatSync(fd);
    for (let at = 0; at < size; ) {
      const run = readFrom(fd, at, Math.min(size - at, RECORDS_RUN_BYTES));
      const end = at + run.length === size ? run.length : endOfWhole(run, bytesAt);
      yield run.subarray(0, end);
      at += end;
    }
  } finally {
    closeSync(fd);
    rmSync(path);
  }
}

const RECORD_MAX_BYTES = 512;

function endOfWhole(run: Buffer, bytesAt: (records: Buffer, at: number) => number): number {
  let at = 0;
  while (at + RECORD_MAX_BYTES <= run.length) at += bytesAt(run, at);
  return at;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function readFrom(fd: number, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let read = 0; read < length; ) {
    const got = readSync(fd, bytes, read, length - read, from + read);
    if (got === 0) throw damaged('a scratch file is short');
    read += got;
  }
  return bytes;
}
