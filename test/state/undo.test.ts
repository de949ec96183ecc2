import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { PackSource } from '../../src/common/ports.ts';
import { type ConflictPolicy, standingOfFiles, undoRestore } from '../../src/state/restore/index.ts';
import { aclsIn, attributesIn, compareTrees } from '../support/compare-trees.ts';
import { isLong, runs } from '../support/long.ts';
import { hasProgram } from './fs/support/places.ts';
import type { ChildJob } from './support/restore-child.ts';
import { type Captured, captureTree, identity, on, restoreTree, temporaryFolder } from './support/source-machine.ts';

const POLICIES: readonly ConflictPolicy[] = ['keep-both', 'skip', 'replace', 'newer'];
const hasTools = hasProgram('setfacl') && hasProgram('setfattr') && hasProgram('getfattr');

/** A home with folders, links, odd modes; `marker` stands in the contents. */
function makeTree(home: string, marker: string): void {
  mkdirSync(join(home, 'shared/inner'), { recursive: true });
  mkdirSync(join(home, 'readonly'));
  for (let index = 0; index < 60; index++) {
    writeFileSync(join(home, `shared/inner/${index}`), index % 3 === 0 ? `${index}` : `${marker} ${index}`);
    if (index % 3 === 0) utimesSync(join(home, `shared/inner/${index}`), 1e9, 1e9);
  }
  writeFileSync(join(home, 'shared/large'), marker.repeat(400_000));
  writeFileSync(join(home, 'readonly/file'), marker);
  linkSync(join(home, 'readonly/file'), join(home, 'shared/linked'));
  symlinkSync(marker, join(home, 'shared/link'));
  if (marker === 'captured') {
    mkdirSync(join(home, 'folder-here/below'), { recursive: true });
    writeFileSync(join(home, 'folder-here/below/x'), marker);
    writeFileSync(join(home, 'file-here'), marker);
    mkdirSync(join(home, 'only-captured/deep'), { recursive: true });
    writeFileSync(join(home, 'only-captured/deep/y'), marker);
    execFileSync('mkfifo', [join(home, 'only-captured/fifo')]);
  } else {
    writeFileSync(join(home, 'folder-here'), marker);
    mkdirSync(join(home, 'file-here/below'), { recursive: true });
    writeFileSync(join(home, 'file-here/below/z'), marker);
    writeFileSync(join(home, 'only-there'), marker);
    if (hasTools) {
      execFileSync('setfacl', ['-m', 'u:12345:rwx,d:u:12345:rx', join(home, 'shared')]);
      execFileSync('setfattr', ['-n', 'user.mine', '-v', 'yes', join(home, 'shared')]);
    }
  }
  for (const name of ['shared/inner', 'shared', 'readonly']) utimesSync(join(home, name), 1.1e9, 1.1e9);
  chmodSync(join(home, 'readonly'), marker === 'captured' ? 0o555 : 0o511);
  utimesSync(home, 1.2e9, 1.2e9);
}

interface Scene {
  captured: Captured;
  target: string;
  /** A copy of what the target was. */
  before: string;
  undoDir(id: string): string;
}

async function scene(temporary: string): Promise<Scene> {
  const home = join(temporary, 'home');
  const target = join(temporary, 'target');
  const before = join(temporary, 'before');
  mkdirSync(home);
  mkdirSync(target);
  makeTree(home, 'captured');
  makeTree(target, 'mine');
  execFileSync('cp', ['-a', target, before]);
  const captured = await captureTree(temporary, [home]);
  return { captured, target, before, undoDir: (id) => join(temporary, 'restores', id) };
}

function assertAsBefore(before: string, target: string, message: string): void {
  assert.deepEqual(compareTrees(before, target).differences, [], message);
  if (!hasTools) return;
  assert.deepEqual(attributesIn(target), attributesIn(before), message);
  assert.equal(aclsIn(target), aclsIn(before), message);
}

const undo = (undoDir: string) => undoRestore({ undoDir }, on());

