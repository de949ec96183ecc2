import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { CHECK_NAMED_MAX, CHECK_ROOTS_MAX } from '../../src/common/limits.ts';
import { Amendments } from '../../src/state/restore/amendments.ts';
import { Became } from '../../src/state/restore/became.ts';
import { readDecisions } from '../../src/state/restore/decision-log.ts';
import type { RestoreOptions } from '../../src/state/restore/index.ts';
import type { RestoredRoot } from '../../src/state/restore/restored-root.ts';
import { makeHome } from '../support/trees.ts';
import { captureTree, restoreTree, temporaryFolder } from './support/source-machine.ts';
import { verifyInWorker } from './support/verify-in-worker.ts';

const ROOT = process.geteuid?.() === 0;

interface Restored {
  /** The restored home. */
  readonly home: string;
  readonly undoDir: string;
  look(): Promise<RestoredRoot>;
}

/** A real home, captured and restored. */
async function restored(
  t: TestContext,
  options: Partial<RestoreOptions> = {},
  before?: (home: string) => void,
): Promise<Restored> {
  const temporary = temporaryFolder(t);
  const source = join(temporary, 'source');
  makeHome(source);
  mkdirSync(join(source, 'deep/er'), { recursive: true });
  for (let at = 0; at < 50; at += 1) writeFileSync(join(source, 'deep/er', `file-${at}`), `${at}`);
  execFileSync('mkfifo', [join(source, 'fifo')]);
  chmodSync(source, 0o700);
  const home = join(temporary, 'home');
  before?.(home);
  const undoDir = join(temporary, 'restores', 'one');
  await restoreTree(await captureTree(temporary, [source]), home, { restoreId: 'one', undoDir, ...options });
  const look = async (): Promise<RestoredRoot> => {
    const roots = await verifyInWorker(undoDir);
    assert.equal(roots.length, 1);
    return roots[0]!;
  };
  return { home, undoDir, look };
}

const none = { missing: 0, broken: 0, changed: 0, unseen: 0 };

test('right after a restore everything is in place, folders, links, FIFOs and all', async (t) => {
  const { look, home } = await restored(t);
  const { counts, path, folder, named } = await look();
  const found = execFileSync('find', [home, '-mindepth', '1'], { encoding: 'utf8' }).trim().split('\n').length;
  assert.deepEqual(counts, { ...none, 'in-place': found });
  assert.ok(found > 60);
  assert.equal(path, '/');
  assert.equal(folder?.wanted.mode, 0o700);
  assert.deepEqual([folder?.found?.mode, folder?.found?.uid], [folder?.wanted.mode, folder?.wanted.uid]);
  assert.deepEqual(named, { missing: [], broken: [], changed: [], unseen: [] });
});

/** What is done to a restored home, and what is found then. */
const FAULTS: readonly {
  readonly what: string;
  readonly fault: (home: string) => void;
  readonly fate: 'missing' | 'broken' | 'changed';
  readonly named: string;
}[] = [
  { what: 'a file is gone', fault: (home) => unlinkSync(join(home, 'photo.raw')), fate: 'missing', named: 'photo.raw' },
  { what: 'a link is gone', fault: (home) => unlinkSync(join(home, 'dangling')), fate: 'missing', named: 'dangling' },
  { what: 'a FIFO is gone', fault: (home) => unlinkSync(join(home, 'fifo')), fate: 'missing', named: 'fifo' },
  {
    what: 'a hard link is gone',
    fault: (home) => unlinkSync(join(home, 'Documents/photo-again.raw')),
    fate: 'missing',
    named: 'Documents/photo-again.raw',
  },
  {
    what: 'an empty folder is gone',
    fault: (home) => rmdirSync(join(home, 'Documents/Empty')),
    fate: 'missing',
    named: 'Documents/Empty',
  },
  {
    what: 'a file was written to',
    fault: (home) => appendFileSync(join(home, 'marker.txt'), 'more'),
    fate: 'changed',
    named: 'marker.txt',
  },
  {
    what: 'a file was cut short, and its time says that nobody was there',
    fault: (home) => {
      truncateSync(join(home, 'run.sh'), 3);
      utimesSync(join(home, 'run.sh'), 1_000_000_000, 1_000_000_000.5);
    },
    fate: 'broken',
    named: 'run.sh',
  },
  {
    what: 'a link leads elsewhere',
    fault: (home) => {
      unlinkSync(join(home, 'Documents/link'));
      symlinkSync('/somewhere/else', join(home, 'Documents/link'));
    },
    fate: 'changed',
    named: 'Documents/link',
  },
  {
    what: 'a folder has another mode',
    fault: (home) => chmodSync(join(home, 'deep'), 0o711),
    fate: 'changed',
    named: 'deep',
  },
  {
    what: 'a file is a folder now, with a time of before',
    fault: (home) => {
      unlinkSync(join(home, 'deep/er/file-7'));
      mkdirSync(join(home, 'deep/er/file-7'));
      utimesSync(join(home, 'deep/er/file-7'), 1e9, 1e9);
    },
    fate: 'broken',
    named: 'deep/er/file-7',
  },
];

