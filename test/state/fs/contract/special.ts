import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import {
  deviceOf,
  makeDevice,
  makeFifo,
  openFolder,
  openHandle,
  openToRead,
  openToWrite,
  setModeOfHandle,
  setTimeOfLink,
  statOf,
  statOfItem,
  xattrsOfItem,
} from '../../../../src/state/fs/calls.ts';
import { asRoot, b, permissions, refused, type Suite, using } from '../support/suite.ts';

/** FIFOs and devices. */
export function testSpecial({ isLinux, inEachPlace }: Suite): void {
  inEachPlace('opening a FIFO does not wait, and tells that it is one', (folder, path) => {
    execFileSync('mkfifo', [join(path, 'fifo')]);
    for (const open of [openToRead, openToWrite, openHandle]) {
      using(open(folder, b('fifo')), (fd) => assert.ok(statOf(fd).isFIFO()));
    }
    refused(() => openFolder(folder, b('fifo')), 'ENOTDIR');
    assert.deepEqual(xattrsOfItem(folder, b('fifo')), []);
  });

  inEachPlace('FIFOs are made', (folder) => {
    if (!isLinux) {
      refused(() => makeFifo(folder, b('fifo')), 'ENOTSUP');
      return;
    }
    makeFifo(folder, b('fifo'));
    refused(() => makeFifo(folder, b('fifo')), 'EEXIST');
    const stats = statOfItem(folder, b('fifo'));
    assert.ok(stats.isFIFO());
    assert.equal(permissions(stats), 0o600);
    using(openHandle(folder, b('fifo')), (handle) => setModeOfHandle(handle, 0o622));
    setTimeOfLink(folder, b('fifo'), -5n);
    assert.equal(permissions(statOfItem(folder, b('fifo'))), 0o622);
    assert.equal(statOfItem(folder, b('fifo')).mtimeNs, -5n);
  });

  inEachPlace('devices are made with their numbers', (folder, path, t) => {
    assert.deepEqual(deviceOf(statSync('/dev/null', { bigint: true })), { major: 1, minor: 3 });
    if (!isLinux) {
      refused(() => makeDevice(folder, b('null'), 'character', 1, 3), 'ENOTSUP');
      return;
    }
    for (const [major, minor] of [
      [-1, 0],
      [4096, 0],
      [0, 2 ** 20],
      [0, -1],
    ] as const) {
      refused(() => makeDevice(folder, b('bad'), 'block', major, minor), 'EINVAL');
    }
    if (!asRoot) {
      refused(() => makeDevice(folder, b('null'), 'character', 1, 3), 'EPERM');
      t.diagnostic('device nodes are made by root only');
      return;
    }
    const devices = [
      ['null', 'character', 1, 3],
      ['disk', 'block', 259, 1_048_575],
      ['far', 'block', 4095, 256],
      ['none', 'character', 0, 1],
    ] as const;
    for (const [name, type, major, minor] of devices) {
      makeDevice(folder, b(name), type, major, minor);
      const stats = statOfItem(folder, b(name));
      assert.equal(stats.isBlockDevice(), type === 'block');
      assert.equal(permissions(stats), 0o600);
      assert.deepEqual(deviceOf(stats), { major, minor });
      const told = execFileSync('stat', ['-c', '%t %T', join(path, name)], { encoding: 'latin1' }).trim();
      assert.equal(told, `${major.toString(16)} ${minor.toString(16)}`);
    }
  });
}
