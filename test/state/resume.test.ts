import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { PackId } from '../../src/common/ids.ts';
import { type ConflictPolicy, restoreSnapshot } from '../../src/state/restore/index.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { type Captured, captureTree, identity, restoreTree, temporaryFolder } from './support/source-machine.ts';

/** About 70 MiB that do not compress, so that there are several packs; small and large files, links, odd modes. */
function makeHome(home: string): void {
  mkdirSync(join(home, 'large'), { recursive: true });
  mkdirSync(join(home, 'small/inner'), { recursive: true });
  mkdirSync(join(home, 'readonly'));
  for (let index = 0; index < 2; index++) writeFileSync(join(home, `large/${index}`), randomBytes(22_500_000 + index));
  for (let index = 0; index < 300; index++) writeFileSync(join(home, `small/${index}`), randomBytes(50_000));
  for (let index = 0; index < 100; index++) writeFileSync(join(home, `small/inner/${index}`), `${index}`.repeat(index));
  writeFileSync(join(home, 'readonly/file'), 'x');
  linkSync(join(home, 'small/7'), join(home, 'readonly/linked'));
  linkSync(join(home, 'large/1'), join(home, 'z-linked'));
  symlinkSync('../small', join(home, 'readonly/link'));
  for (const name of ['readonly/file', 'readonly', 'large', 'small/inner', 'small'])
    utimesSync(join(home, name), 1e9, 1e9);
  chmodSync(join(home, 'readonly'), 0o555);
}

/** Restores until that many packs of content were given, then dies as a process does: the worker is ended at once. */
async function dieAfter(
  captured: Captured,
  target: string,
  packs: number,
  more: { onConflict?: ConflictPolicy; undoDir?: string; restoreId?: string } = {},
): Promise<void> {
  const abort = new AbortController();
  let given = 0;
  const source = {
    async get(id: PackId, size: number, into: Uint8Array) {
      if (given++ >= packs) {
        abort.abort();
        return await new Promise<never>(() => {});
      }
      await captured.packs.get(id, size, into);
    },
  };
  await assert.rejects(
    restoreSnapshot(
      {
        descriptor: captured.descriptor,
        stateKey: identity.stateKey,
        expected: { stateId: identity.stateId, source: identity.source, association: undefined },
        target,
        strip: true,
        source,
        restoreId: 'dies',
        ...more,
      },
      { onProgress() {}, signal: abort.signal },
    ),
    { name: 'AbortError' },
  );
}

test('a restore that is killed goes on where it stopped, and ends with the same tree', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  makeHome(home);
  const captured = await captureTree(folder, [home]);
  const packs = captured.packs.packs.size;
  assert.ok(packs >= 5, `${packs} packs`);
  for (const after of [0, 1, 2, 4, packs - 1]) {
    const target = join(folder, `target${after}`);
    await dieAfter(captured, target, after);
    captured.packs.asked.length = 0;
    const result = await restoreTree(captured, target);
    assert.equal(result.resumed, true);
    const { differences, compared } = compareTrees(home, target);
    assert.deepEqual(differences, []);
    assert.equal(compared.hardlinks, 2);
    chmodSync(join(target, 'readonly'), 0o755);
    rmSync(target, { recursive: true });
  }
});

test('the target’s own time tells that something came into it, in a later run as in the first', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  makeHome(home);
  // All that comes into the target itself are folders, which are there early.
  rmSync(join(home, 'z-linked'));
  const captured = await captureTree(folder, [home]);
  for (const dies of [false, true]) {
    const target = join(folder, `target-${dies}`);
    mkdirSync(target);
    writeFileSync(join(target, 'own'), 'mine');
    utimesSync(target, 1e9, 1e9);
    const more = { onConflict: 'skip' as const, undoDir: join(folder, `undo-${dies}`, 'dies'), restoreId: 'dies' };
    mkdirSync(join(folder, `undo-${dies}`));
    if (dies) await dieAfter(captured, target, 3, more);
    await restoreTree(captured, target, more);
    assert.ok(existsSync(join(target, 'large')));
    assert.ok(statSync(target).mtimeMs > 1e12, `${dies}: ${statSync(target).mtime}`);
    chmodSync(join(target, 'readonly'), 0o755);
  }
});

test('killed again and again, wherever that hits, it ends with the same tree', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  makeHome(home);
  const captured = await captureTree(folder, [home]);
  const target = join(folder, 'target');
  const options = {
    descriptor: captured.descriptor,
    stateKey: identity.stateKey,
    expected: { stateId: identity.stateId, source: identity.source, association: undefined },
    target,
    strip: true,
    source: captured.packs,
    restoreId: 'dies-often',
  };
  let done = false;
  for (let delayMs = 100; !done; delayMs += 60) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), delayMs);
    done = await restoreSnapshot(options, { onProgress() {}, signal: abort.signal }).then(
      () => true,
      (error: Error) => {
        assert.equal(error.name, 'AbortError', error.message);
        // Killed after its last step: the tree is whole, and the journal gone.
        return (
          existsSync(target) &&
          !readdirSync(target).some((name) => name.startsWith('.resettle')) &&
          existsSync(join(target, 'large'))
        );
      },
    );
    clearTimeout(timer);
  }
  assert.deepEqual(compareTrees(home, target).differences, []);
});

test('a file in place that was altered since, at the same size and time, is restored again', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  makeHome(home);
  utimesSync(join(home, 'small/0'), 1e9, 1e9);
  const captured = await captureTree(folder, [home]);
  const target = join(folder, 'target');
  const lost = captured.result.packs.at(-2)!.id;
  const bytes = captured.packs.packs.get(lost)!;
  captured.packs.packs.delete(lost);
  await assert.rejects(restoreTree(captured, target), { code: 'damaged' });
  captured.packs.packs.set(lost, bytes);
  captured.packs.asked.length = 0;
  const small = join(target, 'small/0');
  assert.ok(existsSync(small) && existsSync(join(target, 'large/0')));
  writeFileSync(small, randomBytes(50_000));
  utimesSync(small, 1e9, 1e9);
  rmSync(join(target, 'small/1'));
  mkdirSync(join(target, 'extra'));
  rmSync(join(target, 'extra'), { recursive: true });
  await restoreTree(captured, target);
  assert.ok(captured.packs.asked.length < captured.packs.packs.size, 'packs of whole files are not fetched again');
  assert.deepEqual(compareTrees(home, target).differences, []);
  assert.ok(readdirSync(target).every((name) => !name.startsWith('.resettle-restore')));
});

test('an aborted restore leaves nothing open, and another one can begin at once', {
  skip: !existsSync('/proc/self/fd'),
}, async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  makeHome(home);
  const captured = await captureTree(folder, [home]);
  const target = join(folder, 'target');
  await dieAfter(captured, target, 1);
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for (const packs of [0, 2, 3]) await dieAfter(captured, target, packs);
  assert.ok(open() <= before, `${open()} descriptors are open, ${before} were`);
  await restoreTree(captured, target);
  assert.deepEqual(compareTrees(home, target).differences, []);
});