test('each kind of fault is found, and nothing else is', async (t) => {
  const { look, home } = await restored(t);
  let before = await look();
  for (const { what, fault, fate, named } of FAULTS) {
    await t.test(what, async () => {
      fault(home);
      const { counts, named: told } = await look();
      const after = { ...before.counts, 'in-place': before.counts['in-place'] - 1 };
      assert.deepEqual(counts, { ...after, [fate]: after[fate] + 1 });
      assert.ok(told[fate].includes(named), told[fate].join(', '));
      before = { ...before, counts };
    });
  }
});

test('of a folder that is gone, or is a link now, all that was in it is missing', async (t) => {
  const { look, home } = await restored(t);
  renameSync(join(home, 'deep'), join(home, 'other'));
  symlinkSync('other', join(home, 'deep'));
  const { counts, named } = await look();
  assert.equal(counts.missing, 52);
  assert.equal(named.missing.length, CHECK_NAMED_MAX);
  assert.deepEqual(named.missing.slice(0, 2), ['deep', 'deep/er']);
});

test('the home itself: its mode, its owner, and that it is there', async (t) => {
  const { look, home } = await restored(t);
  chmodSync(home, 0o755);
  assert.equal((await look()).folder?.found?.mode, 0o755);
  assert.equal((await look()).folder?.isTouched, true);
  chmodSync(home, 0o700);
  if (ROOT) {
    chownSync(home, 12_345, 12_345);
    assert.equal((await look()).folder?.found?.uid, 12_345);
  }
  rmSync(home, { recursive: true });
  await assert.rejects(look(), { code: 'failed', message: /cannot look at what was restored into/ });
});

test('what got another name, what was there as captured and what was replaced is looked at where it is', async (t) => {
  const before = (home: string): void => {
    mkdirSync(home);
    writeFileSync(join(home, 'marker.txt'), 'mine');
  };
  const { look, home } = await restored(t, { onConflict: 'keep-both' }, before);
  assert.deepEqual({ ...(await look()).counts, 'in-place': 0 }, { ...none, 'in-place': 0 });
  unlinkSync(join(home, 'marker (laptop 2023-11-14).txt'));
  assert.deepEqual((await look()).named.missing, ['marker (laptop 2023-11-14).txt']);
  writeFileSync(join(home, 'marker.txt'), 'still mine');
  assert.equal((await look()).counts.changed, 0, 'what was there before is nobody’s business');
});

test('what was left as it was is told apart, and a device that was not allowed is no loss', async (t) => {
  const before = (home: string): void => {
    mkdirSync(home);
    writeFileSync(join(home, 'marker.txt'), 'mine');
    writeFileSync(join(home, 'deep'), 'a file where a folder was captured');
  };
  const { look } = await restored(t, { onConflict: 'skip' }, before);
  const { counts, skipped } = await look();
  assert.deepEqual({ ...counts, 'in-place': 0 }, { ...none, 'in-place': 0 });
  assert.equal(skipped, 53, 'marker.txt, deep, and all in it');
});

