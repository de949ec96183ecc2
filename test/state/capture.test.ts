import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { planCapture } from '../../src/state/capture/index.ts';
import { Store, storeSink, storeSource } from '../../src/state/store/index.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { captureTree, identity, MemoryPacks, on, restoreTree, temporaryFolder } from './support/source-machine.ts';

const options = (scratchDir: string, path: string, exclude: string[] = []) => ({
  paths: [Buffer.from(path)],
  exclude: exclude.map((item) => Buffer.from(item)),
  scratchDir,
  stateId: identity.stateId,
  stateKey: identity.stateKey,
});

function homeIn(t: Parameters<typeof temporaryFolder>[0]): { folder: string; home: string } {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  return { folder, home };
}

test('a path that does not exist is not found, and a relative one is no path', async (t) => {
  const { folder, home } = homeIn(t);
  await assert.rejects(planCapture(options(folder, join(home, 'absent')), on()), { code: 'not-found' });
  await assert.rejects(planCapture(options(folder, 'home'), on()), { code: 'usage' });
  await assert.rejects(planCapture(options(folder, `${home}/../home`), on()), { code: 'usage' });
  assert.deepEqual(readdirSync(folder), ['home'], 'no scratch is left');
});

test('excluded items are known by their inode, listed, and leave nothing when nothing else is there', async (t) => {
  const { folder, home } = homeIn(t);
  mkdirSync(join(home, 'agent'));
  writeFileSync(join(home, 'agent/key'), 'secret');
  writeFileSync(join(home, 'kept'), 'kept');
  symlinkSync(join(home, 'agent'), join(folder, 'by-link'));
  const { plan, result } = await captureTree(folder, [home], { exclude: [join(folder, 'by-link')] });
  assert.deepEqual(plan.excluded, [join(home, 'agent')]);
  assert.deepEqual(plan.skipped, { items: [], count: 0 });
  assert.equal(result.totals.files, 1);
  await assert.rejects(planCapture(options(folder, home, [home]), on()), { code: 'nothing-left' });
});

test('the scratch folder of a capture is never captured', async (t) => {
  const { home } = homeIn(t);
  writeFileSync(join(home, 'file'), 'x');
  const { plan } = await captureTree(home, [home]);
  assert.equal(plan.files, 1);
  assert.equal(plan.excluded.length, 1);
  assert.deepEqual(readdirSync(home), ['file']);
});

