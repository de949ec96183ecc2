import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Event } from '../support/agents.ts';
import { Scene } from '../support/scene.ts';
import { makeHome } from '../support/trees.ts';

const scene = new Scene();
const home = scene.path('home');
const store = scene.path('store');

before(async () => {
  writeFileSync(scene.path('pass'), `${scene.secret('correct horse battery staple')}\n`);
  makeHome(home);
  chmodSync(home, 0o700);
  await scene.done('laptop', ['capture', home, '--store', store, '--passphrase-file', scene.path('pass')]);
});
after(() => scene.end());

/** Restores into a fresh folder; returns the folder and the restore's id. */
async function restored(name: string): Promise<{ dir: string; id: string }> {
  const dir = scene.path(name);
  const done = await scene.done('laptop', ['restore', '--store', store, '--into', dir, '--strip']);
  return { dir, id: String(done.restore) };
}

const checksOf = (events: readonly Event[]): Event[] => events.filter(({ event }) => event === 'check');
const people = (...args: string[]) =>
  scene.command(['--home', scene.path('laptop'), 'checklist', ...args], { env: { NO_COLOR: '1' } }).ended;

test('where nothing was restored there is nothing to look at', async () => {
  const { hint } = await scene.fails('nobody', ['checklist'], 6, 'not-found');
  assert.match(hint, /restores/);
  for (const id of ['20260131-235959123-0a1b2c3d', '../states', '.']) {
    await scene.fails('nobody', ['checklist', id], 6, 'not-found');
  }
});

test('right after a restore all is well, and the newest is looked at', async () => {
  const older = await restored('older');
  const { dir, id } = await restored('well');
  const { status, events, last } = await scene.run('laptop', ['checklist']);
  assert.equal(status, 0);
  assert.equal(last.restore, id);
  assert.equal(last.into, dir);
  for (const name of ['state', 'snapshot', 'source', 'machine', 'capturedAt', 'restoredAt', 'madeAt', 'counts']) {
    assert.ok(last[name] !== undefined, name);
  }
  assert.equal(last.worst, 'same');
  const checks = checksOf(events);
  assert.equal(checks.length, (last.counts as { total: number }).total);
  for (const check of checks) {
    assert.equal(check.verdict, 'same');
    for (const name of ['group', 'id', 'title', 'expected', 'observed', 'evidence']) assert.ok(check[name], name);
  }
  unlinkSync(join(dir, 'run.sh'));
  const named = await scene.done('laptop', ['checklist', older.id]);
  assert.equal(named.restore, older.id);
  const { stdout, status: exit } = await people(older.id, '--all');
  assert.equal(exit, 0);
  assert.match(stdout, /\nAll is well: 2 items as they were\.\n/);
  assert.match(stdout, /AS IT WAS +Files of /);
  assert.doesNotMatch((await people(older.id)).stdout, /AS IT WAS/);
});

test('what is deleted, cut or opened to others after a restore is red, with what can be done', async () => {
  const { dir } = await restored('broken');
  rmSync(join(dir, 'Documents'), { recursive: true });
  appendFileSync(join(dir, 'marker.txt'), 'gone on with');
  chmodSync(dir, 0o777);
  const { status, events, last } = await scene.run('laptop', ['checklist']);
  assert.equal(status, 1);
  assert.equal(last.worst, 'failed');
  const [folder, files] = checksOf(events);
  assert.deepEqual(
    [folder?.verdict, folder?.observed],
    ['failed', folder!.expected!.toString().replace('0700', '0777')],
  );
  assert.match(String(folder?.remedy), /chmod 0700/);
  assert.equal(files?.verdict, 'failed');
  assert.match(String(files?.observed), /6 missing; 1 changed since/);
  assert.ok((files!.names as string[]).includes('missing: Documents/Grüße 東京.md'));
  assert.ok(files?.remedy);
  const { stdout, status: exit } = await people();
  assert.equal(exit, 1);
  assert.match(stdout, /\n2 items failed; 0 of 2 are in order\.\n/);
  assert.match(stdout, /FAILED {5}Files of /);
  assert.match(stdout, /to do +give the same/);
});

