import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Ended, Event } from '../support/agents.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { Scene } from '../support/scene.ts';
import { hashOf, link, makeMachine, put } from '../support/small-machine.ts';

const BIN = fileURLToPath(new URL('../../bin/resettle', import.meta.url));
const scene = new Scene();
const old = scene.path('old');
const store = scene.path('store');
const passFile = () => ['--passphrase-file', scene.path('pass')];
const CACHE = '/home/ann/.cache/app/thumb';

before(async () => {
  writeFileSync(scene.path('pass'), `${scene.secret('correct horse battery staple')}\n`);
  makeMachine(old, 'oldbox', [
    { name: 'ann', id: 1000 },
    { name: 'bob', id: 1001 },
  ]);
  put(old, '/home/ann/thesis.txt', { content: 'all of it', uid: 1000, gid: 1000 });
  put(old, '/home/ann/tool', { content: '#!/bin/sh\n', mode: 0o4755 });
  put(old, CACHE, { content: 'again', uid: 1000, gid: 1000 });
  put(old, '/home/bob/notes', { content: 'notes', uid: 1001, gid: 1001 });
  put(old, '/var/mail/ann', { content: 'From x\n', mode: 0o660, uid: 1000, gid: 8 });
  put(old, '/var/spool/cron/crontabs/ann', { content: '5 4 * * * true\n', mode: 0o600, uid: 1000, gid: 105 });
  put(old, '/etc/cron.d/nightly', '0 3 * * * root /usr/local/bin/nightly\n');
  put(old, '/usr/local/bin/nightly', { content: '#!/bin/sh\n', mode: 0o755 });
  put(old, '/etc/sudoers.d/bob', { content: 'bob ALL=(ALL) NOPASSWD: /usr/bin/true\n', mode: 0o440 });
  put(old, '/etc/NetworkManager/system-connections/office.nmconnection', {
    content:
      '[connection]\nid=office\nuuid=6d1cba4a-5e9c-4b9c-9e8f-0e8d0b4b6a11\ntype=ethernet\n\n[ipv4]\nmethod=auto\n',
    mode: 0o600,
  });
  rmSync(join(old, 'etc/localtime'));
  link(old, '/etc/localtime', '/usr/share/zoneinfo/Europe/Berlin');
  put(old, '/etc/timezone', 'Europe/Berlin\n');
  const captured = await scene.run('laptop', ['capture', '--root', old, '--store', store, ...passFile()]);
  assert.equal(captured.status, 0, captured.stdout + captured.stderr);
  assert.ok(!captured.stdout.includes(hashOf('secret-ann')));
});
after(() => scene.end());

const restore = (root: string, ...more: string[]): Promise<Ended> =>
  scene.run('laptop', ['restore', '--store', store, '--root', root, ...more]);

/** A new machine with somebody of its own, and a copy of it as it was. */
function newMachine(name: string, people = [{ name: 'zoe', id: 1000 }]): { root: string; copy: string } {
  const root = scene.path(name);
  makeMachine(root, 'newbox', people);
  execFileSync('cp', ['-a', root, `${root}-copy`]);
  return { root, copy: `${root}-copy` };
}

const items = ({ events }: Ended): Event[] => events.filter(({ event }) => event === 'area-item');
const actions = (ended: Ended): Record<string, string> =>
  Object.fromEntries(items(ended).map(({ area, item, action }) => [`${area} ${item}`, String(action)]));
const text = (root: string, path: string): string => readFileSync(join(root, path), 'utf8');
const ownerOf = (root: string, path: string): number => lstatSync(join(root, path)).uid;

/** Paths that differ between two roots, folders' own times aside: a change in a folder is a change of its time. */
function changed(a: string, b: string): string[] {
  const { differences } = compareTrees(a, b);
  const paths = differences.filter((one) => !/ has mtime /.test(one) || isFile(b, one));
  return [...new Set(paths.map((one) => one.split(' ')[0]!.replace(/^\./, '')))].sort();
}

const isFile = (root: string, difference: string): boolean =>
  lstatSync(join(root, difference.split(' ')[0]!), { throwIfNoEntry: false })?.isFile() === true;

