import assert from 'node:assert/strict';
import { type BigIntStats, writeSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { close, createFile, type FileCallsKind, openFolderAt, type xattrsOf } from '../../../../src/state/fs/calls.ts';
import { codeOf } from '../../../../src/state/fs/errno.ts';
import { PLACES, workIn } from './places.ts';

export const asRoot = process.geteuid?.() === 0;
export const b = (text: string) => Buffer.from(text);
export const permissions = (stats: BigIntStats) => Number(stats.mode & 0o7777n);
export const shown = (xattrs: ReturnType<typeof xattrsOf>) =>
  xattrs.map(({ name, value }) => [Buffer.from(name).toString('latin1'), Buffer.from(value).toString('latin1')]);

/** Checks that a call is refused with one of these codes. */
export function refused(call: () => unknown, ...codes: string[]): void {
  assert.throws(call, (error) => {
    assert.ok(codes.includes(codeOf(error) ?? ''), `${codeOf(error)} instead of ${codes.join(' or ')}: ${error}`);
    return true;
  });
}

/** Opens, uses and closes something. */
export function using<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

export const writeNew = (folder: number, name: Uint8Array, text: string) =>
  using(createFile(folder, name), (fd) => writeSync(fd, text));

/** What the tests of one implementation have in common. */
export interface Suite {
  readonly kind: FileCallsKind;
  readonly isLinux: boolean;
  /** A test in each place. `run` gets an open folder and its path, and has to close what it opens. */
  inEachPlace(title: string, run: (folder: number, path: string, t: TestContext) => void | Promise<void>): void;
}

export function suiteOf(name: string, kind: FileCallsKind): Suite {
  return {
    kind,
    isLinux: kind === 'linux',
    inEachPlace(title, run) {
      for (const place of PLACES) {
        test(`${name}: ${title} (${place.name})`, async (t) => {
          await workIn(place, async (path) => {
            const folder = openFolderAt(b(path));
            try {
              await run(folder, path, t);
            } finally {
              close(folder);
            }
          });
        });
      }
    },
  };
}
