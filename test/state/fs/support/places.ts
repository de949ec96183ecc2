import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Place {
  readonly name: string;
  readonly path: string;
}

/** A file system in memory and the one of the disk; they differ in what they keep. */
export const PLACES: readonly Place[] = [
  { name: 'tmpfs', path: '/dev/shm' },
  { name: 'disk', path: tmpdir() },
].filter(({ path }) => existsSync(path));

// A folder of this process alone: other tests make such paths too, at the same time.
const own = mkdtempSync(join(tmpdir(), 'resettle-own-'));
process.env.TMPDIR = own;
process.on('exit', () => rmSync(own, { recursive: true, force: true }));

const openDescriptors = () => readdirSync('/proc/self/fd').length;
const shortPaths = () => readdirSync(tmpdir()).filter((name) => name.startsWith('resettle-paths-'));

/** Runs in a new folder, which is removed; checks that nothing stays open or behind. */
export async function workIn(place: Place, run: (path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(place.path, 'resettle-fs-'));
  const before = { descriptors: openDescriptors(), paths: shortPaths() };
  try {
    await run(path);
    assert.deepEqual({ descriptors: openDescriptors(), paths: shortPaths() }, before, 'something stayed open');
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/** Whether one of the folders of PATH has that program. */
export function hasProgram(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)));
}
