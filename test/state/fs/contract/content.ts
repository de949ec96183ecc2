import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fsyncSync, ftruncateSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  createFile,
  makeFolder,
  namesIn,
  nextData,
  nextHole,
  openFolder,
  pathOfFolder,
  syncFileSystem,
  syncFolder,
} from '../../../../src/state/fs/calls.ts';
import { b, type Suite, using } from '../support/suite.ts';

/** Holes, what is on disk, and locks. */
export function testContent({ kind, isLinux, inEachPlace }: Suite): void {
  inEachPlace('holes are found where the system tells of them', (folder) => {
    const block = 65_536;
    using(createFile(folder, b('file')), (fd) => {
      assert.equal(nextData(fd, 0), -1);
      assert.equal(nextHole(fd, 0), -1);
      const end = 5 * 2 ** 32;
      ftruncateSync(fd, end);
      writeSync(fd, Buffer.alloc(block, 1), 0, block, 2 * block);
      writeSync(fd, Buffer.alloc(block, 1), 0, block, 2 ** 33);
      fsyncSync(fd);
      if (isLinux) {
        assert.equal(nextData(fd, 0), 2 * block);
        assert.equal(nextHole(fd, 0), 0);
        assert.equal(nextHole(fd, 2 * block), 3 * block);
        assert.equal(nextData(fd, 3 * block), 2 ** 33);
        assert.equal(nextHole(fd, 2 ** 33 + 5), 2 ** 33 + block);
        assert.equal(nextData(fd, 2 ** 33 + block), -1);
      } else {
        for (const at of [0, 1, 2 ** 33 + block]) {
          assert.equal(nextData(fd, at), at);
          assert.equal(nextHole(fd, at), end);
        }
      }
      for (const at of [end, end + 1]) {
        assert.equal(nextData(fd, at), -1);
        assert.equal(nextHole(fd, at), -1);
      }
      const byte = Buffer.alloc(1);
      assert.equal(readSync(fd, byte, 0, 1, 2 * block), 1);
      assert.equal(byte[0], 1);
    });
  });

  inEachPlace('folders and file systems are synced, and Node finds an open folder by a path', (folder, path) => {
    makeFolder(folder, b('sub'));
    using(openFolder(folder, b('sub')), (sub) => {
      writeFileSync(join(pathOfFolder(sub), 'file'), 'by path');
      assert.equal(readFileSync(join(path, 'sub', 'file'), 'latin1'), 'by path');
      syncFolder(sub);
      syncFileSystem(sub);
      rmSync(join(pathOfFolder(sub), 'file'));
      assert.deepEqual(namesIn(sub), []);
    });
  });

  inEachPlace('a lock is held until its holder ends', async (_folder, path) => {
    const file = join(path, 'marker');
    writeFileSync(file, 'content');
    const calls = new URL('../../../../src/state/fs/calls.ts', import.meta.url).href;
    const script = `
      const { holdLock, useFileCalls } = await import(${JSON.stringify(calls)});
      useFileCalls(${JSON.stringify(kind)});
      console.log(holdLock(${JSON.stringify(file)}));`;
    const args = ['--input-type=module', '-e'];
    const attempt = (more = '') =>
      execFileSync(process.execPath, [...args, script + more], {
        encoding: 'latin1',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    const holder = spawn(process.execPath, [...args, `${script} setInterval(() => {}, 1000)`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [told] = (await once(holder.stdout, 'data')) as [Buffer];
      assert.equal(`${told}`, 'true\n');
      assert.equal(attempt(), 'false\n');
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    }
    assert.equal(readFileSync(file, 'latin1'), 'content');
    assert.equal(attempt(script.slice(script.indexOf('console'))), 'true\nfalse\n');
  });
}
