import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  close,
  createFile,
  linkItem,
  makeFolder,
  makeSymlink,
  namesIn,
  openFolder,
  openFolderAt,
  openHandle,
  openToRead,
  openToWrite,
  readLink,
  removeFile,
  removeFolder,
  rename,
  renameNew,
  setMode,
  setTime,
  statOf,
  statOfItem,
  syncFolder,
} from '../../../../src/state/fs/calls.ts';
import { PathCursor } from '../../../../src/state/fs/path-cursor.ts';
import { b, permissions, refused, type Suite, using, writeNew } from '../support/suite.ts';

/** Names, paths and numbers. */
export function testNames({ isLinux, inEachPlace }: Suite): void {
  inEachPlace('names are bytes, and come in the order of their bytes', (folder) => {
    const names = [b('\xff'), Buffer.of(0xff, 0xfe, 0x80), b('a b\n"\\'), b('Grüße'), Buffer.alloc(255, 0x81), b('A')];
    for (const one of names) {
      writeNew(folder, one, 'x');
      assert.ok(statOfItem(folder, one).isFile());
      using(openToRead(folder, one), (fd) => assert.equal(statOf(fd).size, 1n));
    }
    assert.deepEqual(namesIn(folder), names.toSorted(Buffer.compare));
    rename(folder, names[1]!, folder, Buffer.of(0xc3));
    makeSymlink(Buffer.of(0xc3, 0x28), folder, Buffer.of(0x80));
    assert.deepEqual(readLink(folder, Buffer.of(0x80)), Buffer.of(0xc3, 0x28));
    for (const one of namesIn(folder)) removeFile(folder, one);
    assert.deepEqual(namesIn(folder), []);
  });

  inEachPlace('a name that is not one component is refused', (folder) => {
    makeFolder(folder, b('sub'));
    writeNew(folder, b('file'), 'x');
    for (const bad of ['', '.', '..', '/', 'sub/file', '../x', '/etc', 'file\0', '\0']) {
      refused(() => openFolder(folder, b(bad)), 'EINVAL');
      refused(() => openToRead(folder, b(bad)), 'EINVAL');
      refused(() => createFile(folder, b(bad)), 'EINVAL');
      refused(() => statOfItem(folder, b(bad)), 'EINVAL');
      refused(() => rename(folder, b('file'), folder, b(bad)), 'EINVAL');
      refused(() => renameNew(folder, b('file'), folder, b(bad)), 'EINVAL');
      refused(() => linkItem(folder, b(bad), folder, b('y')), 'EINVAL');
      refused(() => removeFolder(folder, b(bad)), 'EINVAL');
    }
    for (const length of [256, 4095, 4096, 100_000]) {
      refused(() => createFile(folder, Buffer.alloc(length, 0x61)), 'ENAMETOOLONG');
      refused(() => rename(folder, b('file'), folder, Buffer.alloc(length, 0x61)), 'ENAMETOOLONG');
    }
    assert.deepEqual(namesIn(folder), [b('file'), b('sub')]);
  });

  inEachPlace('paths may be longer than a path can be', (folder) => {
    const step = b('d'.repeat(200));
    const path = Array.from({ length: 120 }, () => step);
    const cursor = new PathCursor(folder);
    for (let depth = 0; depth < path.length; depth++) makeFolder(cursor.enter(path.slice(0, depth)), step);
    writeNew(cursor.enter(path), b('deep'), 'deep');
    makeFolder(cursor.enter(path.slice(0, 119)), b('beside'));
    writeNew(cursor.enter([...path.slice(0, 119), b('beside')]), b('x'), 'x');
    cursor.close();

    const deepest = cursor.enter(path);
    assert.deepEqual(namesIn(deepest), [b('deep')]);
    setTime(deepest, 5_000_000_000n);
    setMode(deepest, 0o711);
    assert.equal(statOf(deepest).mtimeNs, 5_000_000_000n);
    assert.equal(permissions(statOfItem(cursor.enter(path.slice(0, 119)), step)), 0o711);
    using(openToRead(cursor.enter(path), b('deep')), (fd) => assert.equal(readFileSync(fd, 'latin1'), 'deep'));
    rename(cursor.enter(path), b('deep'), folder, b('up'));
    removeFile(cursor.enter([...path.slice(0, 119), b('beside')]), b('x'));
    removeFolder(cursor.enter(path.slice(0, 119)), b('beside'));
    for (let depth = path.length - 1; depth >= 0; depth--) removeFolder(cursor.enter(path.slice(0, depth)), step);
    cursor.close();
    assert.deepEqual(namesIn(folder), [b('up')]);
  });

  inEachPlace('numbers that are closed, or of the other implementation, are refused', (folder) => {
    makeFolder(folder, b('sub'));
    const file = createFile(folder, b('file'));
    const sub = openFolder(folder, b('sub'));
    close(sub);
    const foreign = isLinux ? 2 ** 20 : file;
    for (const gone of [sub, foreign]) {
      refused(() => createFile(gone, b('x')), 'EBADF');
      refused(() => openFolder(gone, b('sub')), 'EBADF', 'ENOTDIR');
      refused(() => makeFolder(gone, b('y')), 'EBADF');
      refused(() => syncFolder(gone), 'EBADF');
    }
    close(file);
    refused(() => statOf(sub), 'EBADF');
  });

  inEachPlace('what is missing or of another kind is refused', (folder, path) => {
    writeNew(folder, b('file'), 'x');
    makeFolder(folder, b('sub'));
    for (const open of [openFolder, openToRead, openToWrite, openHandle])
      refused(() => open(folder, b('no')), 'ENOENT');
    refused(() => openFolderAt(b(join(path, 'no'))), 'ENOENT');
    refused(() => openFolderAt(b(join(path, 'file'))), 'ENOTDIR');
    refused(() => openFolderAt(b(`${path}\0`)), 'EINVAL');
    refused(() => makeSymlink(b('x\0y'), folder, b('link')), 'EINVAL');
    refused(() => openFolder(folder, b('file')), 'ENOTDIR');
    refused(() => createFile(folder, b('file')), 'EEXIST');
    refused(() => createFile(folder, b('sub')), 'EEXIST');
    refused(() => makeFolder(folder, b('file')), 'EEXIST');
    refused(() => makeSymlink(b('x'), folder, b('sub')), 'EEXIST');
    refused(() => removeFolder(folder, b('file')), 'ENOTDIR');
    refused(() => removeFile(folder, b('sub')), 'EISDIR', 'EPERM');
    refused(() => readLink(folder, b('file')), 'EINVAL');
    refused(() => linkItem(folder, b('no'), folder, b('new')), 'ENOENT');
  });
}
