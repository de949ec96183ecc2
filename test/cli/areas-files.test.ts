import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Ended } from '../support/agents.ts';
import { Scene } from '../support/scene.ts';
import { link, makeMachine, put } from '../support/small-machine.ts';
import { DirectMove } from './support/direct-move.ts';

const NOBODY = 65_534;
const scene = new Scene();
const passFile = () => ['--passphrase-file', scene.path('pass')];
const ANN = { name: 'ann', id: 1000 };
const BOB = { name: 'bob', id: 1001 };

let self = '';

before(async () => {
  writeFileSync(scene.path('pass'), `${scene.secret('correct horse battery staple')}\n`);
  self = String((await scene.done('laptop', ['fleet', 'init', '--name', 'office'])).peerId);
});
after(() => scene.end());

function machine(name: string, people: readonly { name: string; id: number }[]): string {
  const root = scene.path(name);
  makeMachine(root, name, people);
  return root;
}

/** Of each a file in the home. */
function lived(name: string, people: readonly { name: string; id: number }[]): string {
  const root = machine(name, people);
  for (const { name: who, id } of people) {
    put(root, `/home/${who}/notes`, { content: `of ${who}`, uid: id, gid: id });
    put(root, `/var/mail/${who}`, { content: `to ${who}`, mode: 0o660, uid: id, gid: 8 });
  }
  return root;
}

/** For the machine that captures, whose HOME opens it: a passphrase takes a second each time. */
const captured = (root: string, ...what: string[]): Promise<string> => capturedFor(['--for', self], root, ...what);

async function capturedFor(readers: readonly string[], root: string, ...what: string[]): Promise<string> {
  const store = `${root}-store`;
  const { status, stdout } = await scene.run('laptop', [
    'capture',
    ...what,
    '--root',
    root,
    '--store',
    store,
    ...readers,
  ]);
  assert.ok(status === 0 || status === 3, stdout);
  return store;
}

const restore = (store: string, root: string, ...more: string[]): Promise<Ended> =>
  scene.run('laptop', ['restore', '--store', store, '--root', root, '--yes', ...more]);

const withheld = ({ events }: Ended): string[] =>
  events.flatMap(({ event, path }) => (event === 'skipped' ? [String(path)] : []));
const of = (root: string, path: string) => {
  const { uid, gid } = lstatSync(join(root, path));
  return { uid, gid, text: lstatSync(join(root, path)).isFile() ? readFileSync(join(root, path), 'utf8') : '' };
};
const items = ({ events }: Ended) =>
  events.flatMap(({ event, area, item, action, detail }) =>
    event === 'area-item' ? [`${area} ${item} ${action} ${detail}`] : [],
  );

test('a home that the plan withholds does not come: nobody is there whose it is', async () => {
  const store = await captured(lived('only-homes', [ANN]), '--areas', 'accounts,homes');
  const root = machine('nobody', []);
  const ended = await restore(store, root, '--areas', 'homes');
  assert.equal(ended.status, 3, ended.stdout);
  assert.match(items(ended).join(), /homes home:ann withhold there is no user ann here/);
  assert.deepEqual(withheld(ended), ['/home/ann', '/var/mail/ann']);
  for (const path of ['home/ann', 'var/mail/ann']) assert.equal(existsSync(join(root, path)), false, path);
});

test('homes captured without accounts come to who has the name', async () => {
  const store = await captured(lived('homes-alone', [ANN, BOB]), '--areas', 'homes');
  const root = machine('has-ann', [{ name: 'ann', id: 1005 }]);
  const ended = await restore(store, root);
  assert.equal(ended.status, 3, ended.stdout);
  assert.deepEqual(withheld(ended), ['/home/bob', '/var/mail/bob']);
  const { checklist } = ended.last.areas as { checklist: { counts: { failed: number } } };
  assert.equal(checklist.counts.failed, 0);
  assert.deepEqual(of(root, 'home/ann/notes'), { uid: 1005, gid: 1005, text: 'of ann' });
});

test('a home that is withheld does not come with a PATH that holds it', async () => {
  const store = await captured(lived('held', [ANN, BOB]), '/home', '--areas', 'accounts,homes');
  const root = machine('taken', []);
  put(root, '/home/ann/', { content: '', uid: 1500, gid: 1500, mode: 0o755 });
  const ended = await restore(store, root, '--allow-privileged');
  assert.deepEqual(withheld(ended), ['home/ann'], ended.stdout);
  assert.equal(of(root, 'var/mail/ann').text, 'to ann');
  assert.equal(existsSync(join(root, 'home/ann/notes')), false);
  assert.equal(of(root, 'home/ann').uid, 1500);
  assert.equal(of(root, 'home/bob/notes').text, 'of bob');
});