for (const onConflict of POLICIES) {
  test(`undo gives back what was there: ${onConflict}`, async (t) => {
    const { captured, target, before, undoDir } = await scene(temporaryFolder(t));
    const options = { onConflict, undoDir: undoDir('one'), restoreId: 'one' };
    await restoreTree(captured, target, options);
    assert.notDeepEqual(compareTrees(before, target).differences, []);
    assert.deepEqual(
      readdirSync(target).filter((name) => name.startsWith('.resettle')),
      [],
    );
    const record = JSON.parse(readFileSync(join(undoDir('one'), 'restore.json'), 'utf8')) as Record<string, unknown>;
    assert.deepEqual([record.restore, record.status, record.target, record.machine], ['one', 'done', target, 'laptop']);
    const result = await undo(undoDir('one'));
    assert.deepEqual(result.kept, { items: [], count: 0 });
    assertAsBefore(before, target, onConflict);
    assert.ok(onConflict !== 'replace' || result.putBack > 0);
    const again = await undo(undoDir('one'));
    assert.deepEqual([again.removed, again.putBack], [0, 0]);
    assertAsBefore(before, target, 'a second undo does nothing');
    assert.deepEqual(readdirSync(undoDir('one')).sort(), ['lock', 'restore.json']);
  });
}

test('pre-images lie in the target where the home is on another file system', {
  skip: !existsSync('/dev/shm'),
}, async (t) => {
  const { captured, target, before } = await scene(temporaryFolder(t));
  const home = mkdtempSync('/dev/shm/resettle-undo-');
  t.after(() => rmSync(home, { recursive: true }));
  const undoDir = join(home, 'far');
  await restoreTree(captured, target, { onConflict: 'replace', undoDir, restoreId: 'far' });
  assert.ok(readdirSync(target).includes('.resettle-undo-far'));
  await undo(undoDir);
  assertAsBefore(before, target, 'far');
});

test('a target that was not there is not there afterwards', async (t) => {
  const temporary = temporaryFolder(t);
  const { captured, undoDir } = await scene(temporary);
  const target = join(temporary, 'new-target');
  await restoreTree(captured, target, { undoDir: undoDir('new'), restoreId: 'new' });
  const { kept } = await undo(undoDir('new'));
  assert.deepEqual(kept.items, []);
  assert.equal(existsSync(target), false);
});

test('what was changed since stays, and what it had replaced comes back beside it', async (t) => {
  const { captured, target, undoDir } = await scene(temporaryFolder(t));
  await restoreTree(captured, target, { onConflict: 'replace', undoDir: undoDir('one'), restoreId: 'one' });
  writeFileSync(join(target, 'shared/inner/1'), 'edited since');
  writeFileSync(join(target, 'only-captured/deep/y'), 'edited too');
  writeFileSync(join(target, 'only-captured/new'), 'made since');
  const { kept } = await undo(undoDir('one'));
  assert.equal(readFileSync(join(target, 'shared/inner/1'), 'utf8'), 'edited since');
  assert.equal(readFileSync(join(target, 'only-captured/deep/y'), 'utf8'), 'edited too');
  assert.equal(readFileSync(join(target, 'only-captured/new'), 'utf8'), 'made since');
  const beside = readdirSync(join(target, 'shared/inner')).find((name) => name.startsWith('1 (before '))!;
  assert.equal(readFileSync(join(target, 'shared/inner', beside), 'utf8'), 'mine 1');
  assert.deepEqual(kept.items.map(({ path }) => path).sort(), [
    'only-captured',
    'only-captured/deep',
    'only-captured/deep/y',
    'shared/inner/1',
  ]);
});

test('undo follows no link that was put into the target since', async (t) => {
  const temporary = temporaryFolder(t);
  const { captured, target, undoDir } = await scene(temporary);
  await restoreTree(captured, target, { undoDir: undoDir('one'), restoreId: 'one' });
  const outside = join(temporary, 'outside');
  execFileSync('cp', ['-a', join(target, 'only-captured'), outside]);
  rmSync(join(target, 'only-captured'), { recursive: true });
  symlinkSync(outside, join(target, 'only-captured'));
  await undo(undoDir('one'));
  assert.ok(existsSync(join(outside, 'deep/y')));
  assert.ok(existsSync(join(target, 'only-captured')));
});