test('plan says what every area takes and what rules leave out, and which rule decides about a path', async () => {
  const done = await scene.done('laptop', ['plan', '--root', old]);
  const areas = Object.fromEntries((done.areas as { area: string; files: number }[]).map((one) => [one.area, one]));
  for (const name of ['accounts', 'homes', 'network', 'schedules', 'usr-local', 'environment', 'hostname']) {
    assert.ok(areas[name], `${name}: ${Object.keys(areas).join()}`);
  }
  assert.ok((done.leftByRules as { rule: string }[]).some(({ rule }) => rule === 'caches'));
  const explained = await scene.done('laptop', ['plan', '--root', old, '--explain', CACHE]);
  assert.equal((explained.explained as { taken: boolean }).taken, false);
  assert.match((explained.explained as { because: string }).because, /caches/);
  assert.ok(!existsSync(scene.path('laptop', 'restores')), 'nothing was written');
  await scene.done('stranger', ['plan', '--root', old]);
  assert.ok(!existsSync(scene.path('stranger')), 'no HOME was made');
});

test('a rule of this HOME overrides the one that comes with the program', async () => {
  const rules = scene.path('own', 'rules');
  mkdirSync(scene.path('own'), { mode: 0o700 });
  put('/', join(rules, 'caches.yaml'), 'id: caches\nname: Caches\nkind: general\ncategory: system\n');
  const done = await scene.done('own', ['plan', '--root', old, '--explain', CACHE]);
  assert.equal((done.explained as { taken: boolean }).taken, true);
  put('/', join(rules, 'broken.yaml'), 'id: broken\nname: Broken\ncategory: nonsense\n');
  const { message } = await scene.fails('own', ['plan', '--root', old], 2, 'usage');
  assert.match(message, /broken\.yaml:3/);
});

test('without --allow-privileged what only root may bring is withheld, listed, and exit 3', async () => {
  const { root, copy } = newMachine('withheld');
  const ended = await restore(root);
  assert.equal(ended.status, 3, ended.stderr);
  const planned = actions(ended);
  assert.equal(planned['accounts user:ann'], 'add');
  assert.equal(planned['network connection:office.nmconnection'], 'withhold', JSON.stringify(planned));
  assert.equal(planned['schedules crontab:ann'], 'add');
  assert.equal(planned['schedules file:/etc/cron.d/nightly'], 'withhold');
  assert.equal(planned['security area:security'], 'withhold');
  assert.deepEqual(readdirSync(join(root, 'usr/local/bin')), []);
  assert.deepEqual(readdirSync(join(root, 'etc/cron.d')), []);
  assert.equal(existsSync(join(root, 'etc/sudoers.d')), false);
  assert.equal(text(root, 'home/ann/thesis.txt'), 'all of it');
  assert.equal(existsSync(join(root, CACHE)), false);
  assert.ok(!ended.stdout.includes(hashOf('secret-ann').slice(4)), 'a hash is shown');
  const undone = await scene.done('laptop', ['undo']);
  assert.equal(undone.skipped, 0);
  assert.deepEqual(compareTrees(copy, root).differences, []);
});