test('a home that is a link comes with what it leads to, and once more', async () => {
  const old = machine('linked', [ANN]);
  execFileSync('rm', ['-r', join(old, 'home/ann')]);
  link(old, '/home/ann', '/data/ann');
  lchownSync(join(old, 'home/ann'), 1000, 1000);
  put(old, '/data/ann/', { content: '', uid: 1000, gid: 1000, mode: 0o755 });
  put(old, '/data/ann/notes', { content: 'of ann', uid: 1000, gid: 1000 });
  const store = await captured(old, '--areas', 'accounts,homes');
  const root = machine('unlinked', []);
  for (const _ of ['first', 'again']) {
    const ended = await restore(store, root);
    assert.deepEqual(withheld(ended), []);
    assert.notEqual(ended.status, 1, ended.stdout);
    assert.equal(readlinkSync(join(root, 'home/ann')), '/data/ann');
    assert.deepEqual(of(root, 'data/ann/notes'), { uid: 1000, gid: 1000, text: 'of ann' });
  }
});

test('users that change places', async () => {
  const store = await captured(lived('swapped', [ANN, BOB]), '--areas', 'accounts,homes');
  const root = machine('swap', []);
  const ended = await restore(store, root, '--map-user', 'ann=bob', '--map-user', 'bob=ann');
  assert.equal(ended.status, 0, ended.stdout);
  for (const [who, was] of [
    ['ann', 'bob'],
    ['bob', 'ann'],
  ]) {
    const uid = Number(new RegExp(`^${who}:x:(\\d+):`, 'm').exec(readFileSync(join(root, 'etc/passwd'), 'utf8'))![1]);
    assert.equal(of(root, `home/${who}/notes`).text, `of ${was}`);
    assert.equal(of(root, `var/mail/${who}`).text, `to ${was}`);
    for (const path of ['home/X', 'home/X/notes', 'var/mail/X'])
      assert.equal(of(root, path.replace('X', who!)).uid, uid);
  }
});

test('two people of the snapshot become one: the dry run says what has which name', async () => {
  const store = await captured(lived('merged', [ANN, BOB]), '--areas', 'accounts,homes');
  const root = machine('merge', []);
  const dry = await restore(store, root, '--map-user', 'ann=bob', '--dry-run');
  const planned = dry.events.flatMap(({ event, path }) => (event === 'item' ? [String(path)] : []));
  assert.equal(new Set(planned).size, planned.length, planned.join());
  const ended = await restore(store, root, '--map-user', 'ann=bob');
  assert.equal(ended.status, 3, ended.stdout);
  const found = execFileSync('find', ['home', 'var/mail', '-mindepth', '1'], { cwd: root, encoding: 'utf8' });
  const there = found.trim().split('\n');
  assert.deepEqual(
    there.filter((path) => !planned.includes(path)),
    [],
  );
  assert.equal(there.filter((path) => path.endsWith('/notes')).length, 2);
});

test('a plain user for whom a snapshot has no home is told so, and nothing of the try is kept', async () => {
  const store = await capturedFor(passFile(), lived('readable', [ANN]), '--areas', 'hostname');
  execFileSync('chmod', ['-R', 'a+rX', store]);
  const root = machine('closed', []);
  const home = scene.path('plain');
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, NOBODY, NOBODY);
  chmodSync(scene.path('pass'), 0o644);
  const what = ['restore', '--store', store, ...passFile(), '--root', root, '--from', 'readable', '--yes'];
  const { message } = await scene.fails('plain', what, 4, 'refused', { uid: NOBODY });
  assert.match(message, /no home of yours/);
  assert.equal(existsSync(join(home, 'restores')) && readdirSync(join(home, 'restores')).length > 0, false);
});

test('what areas could not take is counted by who sends, whatever the other machine does with it', async (t) => {
  const move = new DirectMove();
  t.after(() => move.end());
  chmodSync(move.dir, 0o755);
  mkdirSync(move.path('old'), { mode: 0o700 });
  chownSync(move.path('old'), NOBODY, NOBODY);
  const send = move.sendAreas('accounts', { uid: NOBODY });
  const receive = move.receiveWhole(await move.code(send), move.path('into'));
  await move.ended(receive);
  const { status, last, events } = await move.ended(send);
  assert.ok(
    events.some(({ event, area }) => event === 'skipped' && area === 'accounts'),
    'shadow cannot be read',
  );
  assert.ok(Number(last.skipped) > 0, JSON.stringify(last));
  assert.equal(status, 3);
});
