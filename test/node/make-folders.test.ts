import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { makeFolders } from '../../src/common/make-folders.ts';

test('folders are made with those above them, once', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'resettle-folders-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'a', 'b', 'c');
  assert.equal(makeFolders(path, 0o700), true);
  assert.equal(statSync(join(folder, 'a')).mode & 0o777, 0o700);
  assert.equal(makeFolders(path), false);
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => makeFolders(join(folder, 'file')), { code: 'EEXIST' });
  assert.throws(() => makeFolders(join(folder, 'file', 'x')), { code: 'ENOTDIR' });
});

test('a file system that has no room for a new name ends it', { skip: process.platform !== 'linux' }, () => {
  assert.throws(() => makeFolders('/proc/no-such-process/x'), { code: 'ENOENT' });
});