test('the dry run is the plan: what it lists is what is changed, and undo leaves no difference', async () => {
  const { root, copy } = newMachine('planned');
  const dry = await restore(root, '--allow-privileged', '--areas', 'all', '--dry-run');
  assert.equal(dry.status, 3);
  assert.deepEqual(compareTrees(copy, root).differences, []);
  const planned = new Set([
    ...items(dry).flatMap(({ paths }) => paths as string[]),
    ...dry.events.flatMap(({ event, action, path }) =>
      event === 'item' && ['create', 'replace'].includes(String(action)) ? [`/${String(path)}`] : [],
    ),
  ]);
  const ended = await restore(root, '--allow-privileged', '--areas', 'all');
  assert.equal(ended.status, 3, ended.stderr);
  for (const path of changed(copy, root)) assert.ok(planned.has(path), `${path} was not planned`);
  for (const path of planned) assert.ok(existsSync(join(root, path)), `${path} was planned`);
  const { areas } = ended.last as unknown as { areas: { failed: string[]; checklist: { worst: string } } };
  assert.deepEqual(areas.failed, []);
  assert.notEqual(areas.checklist.worst, 'failed');

  assert.match(text(root, 'etc/passwd'), /^zoe:x:1000:/m);
  assert.match(text(root, 'etc/passwd'), /^ann:x:(?!1000:)\d+:/m);
  assert.match(text(root, 'etc/shadow'), new RegExp(`^ann:${hashOf('secret-ann').replaceAll('$', '\\$')}:`, 'm'));
  const ann = Number(/^ann:x:(\d+):/m.exec(text(root, 'etc/passwd'))![1]);
  for (const path of ['home/ann', 'home/ann/thesis.txt', 'home/ann/tool', 'var/mail/ann']) {
    assert.equal(ownerOf(root, path), ann, path);
  }
  assert.equal(lstatSync(join(root, 'home/ann/tool')).mode & 0o7777, 0o755, 'no home brings setuid');
  assert.equal(ownerOf(root, 'var/spool/cron/crontabs/ann'), ann);
  assert.equal(readlinkSync(join(root, 'etc/localtime')), '/usr/share/zoneinfo/Europe/Berlin');
  assert.equal(text(root, 'etc/hostname'), 'newbox\n');
  assert.match(text(root, 'etc/sudoers.d/bob'), /^bob ALL/);

  const again = await restore(root, '--allow-privileged', '--areas', 'all');
  assert.notEqual(again.status, 1, again.stderr);
  assert.deepEqual(
    items(again).flatMap(({ paths }) => paths as string[]),
    [],
    'a second restore changes nothing',
  );
  const { earlier } = await scene.done('laptop', ['undo']);
  await scene.done('laptop', ['undo', String(earlier)]);
  assert.deepEqual(compareTrees(copy, root).differences, []);
});

test('a user gets another name, and everything that was hers follows', async () => {
  const { root } = newMachine('mapped');
  const ended = await restore(
    root,
    '--allow-privileged',
    '--areas',
    'all',
    '--map-user',
    'ann=anna',
    '--map-user',
    'bob=rob',
  );
  assert.equal(ended.status, 3, ended.stderr);
  const anna = Number(/^anna:x:(\d+):\d+::\/home\/anna:/m.exec(text(root, 'etc/passwd'))?.[1]);
  assert.ok(anna >= 1000);
  assert.doesNotMatch(text(root, 'etc/passwd'), /^(ann|bob):/m);
  assert.deepEqual(readdirSync(join(root, 'home')).sort(), ['anna', 'rob', 'zoe']);
  for (const path of ['home/anna/thesis.txt', 'var/mail/anna', 'var/spool/cron/crontabs/anna']) {
    assert.equal(ownerOf(root, path), anna, path);
  }
  assert.match(text(root, `etc/sudoers.d/${readdirSync(join(root, 'etc/sudoers.d'))[0]}`), /^rob ALL/m);
});

test('the same machine, reinstalled, gets its name back', async () => {
  const { root } = newMachine('same', []);
  const ended = await restore(root, '--allow-privileged', '--identity', 'same', '--areas', 'hostname');
  assert.equal(text(root, 'etc/hostname'), 'oldbox\n', ended.stdout);
  assert.match(text(root, 'etc/hosts'), /^127\.0\.1\.1\s+oldbox$/m);
  assert.equal(existsSync(join(root, 'home')), false, 'no other area came');
});

test('into a folder come files only, and what cannot be asked for is refused', async () => {
  const into = scene.path('into');
  const files = await scene.run('laptop', ['restore', '--store', store, '--into', into]);
  assert.equal(files.status, 3, files.stderr);
  const skipped = files.events.filter(({ event }) => event === 'skipped').map(({ path }) => path);
  assert.deepEqual(skipped, ['home/ann/tool'], 'its setuid');
  assert.deepEqual(readdirSync(into).sort(), ['home', 'usr', 'var']);
  const asked = await scene.run('laptop', [
    ...['restore', '--store', store, '--into', scene.path('into2')],
    ...['--areas', 'accounts'],
  ]);
  assert.equal(asked.status, 3);
  const { hint } = await scene.fails('laptop', ['plan', '--areas', 'acounts'], 2, 'usage');
  assert.match(hint, /accounts, network/);
  await scene.fails('laptop', ['capture', '/', '--areas', 'accounts', '--store', store, ...passFile()], 2, 'usage');
  await scene.fails('laptop', ['plan', '--root', scene.path('nosuch')], 6, 'not-found');
  const wrong = await restore(scene.path('into3'), '--identity', 'other');
  assert.equal(wrong.status, 2);
});

