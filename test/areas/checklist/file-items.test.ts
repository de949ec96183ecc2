import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FilePlaces, fileItems } from '../../../src/state/areas/checklist/file-items.ts';
import type { RestoredRoot } from '../../../src/state/restore/restored-root.ts';

const MACHINE: FilePlaces = {
  into: '/',
  roots: [
    { path: '/home/ann', area: 'homes' },
    { path: '/home/ann/.config/tool', area: 'applications' },
    { path: '/usr/local', area: 'usr-local' },
    { path: '/srv/lab', area: 'homes' },
  ],
  home: (path) => path.replace(/^\/home\/ann(?=\/|$)/, '/home/anna'),
};
const FILES_ONLY: FilePlaces = { into: '/srv/restored', roots: [], home: (path) => path };

function root(
  path: string,
  more: Partial<RestoredRoot> = {},
  counts: Partial<RestoredRoot['counts']> = {},
): RestoredRoot {
  return {
    path,
    folder: undefined,
    counts: { 'in-place': 12_345, missing: 0, broken: 0, changed: 0, unseen: 0, ...counts },
    skipped: 0,
    devicesLeftOut: 0,
    named: { missing: [], broken: [], changed: [], unseen: [] },
    ...more,
  };
}

const only = (one: RestoredRoot, places = MACHINE) => {
  const items = fileItems([one], places);
  assert.equal(items.length, 1);
  return items[0]!;
};

test('files stand in the group of the area that took them, also where a home has another name', () => {
  const groupOf = (path: string, places = MACHINE) => only(root(path), places).group;
  assert.equal(groupOf('/home/anna'), 'home');
  assert.equal(groupOf('/home/anna/.config/tool'), 'application information', 'the deepest one decides');
  assert.equal(groupOf('/srv/lab/x'), 'home');
  assert.equal(groupOf('/usr/local'), '/usr/local');
  assert.equal(groupOf('/usr/localx'), 'files');
  assert.equal(groupOf('/home/ben', FILES_ONLY), 'home');
  assert.equal(groupOf('/usr/local/lib', FILES_ONLY), '/usr/local');
  assert.equal(groupOf('/', FILES_ONLY), 'files');
});

test('files in place are the same, with their number', () => {
  const item = only(root('/home/anna'));
  assert.equal(item.expected, '12,345 files and folders in place');
  assert.equal(item.observed, '12,345 of 12,345 in place');
  assert.equal(item.verdict, 'same');
  assert.equal(only(root('/home/ben'), FILES_ONLY).title, 'Files of /srv/restored/home/ben');
  assert.equal(only(root('/'), FILES_ONLY).title, 'Files of /srv/restored');
});

test('the worst of what was found decides, and each is counted and named', () => {
  const named = { missing: ['a'], broken: ['b'], changed: ['c'], unseen: ['d'] };
  const worst = only(root('/home/anna', { named, skipped: 2 }, { missing: 1, broken: 1, changed: 1, unseen: 1 }));
  assert.equal(worst.verdict, 'failed');
  assert.equal(
    worst.observed,
    '12,345 of 12,349 in place; 1 missing; 1 of another size or kind although nobody changed them; 1 changed since; ' +
      '1 that cannot be looked at; 2 left as they were, since something else was there',
  );
  assert.deepEqual(worst.names, ['missing: a', 'other: b', 'not looked at: d', 'changed since: c']);
  const verdictOf = (counts: Partial<RestoredRoot['counts']>) => only(root('/home/anna', {}, counts)).verdict;
  assert.equal(verdictOf({ broken: 1 }), 'failed');
  assert.equal(verdictOf({ unseen: 1, changed: 1 }), 'person');
  assert.equal(verdictOf({ changed: 1 }), 'changed');
  assert.equal(only(root('/home/anna', { skipped: 3 })).verdict, 'same', 'that was wished');
});

test('a home that is open to others or belongs to somebody else has failed, with the command that puts it right', () => {
  const wanted = { mode: 0o700, uid: 1000, gid: 1000 };
  const folder = (found: typeof wanted | undefined, isTouched = true) =>
    fileItems([root("/home/o'neil", { folder: { wanted, found, isTouched } })], MACHINE)[0]!;
  assert.equal(folder(wanted).verdict, 'same');
  for (const found of [
    { ...wanted, mode: 0o755 },
    { ...wanted, uid: 0 },
    { ...wanted, gid: 0 },
  ]) {
    assert.equal(folder(found).verdict, 'failed');
    assert.equal(folder(found).remedy, String.raw`chown 1000:1000 '/home/o'\''neil'; chmod 0700 '/home/o'\''neil'`);
  }
  assert.equal(folder(undefined).verdict, 'failed');
  assert.equal(folder({ ...wanted, mode: 0o755 }, false).verdict, 'changed', 'this file system keeps no other');
});

test('devices that were not allowed are withheld', () => {
  const [files, devices] = fileItems([root('/home/anna', { devicesLeftOut: 2 })], MACHINE);
  assert.equal(files?.verdict, 'same');
  assert.deepEqual([devices?.verdict, devices?.isWithheld], ['skipped', true]);
  assert.match(devices!.remedy!, /--allow-privileged/);
});
