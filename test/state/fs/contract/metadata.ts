import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import {
  close,
  createFile,
  flagsOf,
  makeFolder,
  makeSymlink,
  openFolder,
  openFolderAt,
  openHandle,
  openToRead,
  openToWrite,
  removeFile,
  sameTime,
  setFlags,
  setMode,
  setModeOfHandle,
  setOwner,
  setOwnerOfLink,
  setTime,
  setTimeOfLink,
  statOf,
  statOfItem,
} from '../../../../src/state/fs/calls.ts';
import { INODE_FLAG } from '../../../../src/state/fs/inode-flags.ts';
import { hasProgram } from '../support/places.ts';
import { asRoot, b, permissions, refused, type Suite, using, writeNew } from '../support/suite.ts';

/** Times, modes, owners and inode flags. */
export function testMetadata({ isLinux, inEachPlace }: Suite): void {
  inEachPlace('times are kept, before 1970 and far from it too', (folder) => {
    makeFolder(folder, b('sub'));
    writeNew(folder, b('file'), 'x');
    makeSymlink(b('file'), folder, b('link'));
    const sub = openFolder(folder, b('sub'));
    const file = openToWrite(folder, b('file'));
    const times = [
      0n,
      -1n,
      1_709_210_096_123_456_789n,
      1_700_000_000_999_999_999n,
      -1_000_000_000n,
      -1_500_000_001n,
      -2_147_483_646_999_999_999n,
      7_258_118_399_999_999_999n,
      9_223_372_036_854_775_807n,
    ];
    const access = (name: string) => statOfItem(folder, b(name)).atimeNs / 1000n;
    const accessBefore = ['sub', 'file', 'link'].map(access);
    for (const time of times) {
      setTime(sub, time);
      setTime(file, time);
      setTimeOfLink(folder, b('link'), time);
      for (const name of ['sub', 'file', 'link']) {
        const { mtimeNs } = statOfItem(folder, b(name));
        assert.ok(sameTime(mtimeNs, time), `${name}: ${mtimeNs} instead of ${time}`);
        if (isLinux) assert.equal(mtimeNs, time);
      }
    }
    assert.equal(sameTime(5n, 6n), !isLinux);
    assert.equal(sameTime(0n, 2000n), false);
    for (const [at, name] of ['sub', 'file', 'link'].entries()) {
      const drift = access(name) - accessBefore[at]!;
      assert.ok(drift >= -1n && drift <= 1n, `the access time of ${name} moved by ${drift} µs`);
    }
    close(sub);
    close(file);
  });

  inEachPlace('modes and owners are set on files, folders and links', (folder) => {
    makeFolder(folder, b('sub'));
    writeNew(folder, b('file'), 'x');
    makeSymlink(b('file'), folder, b('link'));
    assert.equal(permissions(statOfItem(folder, b('sub'))), 0o700);
    assert.equal(permissions(statOfItem(folder, b('file'))), 0o600);
    for (const open of [openFolder(folder, b('sub')), openToWrite(folder, b('file'))]) {
      using(open, (fd) => {
        if (asRoot) {
          setOwner(fd, 12_345, 4_000_000_000);
          assert.deepEqual([statOf(fd).uid, statOf(fd).gid], [12_345n, 4_000_000_000n]);
        }
        setMode(fd, 0o1751);
        assert.equal(permissions(statOf(fd)), 0o1751);
      });
    }
    for (const name of ['sub', 'file']) {
      for (const mode of [0, 0o750]) {
        using(openHandle(folder, b(name)), (handle) => setModeOfHandle(handle, mode));
        assert.equal(permissions(statOfItem(folder, b(name))), mode);
      }
    }
    if (!asRoot) return;
    setOwnerOfLink(folder, b('link'), 7, 8);
    assert.deepEqual([statOfItem(folder, b('link')).uid, statOfItem(folder, b('link')).gid], [7n, 8n]);
    assert.equal(statOfItem(folder, b('file')).uid, 12_345n);
  });

  inEachPlace('inode flags are kept, and the others of an inode stay', (folder, path, t) => {
    const file = createFile(folder, b('file'));
    const { dev } = statOf(file);
    if (!isLinux || flagsOf(file, dev) === undefined) {
      assert.equal(flagsOf(file), undefined);
      assert.equal(flagsOf(file, dev), undefined);
      refused(() => setFlags(file, INODE_FLAG.noDump), 'ENOTSUP', 'ENOTTY');
      close(file);
      if (isLinux) t.diagnostic('this file system has no inode flags');
      return;
    }
    if (!hasProgram('lsattr')) {
      close(file);
      t.skip('lsattr and chattr are missing (package e2fsprogs)');
      return;
    }
    const letters = (name: string) =>
      execFileSync('lsattr', ['-d', join(path, name)], { encoding: 'latin1' })
        .split(' ')[0]!
        .replaceAll('-', '');
    assert.equal(flagsOf(file, dev), 0);
    const others = letters('file');
    setFlags(file, INODE_FLAG.noDump | INODE_FLAG.noAtime);
    assert.equal(flagsOf(file, dev), INODE_FLAG.noDump | INODE_FLAG.noAtime);
    assert.equal([...letters('file')].sort().join(), [...others, 'A', 'd'].sort().join());
    setFlags(file, INODE_FLAG.noDump | 0x4);
    assert.equal(flagsOf(file), INODE_FLAG.noDump);
    makeFolder(folder, b('sub'));
    using(openFolder(folder, b('sub')), (sub) => {
      execFileSync('chattr', ['+d', join(path, 'sub')]);
      assert.equal(flagsOf(sub, dev), INODE_FLAG.noDump);
      setFlags(sub, 0);
      assert.equal(flagsOf(sub, dev), 0);
    });
    if (asRoot) {
      setFlags(file, INODE_FLAG.immutable);
      assert.equal(flagsOf(file), INODE_FLAG.immutable);
      refused(() => removeFile(folder, b('file')), 'EPERM');
      setFlags(file, 0);
    }
    close(file);
    const nothing = openToRead(folder, b('file'));
    close(nothing);
    refused(() => flagsOf(nothing), 'EBADF');
  });

  inEachPlace('a file system without inode flags is not asked again', () => {
    if (!isLinux) return;
    using(openFolderAt(b('/proc/self')), (proc) => {
      const { dev } = statOf(proc);
      assert.equal(flagsOf(proc, dev), undefined);
      // A number that is no descriptor: asking would fail.
      assert.equal(flagsOf(-1, dev), undefined);
      refused(() => flagsOf(-1), 'EBADF');
    });
  });
}
