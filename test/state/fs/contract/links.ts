import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  close,
  createFile,
  linkHandle,
  linkItem,
  makeFolder,
  makeSymlink,
  namesIn,
  openFolder,
  openHandle,
  openToRead,
  openToWrite,
  readLink,
  removeFile,
  removeFolder,
  rename,
  renameNew,
  setMode,
  setModeOfHandle,
  setOwner,
  setOwnerOfLink,
  setTime,
  setTimeOfLink,
  statOf,
  statOfItem,
  syncFolder,
  xattrsOfItem,
} from '../../../../src/state/fs/calls.ts';
import { asRoot, b, permissions, refused, type Suite, using, writeNew } from '../support/suite.ts';

/** Links, symbolic and hard, and what takes the place of what. */
export function testLinks({ isLinux, inEachPlace }: Suite): void {
  inEachPlace('a link in the last place is never followed', (folder, path) => {
    mkdirSync(join(path, 'outside'));
    writeFileSync(join(path, 'outside', 'file'), 'precious', { mode: 0o644 });
    makeFolder(folder, b('inside'));
    using(openFolder(folder, b('inside')), (inside) => {
      symlinkSync('../outside', join(path, 'inside', 'to-folder'));
      symlinkSync('../outside/file', join(path, 'inside', 'to-file'));
      symlinkSync('../outside/new', join(path, 'inside', 'to-nothing'));
      const before = [statSync(join(path, 'outside')), statSync(join(path, 'outside', 'file'))];
      refused(() => openFolder(inside, b('to-folder')), 'ENOTDIR', 'ELOOP');
      for (const link of ['to-folder', 'to-file', 'to-nothing'].map(b)) {
        refused(() => openToRead(inside, link), 'ELOOP');
        refused(() => openToWrite(inside, link), 'ELOOP');
        refused(() => createFile(inside, link), 'EEXIST');
        refused(() => makeFolder(inside, link), 'EEXIST');
        refused(() => removeFolder(inside, link), 'ENOTDIR');
        assert.ok(statOfItem(inside, link).isSymbolicLink());
        setTimeOfLink(inside, link, 1_000_000_000n);
        if (asRoot) setOwnerOfLink(inside, link, 12_345, 54_321);
        using(openHandle(inside, link), (handle) => {
          assert.ok(statOf(handle).isSymbolicLink());
          assert.equal(statOf(handle).mtimeNs, 1_000_000_000n);
          if (asRoot) assert.equal(statOf(handle).gid, 54_321n);
          refused(() => setModeOfHandle(handle, 0o777), 'ENOTSUP');
          linkHandle(handle, folder, b('by-handle'));
        });
        linkItem(inside, link, folder, b('by-name'));
        for (const twin of ['by-handle', 'by-name'].map(b)) {
          assert.equal(statOfItem(folder, twin).ino, statOfItem(inside, link).ino);
          removeFile(folder, twin);
        }
        assert.deepEqual(xattrsOfItem(inside, link), []);
        rename(inside, link, folder, link);
        renameNew(folder, link, inside, link);
        removeFile(inside, link);
      }
      assert.deepEqual(namesIn(inside), []);
      const after = [statSync(join(path, 'outside')), statSync(join(path, 'outside', 'file'))];
      // Reading the link's folder may touch access times.
      for (const stats of [...before, ...after]) stats.atimeMs = 0;
      assert.deepEqual(after, before);
      assert.deepEqual(readdirSync(join(path, 'outside')), ['file']);
    });
  });

  inEachPlace('an open folder that gives its place to a link does not lead out', (folder, path) => {
    mkdirSync(join(path, 'outside'));
    makeFolder(folder, b('sub'));
    using(openFolder(folder, b('sub')), (sub) => {
      renameSync(join(path, 'sub'), join(path, 'moved'));
      symlinkSync('outside', join(path, 'sub'));
      if (isLinux) {
        writeNew(sub, b('file'), 'x');
        setMode(sub, 0o711);
        assert.deepEqual(readdirSync(join(path, 'moved')), ['file']);
        assert.equal(permissions(lstatSync(join(path, 'moved'), { bigint: true })), 0o711);
      } else {
        refused(() => statOf(sub), 'ESTALE');
        refused(() => setMode(sub, 0o711), 'ESTALE');
        refused(() => setModeOfHandle(sub, 0o711), 'ESTALE');
        refused(() => setTime(sub, 0n), 'ESTALE');
        refused(() => setOwner(sub, 0, 0), 'ESTALE');
        refused(() => syncFolder(sub), 'ESTALE');
      }
    });
    assert.deepEqual(readdirSync(join(path, 'outside')), []);
    assert.notEqual(permissions(lstatSync(join(path, 'outside'), { bigint: true })), 0o711);
  });

  inEachPlace('a hard link is made to the inode of the handle, never to what took its name', (folder, path) => {
    writeNew(folder, b('file'), 'right');
    const handle = openHandle(folder, b('file'));
    linkHandle(handle, folder, b('twin'));
    assert.equal(statOfItem(folder, b('twin')).ino, statOf(handle).ino);
    refused(() => linkHandle(handle, folder, b('twin')), 'EEXIST');

    writeFileSync(join(path, 'wrong'), 'wrong');
    renameSync(join(path, 'wrong'), join(path, 'file'));
    if (isLinux) {
      linkHandle(handle, folder, b('third'));
      assert.equal(readFileSync(join(path, 'third'), 'latin1'), 'right');
    } else {
      refused(() => linkHandle(handle, folder, b('third')), 'ESTALE');
      refused(() => statOf(handle), 'ESTALE');
      assert.ok(!existsSync(join(path, 'third')));
    }
    close(handle);
    using(openHandle(folder, b('file')), (gone) => {
      unlinkSync(join(path, 'file'));
      refused(() => linkHandle(gone, folder, b('fourth')), 'ENOENT');
    });
  });

  inEachPlace('renameNew never takes the place of anything', (folder, path) => {
    makeFolder(folder, b('a'));
    makeFolder(folder, b('z'));
    const into = openFolder(folder, b('z'));
    writeNew(folder, b('file'), 'new');
    makeSymlink(b('nowhere'), folder, b('link'));
    writeNew(into, b('taken'), 'old');
    makeFolder(into, b('empty'));
    makeSymlink(b('nowhere'), into, b('dangling'));
    for (const from of ['file', 'link', 'a'].map(b)) {
      const { ino } = statOfItem(folder, from);
      for (const to of ['taken', 'empty', 'dangling']) refused(() => renameNew(folder, from, into, b(to)), 'EEXIST');
      renameNew(folder, from, into, from);
      assert.equal(statOfItem(into, from).ino, ino);
      assert.equal(statOfItem(into, from).nlink, from.equals(b('a')) ? 2n : 1n);
      refused(() => statOfItem(folder, from), 'ENOENT');
      refused(() => renameNew(folder, from, into, b('other')), 'ENOENT');
    }
    refused(() => renameNew(folder, b('z'), into, b('inside')), 'EINVAL');
    assert.equal(readFileSync(join(path, 'z', 'taken'), 'latin1'), 'old');
    assert.equal(readLink(into, b('dangling')).toString(), 'nowhere');
    close(into);
  });

  inEachPlace('rename takes the place of a file, linkItem of nothing', (folder, path) => {
    writeNew(folder, b('new'), 'new');
    writeNew(folder, b('old'), 'old');
    refused(() => linkItem(folder, b('new'), folder, b('old')), 'EEXIST');
    linkItem(folder, b('new'), folder, b('twin'));
    assert.equal(statOfItem(folder, b('twin')).nlink, 2n);
    rename(folder, b('new'), folder, b('old'));
    assert.equal(readFileSync(join(path, 'old'), 'latin1'), 'new');
    makeFolder(folder, b('sub'));
    refused(() => linkItem(folder, b('sub'), folder, b('sub2')), 'EPERM');
    refused(() => rename(folder, b('old'), folder, b('sub')), 'EISDIR');
  });
}
