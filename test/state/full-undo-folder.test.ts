import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { restoreSnapshot, undoRestore } from '../../src/state/restore/index.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { mountTmpfs, noTmpfs, unmount } from '../support/disks.ts';
import { makeHome } from '../support/trees.ts';
import { captureTree, identity, on, temporaryFolder } from './support/source-machine.ts';

test('a HOME that gets full at the end of a restore leaves one that goes on, and one undo takes all of it back', {
  skip: noTmpfs,
}, async (t) => {
  const dir = temporaryFolder(t);
  const [tree, disk, target, scratchDir] = ['tree', 'disk', 'target', 'scratch'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
    string,
  ];
  mkdirSync(scratchDir);
  makeHome(tree);
  mountTmpfs(disk, 1024 * 1024);
  try {
    const { descriptor, packs } = await captureTree(scratchDir, [tree]);
    const ballast = join(disk, 'ballast');
    const restore = (restoreId: string, onPack: () => void) =>
      restoreSnapshot(
        {
          ...{ descriptor, stateKey: identity.stateKey, target, strip: true, restoreId, scratchDir },
          undoDir: join(disk, restoreId),
          expected: { stateId: identity.stateId, source: identity.source, association: undefined },
          source: {
            get: (id, sizeBytes, into) => {
              onPack();
              return packs.get(id, sizeBytes, into);
            },
          },
        },
        on(),
      );
    let isFull = false;
    const fillOnce = (): void => {
      if (isFull || !existsSync(join(disk, 'first', 'plan'))) return;
      isFull = true;
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize));
    };
    await assert.rejects(restore('first', fillOnce), /ENOSPC/);
    assert.ok(isFull);
    rmSync(ballast);
    const again = await restore('second', () => {});
    assert.deepEqual([again.resumed, again.restoreId], [true, 'first']);
    assert.equal(existsSync(join(disk, 'second')), false);
    assert.match(readFileSync(join(disk, 'first', 'restore.json'), 'utf8'), /"status":"done"/);
    assert.deepEqual(compareTrees(tree, target).differences, []);
    await undoRestore({ undoDir: join(disk, 'first') }, on());
    assert.equal(existsSync(target), false);
  } finally {
    unmount(disk);
  }
});