test('what is at work is not taken for one that was cut short before it changed anything', async (t) => {
  const { captured, target, before, undoDir } = await scene(temporaryFolder(t));
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
  const { promise: mayGo, resolve: go } = Promise.withResolvers<void>();
  const source: PackSource = {
    async get(...pack) {
      asked();
      await mayGo;
      await captured.packs.get(pack[0], pack[1], pack[2]);
    },
  };
  const options = { onConflict: 'replace', undoDir: undoDir('one'), restoreId: 'one' } as const;
  const restoring = restoreTree(captured, target, { ...options, source });
  await isAsked;
  assert.equal(standingOfFiles(undoDir('one')), 'begun');
  await assert.rejects(undo(undoDir('one')), /at work/);
  go();
  await restoring;
  assert.equal(standingOfFiles(undoDir('one')), 'made');
  await undo(undoDir('one'));
  assertAsBefore(before, target, 'and undone');
});

test('where nothing was restored there is nothing to undo', async (t) => {
  const temporary = temporaryFolder(t);
  await assert.rejects(undo(temporary), { code: 'not-found' });
});

/** Runs jobs in processes that are killed after a while, longer each time, until one ends by itself. */
async function killedAgainAndAgain(job: (attempt: number) => string, firstMs: number, stepMs: number): Promise<number> {
  const file = new URL('./support/restore-child.ts', import.meta.url).pathname;
  for (let attempt = 0, delayMs = firstMs; ; attempt++, delayMs += stepMs) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, job(attempt)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), delayMs);
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
    clearTimeout(timer);
    if (code !== null) {
      assert.equal(code, 0);
      return attempt;
    }
  }
}

for (const onConflict of isLong ? (['keep-both', 'replace'] as const) : (['keep-both'] as const)) {
  test(`killed at any time, restore and undo end the same: ${onConflict}`, { timeout: 120_000 }, async (t) => {
    const temporary = temporaryFolder(t);
    const { captured, target, before, undoDir } = await scene(temporary);
    const packs = join(temporary, 'packs');
    mkdirSync(packs);
    for (const [id, bytes] of captured.packs.packs) writeFileSync(join(packs, id), bytes);
    writeFileSync(join(temporary, 'descriptor'), captured.descriptor);
    const whole = join(temporary, 'whole');
    execFileSync('cp', ['-a', target, whole]);
    await restoreTree(captured, whole, { onConflict, undoDir: undoDir('whole'), restoreId: 'whole' });
    const jobFile = join(temporary, 'job');
    const write = (job: ChildJob) => {
      writeFileSync(jobFile, JSON.stringify(job));
      return jobFile;
    };
    const restoreJob = (restoreId: string) =>
      write({
        undoDir: undoDir(restoreId),
        restore: {
          descriptor: join(temporary, 'descriptor'),
          packs,
          stateKey: Buffer.from(identity.stateKey).toString('hex'),
          stateId: identity.stateId,
          source: identity.source,
          target,
          restoreId,
          onConflict,
        },
      });
    let kills = 0;
    for (let round = 0; round < runs(1, 3); round++) {
      // As in life, every attempt has its own id; an unfinished one is continued under its first.
      kills += await killedAgainAndAgain((attempt) => restoreJob(`round${round}-${attempt}`), 200 + round * 23, 41);
      assert.deepEqual(compareTrees(whole, target).differences, []);
      const begun = Array.from({ length: 100 }, (_, attempt) => undoDir(`round${round}-${attempt}`)).filter((one) =>
        existsSync(join(one, 'restore.json')),
      );
      for (const one of begun.reverse()) {
        kills += await killedAgainAndAgain(() => write({ undoDir: one }), 150 + round * 17, 37);
      }
      assertAsBefore(before, target, `round ${round}`);
    }
    assert.ok(kills > 2, `${kills} kills`);
  });
}

test('a restore that was cut short can be undone', { timeout: 60_000 }, async (t) => {
  const temporary = temporaryFolder(t);
  const { captured, target, before, undoDir } = await scene(temporary);
  const lost = captured.result.packs.find((pack) => captured.packs.packs.has(pack.id))!.id;
  captured.packs.packs.delete(lost);
  await assert.rejects(
    restoreTree(captured, target, { onConflict: 'replace', undoDir: undoDir('cut'), restoreId: 'cut' }),
    { code: 'damaged' },
  );
  assert.ok(readdirSync(target).some((name) => name.startsWith('.resettle-restore-')));
  const { kept } = await undo(undoDir('cut'));
  assert.deepEqual(kept.items, []);
  assertAsBefore(before, target, 'cut');
});
