import assert from 'node:assert/strict';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { deviceNumber, deviceOfLinux } from '../../../src/state/fs/device-number.ts';
import { codeOf, SystemCallError } from '../../../src/state/fs/errno.ts';
import type { FileCalls } from '../../../src/state/fs/file-calls.ts';
import { linuxCalls } from '../../../src/state/fs/linux.ts';
import { renameNewByLink } from '../../../src/state/fs/rename-new.ts';
import { runFileCallsTests } from './contract.ts';
import { PLACES, workIn } from './support/places.ts';

runFileCallsTests('Linux', 'linux');

test('device numbers of the kernel are taken apart as they were made', () => {
  fc.assert(
    fc.property(fc.nat(0xfff), fc.nat(0xf_ffff), (major, minor) => {
      const rdev = BigInt(deviceNumber({ major, minor })!);
      assert.deepEqual(deviceOfLinux({ rdev } as BigIntStats), { major, minor });
    }),
  );
});

test('device numbers of the C library may have 32 bits each', () => {
  assert.deepEqual(deviceOfLinux({ rdev: -1n } as BigIntStats), { major: 0xffff_ffff, minor: 0xffff_ffff });
  assert.deepEqual(deviceOfLinux({ rdev: 0x1234_5678_9abc_def0n } as BigIntStats), {
    major: 0x1234_5cde,
    minor: 0x6789_abf0,
  });
});

/** The same file system if it had no hard links. */
const withoutLinks = {
  ...linuxCalls,
  linkItem: () => {
    throw new SystemCallError('link', 'ENOTSUP');
  },
};

for (const [how, calls] of Object.entries({ 'with hard links': linuxCalls, 'without hard links': withoutLinks })) {
  test(`renameNew takes the place of nothing where the kernel has no call for it, ${how}`, () => renamesNew(calls));
}

async function renamesNew(calls: FileCalls): Promise<void> {
  await workIn(PLACES[0]!, async (path) => {
    const folder = linuxCalls.openFolderAt(Buffer.from(path));
    const [file, sub, link, taken, free] = ['file', 'sub', 'link', 'taken', 'free'].map((name) => Buffer.from(name));
    for (const name of [file!, taken!]) linuxCalls.close(linuxCalls.createFile(folder, name));
    linuxCalls.makeFolder(folder, sub!);
    linuxCalls.makeSymlink(Buffer.from(join(path, 'nowhere')), folder, link!);
    for (const name of [file!, sub!, link!]) {
      const { ino } = linuxCalls.statOfItem(folder, name);
      for (const present of [taken!, name]) {
        assert.throws(
          () => renameNewByLink(calls, folder, name, folder, present),
          (error) => codeOf(error) === 'EEXIST',
        );
      }
      renameNewByLink(calls, folder, name, folder, free!);
      assert.equal(linuxCalls.statOfItem(folder, free!).ino, ino);
      assert.throws(
        () => linuxCalls.statOfItem(folder, name),
        (error) => codeOf(error) === 'ENOENT',
      );
      linuxCalls.rename(folder, free!, folder, name);
    }
    assert.deepEqual(linuxCalls.namesIn(folder).map(String), ['file', 'link', 'sub', 'taken']);
    linuxCalls.close(folder);
  });
}