test('what a person went on with since is changed, and no fault', async () => {
  const { dir } = await restored('changed');
  appendFileSync(join(dir, 'marker.txt'), 'gone on with');
  const { status, last } = await scene.run('laptop', ['checklist']);
  assert.equal(status, 0);
  assert.equal(last.worst, 'changed');
});

test('what restored areas say is in it too, and an area of a later version is for a person', async () => {
  const { id } = await restored('areas');
  const areas = scene.path('laptop', 'restores', id, 'areas');
  const source = { hostname: 'old', osId: 'debian', osVersion: '12', osName: 'Debian <12>' };
  const machine = { format: 1, source, asRoot: true, capturedAt: '2026-01-30T16:45:00.000Z', roots: [], couldNot: [] };
  mkdirSync(join(areas, 'documents'), { recursive: true });
  const put = (name: string, what: unknown) => writeFileSync(join(areas, name), JSON.stringify(what));
  put('documents/machine.json', { ...machine, areas: [{ name: 'printers', version: 999 }] });
  put('documents/checklist.json', []);
  const wish = { root: scene.path('areas'), areas: ['printers'], identity: 'new' };
  put('outcome.json', {
    format: 1,
    wish,
    owners: { users: [], groups: [], paths: [], uidRanges: [], gidRanges: [] },
    items: [],
    status: 'applied',
  });
  const { status, events } = await scene.run('laptop', ['checklist']);
  assert.equal(status, 3);
  const groups = new Set(checksOf(events).map(({ group }) => group));
  assert.ok(groups.size >= 12, 'all groups of the origin, and files');
  const printers = checksOf(events).find(({ group }) => group === 'remote printers');
  assert.equal(printers?.verdict, 'person');
  const page = scene.path('areas.html');
  await scene.run('laptop', ['checklist', '--html', page]);
  assert.match(readFileSync(page, 'utf8'), /Debian &lt;12&gt;/);
  rmSync(areas, { recursive: true });
});

test('as a page it is written whole, and replaces nothing but a page of ours', async () => {
  await restored('page');
  const folder = scene.path('pages');
  mkdirSync(folder);
  const page = join(folder, 'checklist.html');
  const done = await scene.done('laptop', ['checklist', '--html', page]);
  assert.equal(done.html, page);
  const first = readFileSync(page, 'utf8');
  assert.match(first, /^<!doctype html>.*All is well.*<\/html>\n$/s);
  await scene.done('laptop', ['checklist', '--html', page]);
  assert.deepEqual(readdirSync(folder), ['checklist.html']);
  const mine = join(folder, 'mine.html');
  writeFileSync(mine, '<!doctype html>\n<p>mine');
  symlinkSync(page, join(folder, 'link.html'));
  linkSync(mine, join(folder, 'other.html'));
  for (const taken of ['mine.html', 'link.html', 'other.html', '.']) {
    const { message } = await scene.fails('laptop', ['checklist', '--html', join(folder, taken)], 2, 'usage');
    assert.match(message, /is no checklist/);
  }
  assert.equal(readFileSync(mine, 'utf8'), '<!doctype html>\n<p>mine');
  await scene.fails('laptop', ['checklist', '--html', join(folder, 'no/such/x.html')], 1, 'failed');
  assert.ok(!existsSync(join(folder, 'no')));
});

test('a running agent looks too; a restore that was undone is not looked at', async () => {
  const { id } = await restored('agent');
  await scene.agent('laptop');
  assert.equal((await scene.done('laptop', ['checklist'])).restore, id);
  assert.match((await people()).stdout, /All is well/);
  await scene.done('laptop', ['undo', id]);
  await scene.fails('laptop', ['checklist', id], 6, 'not-found');
});