test('devices that were not allowed are no loss', { skip: !ROOT }, async (t) => {
  const temporary = temporaryFolder(t);
  const source = join(temporary, 'source');
  mkdirSync(source);
  execFileSync('mknod', [join(source, 'null'), 'c', '1', '3']);
  const undoDir = join(temporary, 'restores', 'one');
  await restoreTree(await captureTree(temporary, [source]), join(temporary, 'home'), { restoreId: 'one', undoDir });
  const [root] = await verifyInWorker(undoDir);
  assert.equal(root?.devicesLeftOut, 1);
  assert.deepEqual(root?.counts, { ...none, 'in-place': 0 });
});

test('each captured path stands by itself, single files by their folder, and thousands as one', async (t) => {
  const temporary = temporaryFolder(t);
  const many = Array.from({ length: CHECK_ROOTS_MAX + 50 }, (_, at) =>
    join(temporary, 'many', `${at}`.padStart(4, '0')),
  );
  for (const path of many) {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'x'), 'x');
  }
  mkdirSync(join(temporary, 'etc'));
  for (const name of ['hosts', 'fstab']) writeFileSync(join(temporary, 'etc', name), name);
  linkSync(join(temporary, 'etc/hosts'), join(temporary, 'etc/other'));
  const undoDir = join(temporary, 'restores', 'one');
  const files = ['hosts', 'fstab', 'other'].map((name) => join(temporary, 'etc', name));
  const captured = await captureTree(temporary, [...files, ...many]);
  await restoreTree(captured, join(temporary, 'target'), { strip: false, restoreId: 'one', undoDir });
  unlinkSync(join(temporary, 'target', temporary, 'etc/fstab'));
  unlinkSync(join(temporary, 'target', many.at(-1)!, 'x'));
  const roots = await verifyInWorker(undoDir);
  assert.equal(roots.length, CHECK_ROOTS_MAX + 1);
  const [etc] = roots.filter(({ path }) => path === join(temporary, 'etc'));
  assert.deepEqual(etc?.named.missing, ['fstab']);
  assert.equal(etc?.counts['in-place'], 2);
  const last = roots.at(-1)!;
  assert.equal(last.path, '');
  assert.deepEqual(last.named.missing, [join(many.at(-1)!, 'x').slice(1)]);
  const sum = roots.reduce((all, { counts }) => all + counts['in-place'] + counts.missing, 0);
  assert.equal(sum, 3 + 2 * many.length);
});

test('what got its name at the last moment, or was read again, is looked at as it became', async (t) => {
  const { look, home, undoDir } = await restored(t);
  const plan = join(undoDir, 'plan');
  const numberOf = (name: string) =>
    [...readDecisions(plan)].find((one) => Buffer.from(one.name).toString() === name)!.number;
  renameSync(join(home, 'run.sh'), join(home, 'run (laptop).sh'));
  const amendments = new Amendments(plan);
  amendments.add(numberOf('run.sh'), Buffer.from('run (laptop).sh'));
  amendments.close();
  const became = new Became(plan);
  writeFileSync(join(home, 'marker.txt'), 'as it became');
  utimesSync(join(home, 'marker.txt'), 1_600_000_000, 1_600_000_000);
  assert.equal((await look()).counts.broken, 1);
  became.add(numberOf('marker.txt'), { group: 0, sizeBytes: 12, mtimeNs: 1_600_000_000_000_000_000n });
  became.close();
  assert.deepEqual({ ...(await look()).counts, 'in-place': 0 }, { ...none, 'in-place': 0 });
});

test('a restore that is unfinished or was undone is not looked at', async (t) => {
  const { undoDir } = await restored(t);
  rmSync(join(undoDir, 'plan'));
  await assert.rejects(verifyInWorker(undoDir), { code: 'failed', message: /is not finished/ });
  rmSync(join(undoDir, 'restore.json'));
  await assert.rejects(verifyInWorker(undoDir), { code: 'not-found' });
});