test('on a terminal what only root may bring is shown before it is asked for, and a no changes nothing', () => {
  const { root, copy } = newMachine('asked');
  const words = ['--home', scene.path('laptop'), 'restore', '--store', store, '--root', root];
  const line = [BIN, ...words, '--allow-privileged', '--areas', 'network'].join(' ');
  const { stdout } = spawnSync('script', ['-qec', line, '/dev/null'], { input: 'n\n', encoding: 'utf8' });
  assert.match(
    stdout,
    /office[\s\S]*office\.nmconnection: a new file, mode 0600[\s\S]*Do all of this\?[\s\S]*nothing was restored/,
  );
  assert.deepEqual(compareTrees(copy, root).differences, []);
});

test('a plain user gets the own home, hears what needs root, and can take it back', async () => {
  const people = [
    { name: 'ann', id: 1000 },
    { name: 'bob', id: 1001 },
  ];
  const { root, copy } = newMachine('plain', people);
  const home = scene.path('plain-home');
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, 1000, 1000);
  execFileSync('cp', [scene.path('pass'), join(home, 'pass')]);
  execFileSync('chown', ['1000:1000', join(home, 'pass')]);
  execFileSync('chmod', ['-R', 'a+rX', store]);
  const asAnn = (...args: string[]) => scene.run('plain-home', args, { uid: 1000 });
  const ended = await asAnn('restore', '--store', store, '--passphrase-file', join(home, 'pass'), '--root', root);
  assert.equal(ended.status, 3, ended.stdout + ended.stderr);
  assert.equal(text(root, 'home/ann/thesis.txt'), 'all of it');
  assert.equal(ownerOf(root, 'home/ann/thesis.txt'), 1000);
  assert.deepEqual(readdirSync(join(root, 'home/bob')), []);
  const skipped = ended.events.filter(({ event }) => event === 'skipped').map(({ path }) => path);
  for (const path of ['area accounts', 'area network']) assert.ok(skipped.includes(path), skipped.join());
  assert.ok((ended.last.skipped as number) >= skipped.length, 'each is counted');
  assert.ok(ended.events.some(({ event, message }) => event === 'note' && /plain user/.test(String(message))));
  const undone = await asAnn('undo');
  assert.equal(undone.status, 0, undone.stdout);
  assert.deepEqual(compareTrees(copy, root).differences, []);
});

test('what an area adapts does not come once more with the folder that it lies in, not even the second time', async () => {
  const from = scene.path('backed-up');
  makeMachine(from, 'oldbox', []);
  const folder = '/opt/tivoli/tsm/client/ba/bin';
  put(from, `${folder}/dsm.sys`, 'SErvername lab\n  NODename oldbox\n');
  put(from, `${folder}/notes`, 'beside it');
  const apart = scene.path('store-apart');
  const taken = await scene.run('laptop', ['capture', '--root', from, '--store', apart, ...passFile()]);
  assert.equal(taken.status, 0, taken.stdout + taken.stderr);
  const root = scene.path('twice');
  makeMachine(root, 'newbox', []);
  put(root, '/opt/', '');
  const line = ['restore', '--store', apart, '--root', root, '--allow-privileged', '--json'];
  for (const round of [1, 2]) {
    const ran = await scene.run('laptop', line);
    assert.equal(ran.status, 3, `round ${round}: ${ran.stdout}${ran.stderr}`);
    assert.deepEqual(readdirSync(join(root, folder)), ['dsm.sys', 'notes']);
    assert.match(readFileSync(join(root, folder, 'dsm.sys'), 'utf8'), /^\s*\* NODename oldbox$/m);
    assert.ok(!/"event":"skipped"[^\n]*dsm\.sys/.test(ran.stdout), 'it is no loss');
  }
});