test('a socket is listed with a reason, a FIFO is captured, and the rest goes on', async (t) => {
  const { folder, home } = homeIn(t);
  execFileSync('mkfifo', [join(home, 'fifo')]);
  writeFileSync(join(home, 'file'), 'x');
  const server = createServer().listen(join(home, 'socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  const { plan, result, packs, descriptor } = await captureTree(folder, [home]);
  server.close();
  assert.deepEqual(
    plan.skipped.items.map((item) => item.reason),
    ['a socket is not captured'],
  );
  assert.equal(result.skipped.count, 1);
  assert.equal(result.totals.specials, 1);
  const restored = await restoreTree({ packs, descriptor }, join(folder, 'target'));
  assert.deepEqual(restored.skippedAtCapture, result.skipped);
});

test('a file that vanished after the scan is listed, and a hard link to it takes its place', async (t) => {
  const { folder, home } = homeIn(t);
  writeFileSync(join(home, 'a'), 'same inode');
  linkSync(join(home, 'a'), join(home, 'b'));
  linkSync(join(home, 'a'), join(home, 'c'));
  writeFileSync(join(home, 'd'), 'gone soon');
  const captured = await captureTree(folder, [home], {
    afterPlan() {
      rmSync(join(home, 'a'));
      rmSync(join(home, 'd'));
    },
  });
  assert.deepEqual(
    captured.result.skipped.items.map((item) => [item.path, item.reason]),
    [
      [join(home, 'a'), 'it is gone'],
      [join(home, 'd'), 'it is gone'],
    ],
  );
  assert.deepEqual(captured.result.totals, { files: 1, folders: 1, symlinks: 0, hardlinks: 1, specials: 0, bytes: 10 });
  await restoreTree(captured, join(folder, 'target'));
  const { differences } = compareTrees(home, join(folder, 'target'));
  assert.deepEqual(
    differences.filter((difference) => !difference.startsWith('. has mtime')),
    [],
  );
});

test('files that grew or shrank after the scan are kept up to their planned size, and listed', async (t) => {
  const { folder, home } = homeIn(t);
  for (const name of ['grown', 'shrunk']) writeFileSync(join(home, name), randomBytes(10_000));
  for (const name of ['large-grown', 'large-shrunk']) writeFileSync(join(home, name), randomBytes(2_500_000));
  const captured = await captureTree(folder, [home], {
    afterPlan() {
      appendFileSync(join(home, 'grown'), randomBytes(50_000));
      appendFileSync(join(home, 'large-grown'), randomBytes(50_000_000));
      truncateSync(join(home, 'shrunk'), 10);
      truncateSync(join(home, 'large-shrunk'), 1_500_000);
    },
  });
  const { items } = captured.result.skipped;
  assert.deepEqual(
    items.map((item) => item.reason),
    Array(2).fill('it changed while it was read'),
  );
  assert.deepEqual(
    items.map((item) => item.path),
    ['grown', 'large-grown'].map((name) => join(home, name)),
  );
  assert.ok(captured.packs.totalBytes + captured.descriptor.length <= captured.plan.upperBoundBytes);
  const target = join(folder, 'target');
  await restoreTree(captured, target);
  for (const [name, size] of Object.entries({
    grown: 10_000,
    shrunk: 10,
    'large-grown': 2_500_000,
    'large-shrunk': 1_500_000,
  })) {
    const restored = readFileSync(join(target, name));
    assert.equal(restored.length, size);
    assert.ok(restored.equals(readFileSync(join(home, name)).subarray(0, size)), name);
  }
});

test('an unreadable folder and file are listed, and the rest goes on', {
  skip: process.geteuid?.() === 0 && 'root reads everything',
}, async (t) => {
  const { folder, home } = homeIn(t);
  mkdirSync(join(home, 'closed'), { mode: 0 });
  writeFileSync(join(home, 'closed-file'), 'x', { mode: 0 });
  writeFileSync(join(home, 'open'), 'x');
  const { result } = await captureTree(folder, [home]);
  assert.equal(result.totals.files, 1);
  assert.deepEqual(
    result.skipped.items.map((item) => item.reason),
    Array(2).fill('no permission to read it'),
  );
});

test('a sink that fails ends the capture with its error, and close leaves nothing behind', async (t) => {
  const { folder, home } = homeIn(t);
  writeFileSync(join(home, 'file'), randomBytes(1_000_000));
  const capture = await planCapture(options(folder, home), on());
  const failing = { put: () => Promise.reject(new Error('the point went away')) };
  await assert.rejects(capture.run(failing, on()), /the point went away/);
  await capture.close();
  await capture.close();
  assert.deepEqual(readdirSync(folder), ['home']);
});

test('a capture stops at once when it is aborted', async (t) => {
  const { folder, home } = homeIn(t);
  writeFileSync(join(home, 'file'), randomBytes(1_000_000));
  const capture = await planCapture(options(folder, home), on());
  const abort = new AbortController();
  const stuck = { put: () => new Promise<void>(() => abort.abort()) };
  await assert.rejects(capture.run(stuck, { onProgress() {}, signal: abort.signal }), { name: 'AbortError' });
  await capture.close();
  await assert.rejects(planCapture(options(folder, home), { onProgress() {}, signal: abort.signal }), {
    name: 'AbortError',
  });
});

test('a capture into a store and a restore out of it need no network', async (t) => {
  const { folder, home } = homeIn(t);
  for (let index = 0; index < 50; index++) writeFileSync(join(home, `${index}`), randomBytes(index * 10_000));
  const store = await Store.open(join(folder, 'store'), { create: true });
  t.after(() => store.close());
  await store.createState(identity.stateId);
  const { packs, descriptor, result } = await captureTree(folder, [home]);
  for (const [id, bytes] of packs.packs) {
    await storeSink(store, identity.stateId).put({ id, bytes }, on().signal);
  }
  assert.deepEqual(await store.verifyPacks(identity.stateId, result.packs), []);
  await store.writeDescriptor(identity.stateId, 1, descriptor);
  await restoreTree({ descriptor, packs: storeSource(store, identity.stateId) }, join(folder, 'target'));
  assert.deepEqual(compareTrees(home, join(folder, 'target')).differences, []);
});

test('progress comes in its phases and ends with the totals', async (t) => {
  const { folder, home } = homeIn(t);
  for (let index = 0; index < 40; index++) writeFileSync(join(home, `${index}`), 'x');
  const phases: string[] = [];
  const onProgress = ({ phase }: { phase: string }) => phases.push(phase);
  const capture = await planCapture(options(folder, home), { onProgress, signal: on().signal });
  await capture.run(new MemoryPacks(), { onProgress, signal: on().signal });
  await capture.close();
  assert.deepEqual([...new Set(phases)], ['scan', 'capture']);
});
