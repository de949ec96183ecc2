import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Decrypter } from 'age-encryption';
import type { Command, Event } from '../support/agents.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { ExfatDisk, mountTmpfs, noExfat, noTmpfs, remount, unmount } from '../support/disks.ts';
import { eventually, failure, Scene } from '../support/scene.ts';
import { bytesBelow, filesBelow, findText, makeBulk, makeHome } from '../support/trees.ts';

const MARKER = 'Wolpertinger-5120';
/** Six packs: more than is ever under way at once. */
const BULK_MEGABYTES = 90;

const scene = new Scene();
const home = scene.path('home');
const bulk = scene.path('bulk');
const PASSPHRASE = scene.secret('correct horse battery staple');
const OTHER = scene.secret('quite another passphrase');
const byPassphrase = ['--passphrase-file', scene.path('passphrase')];
const byOther = ['--passphrase-file', scene.path('other')];

/** `laptop` and `desk` are in no fleet and have no agent, but where a test says so. */
before(() => {
  makeHome(home, MARKER);
  makeHome(makeBulk(bulk, BULK_MEGABYTES));
  writeFileSync(scene.path('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
  writeFileSync(scene.path('other'), `${OTHER}\n`, { mode: 0o600 });
});
after(() => scene.end());

const capture = (path: string, store: string, ...more: string[]) => ['capture', path, '--store', store, ...more];
const restore = (store: string, into: string, ...more: string[]) => [
  'restore',
  '--store',
  store,
  '--into',
  into,
  ...more,
];
const packsIn = (store: string): string[] =>
  existsSync(store) ? globSync(join(store, 'states', '*', 'packs', '*', '*')) : [];
const notes = (events: readonly Event[]): string => events.map(({ message }) => String(message ?? '')).join('\n');

async function restoresTo(
  store: string,
  source: string,
  into: string,
  more: readonly string[] = byPassphrase,
): Promise<Event> {
  const done = await scene.done('desk', restore(store, into, '--strip', ...more));
  assert.deepEqual(compareTrees(source, into).differences, []);
  return done;
}

/** Starts a capture and holds its process still when some of its packs are in place. */
async function heldInTheMiddle(name: string, store: string, packs = 1): Promise<Command> {
  const before = packsIn(store).length;
  const command = scene.start(name, capture(bulk, store, ...byPassphrase));
  await eventually('packs are in place', () => packsIn(store).length >= before + packs || !command.running);
  command.kill('SIGSTOP');
  assert.ok(command.running && !command.events.some(({ event }) => event === 'done'), 'it is not over yet');
  return command;
}

test('a folder takes a state under a passphrase and gives it to another machine, with no agent and no fleet', async () => {
  const store = scene.path('disk', 'resettle');
  const done = await scene.done('laptop', capture(home, store, ...byPassphrase));
  assert.equal(done.snapshot, 1);
  assert.equal(done.store, store);
  assert.equal(done.skipped, 0);
  assert.deepEqual(done.recipients, ['whoever knows the passphrase']);
  assert.equal(findText(store, MARKER), undefined, 'no name and no content stands in it');
  const state = join(store, 'states', String(done.state));
  assert.deepEqual(readdirSync(join(state, 'keys')), ['passphrase.age']);

  const { status, last, events } = await scene.run(
    'desk',
    restore(store, scene.path('again'), '--strip', ...byPassphrase),
  );
  assert.equal(status, 0);
  for (const id of ['restore', 'state', 'storeId', 'machine']) assert.ok(typeof last[id] === 'string', id);
  assert.match(
    notes(events),
    new RegExp(`signed by ${String(last.machine)}`),
    'the fingerprint of the signer is shown',
  );
  assert.deepEqual(compareTrees(home, scene.path('again')).differences, []);
});

test('the passphrase’s key file is one that age opens, and one that asks for too much work is not opened', async () => {
  const [keyFile] = [...filesBelow(scene.path('disk'))].filter((path) => path.endsWith('passphrase.age'));
  const decrypter = new Decrypter();
  decrypter.addPassphrase(PASSPHRASE);
  assert.equal((await decrypter.decrypt(readFileSync(keyFile!))).length, 32);
  const costly = scene.path('costly');
  cpSync(scene.path('disk', 'resettle'), costly, { recursive: true });
  const copy = keyFile!.replace(scene.path('disk', 'resettle'), costly);
  writeFileSync(copy, readFileSync(keyFile!, 'latin1').replace(/^(-> scrypt \S+) 18$/m, '$1 30'), 'latin1');
  const { message } = await scene.fails('desk', restore(costly, scene.path('x'), ...byPassphrase), 7, 'damaged');
  assert.match(message, /2\^30/);
});

test('the same HOME and store go on with the same state, and only what is new is written', async () => {
  const store = scene.path('disk', 'resettle');
  writeFileSync(join(home, 'later'), `${MARKER}\n`);
  const done = await scene.done('laptop', capture(home, store, ...byPassphrase));
  assert.equal(done.snapshot, 2);
  assert.equal(readdirSync(join(store, 'states')).length, 1);
  await restoresTo(store, home, scene.path('later'));
  const first = await scene.done(
    'desk',
    restore(store, scene.path('first'), '--snapshot', '1', '--strip', ...byPassphrase),
  );
  assert.equal(first.snapshot, 1);
  assert.ok(!existsSync(scene.path('first', 'later')));
  const { message } = await scene.fails(
    'desk',
    restore(store, scene.path('x'), '--snapshot', '7', ...byPassphrase),
    6,
    'not-found',
  );
  assert.match(message, /snapshot 7/);
});

test('another passphrase is refused, for a capture and for a restore, and nothing is lost', async () => {
  const store = scene.path('disk', 'resettle');
  const before = bytesBelow(store);
  const captured = await scene.fails('laptop', capture(home, store, ...byOther), 4, 'refused');
  assert.match(captured.message, /another passphrase/);
  const wrong = await scene.fails('desk', restore(store, scene.path('x'), ...byOther), 4, 'refused');
  assert.match(wrong.message, /passphrase/);
  const none = await scene.fails('desk', restore(store, scene.path('x')), 4, 'refused');
  assert.match(none.hint, /--passphrase-file/);
  assert.equal(bytesBelow(store), before);
  assert.ok(!existsSync(scene.path('x')));
  await restoresTo(store, home, scene.path('still'));
});

test('where nobody could open it, or the words do not fit together, nothing is made', async () => {
  const store = scene.path('none');
  const { hint } = await scene.fails('laptop', capture(home, store), 2, 'unconfirmed');
  assert.match(hint, /--passphrase-file/);
  writeFileSync(scene.path('short'), 'four\n');
  await scene.fails('laptop', capture(home, store, '--passphrase-file', scene.path('short')), 2, 'usage');
  await scene.fails('laptop', capture(home, store, '--passphrase-file', scene.path('nosuch')), 6, 'not-found');
  await scene.fails('laptop', capture(home, store, '--points', 'nas', ...byPassphrase), 2, 'usage');
  await scene.fails('laptop', ['capture', home, '--for', 'desk', ...byPassphrase], 2, 'usage');
  await scene.fails('laptop', capture(home, store, '--for', 'desk'), 4, 'not-a-member');
  await scene.fails('laptop', capture(scene.path('nosuch'), store, ...byPassphrase), 6, 'not-found');
  await scene.fails('desk', restore(store, scene.path('x'), ...byPassphrase), 6, 'not-found');
  assert.ok(!existsSync(store));
});

test('a folder with other files is left alone, and a store inside a PATH is no part of it', async () => {
  const full = scene.path('full');
  makeHome(full);
  const { hint } = await scene.fails('laptop', capture(home, full, ...byPassphrase), 2, 'not-empty');
  assert.match(hint, new RegExp(join(full, 'resettle')));
  const inside = join(full, 'backup');
  const before = compareTrees(full, full).compared.files;
  assert.equal((await scene.done('laptop', capture(full, inside, ...byPassphrase))).files, before);
});

test('a pack that is lost or harmed is named, and comes back with the next capture', async () => {
  const store = scene.path('harmed');
  await scene.done('laptop', capture(bulk, store, ...byPassphrase));
  const [victim] = packsIn(store).sort();
  rmSync(victim!);
  const { message } = await scene.fails('desk', restore(store, scene.path('lost'), ...byPassphrase), 7, 'damaged');
  assert.ok(message.includes(victim!.split('/').at(-1)!), message);
  await scene.done('laptop', capture(bulk, store, ...byPassphrase));
  await restoresTo(store, bulk, scene.path('mended'));
  const snapshots = join(store, 'states', readdirSync(join(store, 'states'))[0]!, 'snapshots');
  renameSync(join(snapshots, '1'), join(snapshots, '9'));
  const exchanged = await scene.fails('desk', restore(store, scene.path('x'), ...byPassphrase), 7, 'damaged');
  assert.match(exchanged.message, /another snapshot/);
});

test('an interrupted capture leaves nothing to restore, and the next run goes on with what is there', async () => {
  const store = scene.path('interrupted');
  const killed = await heldInTheMiddle('laptop', store);
  killed.kill('SIGKILL');
  await killed.ended;
  await scene.fails('desk', restore(store, scene.path('x'), ...byPassphrase), 6, 'not-found');
  const command = await heldInTheMiddle('laptop', store, 3);
  command.kill('SIGINT');
  command.kill('SIGCONT');
  const { hint } = failure(await command.ended, 130, 'interrupted');
  assert.match(hint, /the same command goes on/);
  await scene.fails('desk', restore(store, scene.path('x'), ...byPassphrase), 6, 'not-found');
  const done = await scene.done('laptop', capture(bulk, store, ...byPassphrase));
  assert.ok(Number(done.newBytes) < Number(done.storedBytes), 'what was sealed before is not sealed again');
  assert.deepEqual(readdirSync(scene.path('laptop', 'scratch')), [], 'no plan of a dead capture lies about');
  const packs = packsIn(store).reduce((sum, path) => sum + readFileSync(path).length, 0);
  assert.ok(packs < BULK_MEGABYTES * 1.2e6, 'nothing is kept twice');
  await restoresTo(store, bulk, scene.path('interrupted-again'));
});

test('a disk that is too small is refused before a pack is written, with what is needed and free', {
  skip: noTmpfs,
}, async () => {
  const disk = scene.path('small');
  mountTmpfs(disk, 40e6);
  try {
    const { message } = await scene.fails('laptop', capture(bulk, join(disk, 's'), ...byPassphrase), 5, 'no-point');
    assert.match(message, /small\/s has .* free of the .* that this capture may need/);
    assert.deepEqual(packsIn(join(disk, 's')), []);
    // What is there counts: with room for it once, it can be captured again and again.
    remount(disk, 'size=130000000');
    await scene.done('laptop', capture(bulk, join(disk, 's'), ...byPassphrase));
    assert.equal((await scene.done('laptop', capture(bulk, join(disk, 's'), ...byPassphrase))).snapshot, 2);
  } finally {
    unmount(disk);
  }
});

test('a disk that runs full half-way, or cannot be written, is named; the next run goes on', {
  skip: noTmpfs,
}, async () => {
  const disk = scene.path('filled');
  mountTmpfs(disk, 130e6);
  try {
    const store = join(disk, 'store');
    const command = await heldInTheMiddle('laptop', store);
    assert.throws(() => writeFileSync(join(disk, 'ballast'), Buffer.alloc(130e6)), { code: 'ENOSPC' });
    command.kill('SIGCONT');
    const { message } = failure(await command.ended, 5, 'no-point');
    assert.ok(message.includes(store), message);
    rmSync(join(disk, 'ballast'));
    await scene.done('laptop', capture(bulk, store, ...byPassphrase));
    remount(disk, 'ro');
    const closed = await scene.fails('laptop', capture(bulk, store, ...byPassphrase), 1, 'failed');
    assert.match(closed.message, /read-only/);
    await restoresTo(store, bulk, scene.path('filled-again'));
  } finally {
    unmount(disk);
  }
});

test('an exFAT disk is pulled out half-way: the next run goes on, and it can be read without being written', {
  skip: noExfat,
}, async () => {
  const disk = new ExfatDisk(scene.path('exfat'), 250e6);
  try {
    await disk.plugIn();
    const store = join(disk.dir, 'resettle');
    await scene.done('laptop', capture(home, store, ...byPassphrase));
    const command = await heldInTheMiddle('laptop', store);
    await disk.pullOut();
    command.kill('SIGCONT');
    const { message, hint } = failure(await command.ended, 1, 'failed');
    assert.ok(message.includes(store), message);
    assert.match(hint, /put it in again/);
    assert.deepEqual(readdirSync(disk.dir), [], 'nothing is written to the empty mount point');

    await disk.plugIn();
    await restoresTo(store, home, scene.path('exfat-first'));
    const done = await scene.done('laptop', capture(bulk, store, ...byPassphrase));
    assert.equal(done.snapshot, 2);
    await disk.pullOut();
    await disk.plugIn('ro');
    await restoresTo(store, bulk, scene.path('exfat-second'));
  } finally {
    await disk.remove();
  }
});

test('in a fleet it is wrapped to MACHINE and to the recovery key, by a running agent or without one', async () => {
  const store = scene.path('fleet-store');
  const recovery = ['--recovery-file', scene.path('recovery.age'), ...byPassphrase];
  await Promise.all([scene.agent('old'), scene.agent('new')]);
  await scene.fleet('old', ['new'], ['--recovery-out', scene.path('recovery.age'), ...byPassphrase]);
  const first = await scene.done('old', capture(home, store, '--for', 'new'));
  assert.equal(first.machineName, 'new');
  await scene.stop('old');
  const second = await scene.done('old', capture(home, store, '--for', 'new'));
  assert.equal(second.state, first.state);
  assert.equal(second.snapshot, 2);
  const keys = readdirSync(join(store, 'states', String(first.state), 'keys')).sort();
  assert.deepEqual(keys, [`${scene.running('new').peerId}.age`, 'recovery.age'].sort());

  for (const running of [true, false]) {
    const into = scene.path(`fleet-${running}`);
    const { last, events } = await scene.run('new', restore(store, into, '--strip'));
    assert.equal(last.machineName, 'old', JSON.stringify(last));
    assert.match(notes(events), /signed by old \(12D3KooW/);
    assert.deepEqual(compareTrees(home, into).differences, []);
    if (running) await scene.stop('new');
  }
  const own = await scene.run('old', restore(store, scene.path('fleet-own'), '--strip'));
  assert.equal(own.status, 0, 'the machine that made it has kept the key');

  await scene.fails('desk', restore(store, scene.path('x')), 4, 'refused');
  const stranger = await scene.fails('desk', restore(store, scene.path('x'), '--yes', ...recovery), 2, 'unconfirmed');
  const signer = /12D3KooW\w+/.exec(stranger.message)![0];
  await scene.fails('desk', restore(store, scene.path('x'), '--from', 'old', ...recovery), 2, 'unconfirmed');
  await restoresTo(store, home, scene.path('fleet-recovered'), ['--from', signer, ...recovery]);
});

test('fewer readers start a new state, and of several states a person names one', async () => {
  const store = scene.path('fleet-store');
  await scene.done('old', capture(bulk, store));
  const both = await scene.fails('old', restore(store, scene.path('x')), 6, 'not-found').catch(() => undefined);
  assert.equal(both, undefined);
  const recovery = ['--recovery-file', scene.path('recovery.age'), ...byPassphrase];
  const several = await scene.fails('new', restore(store, scene.path('x'), ...recovery), 2, 'ambiguous');
  const states = readdirSync(join(store, 'states'));
  assert.equal(states.length, 2);
  for (const state of states) assert.match(several.message, new RegExp(`${state} \\(old, `));
  const into = scene.path('named');
  const done = await scene.done('new', restore(store, into, '--state', states[0]!, ...recovery));
  assert.equal(done.state, states[0]);
  // Only one of them is wrapped to this machine: that one is meant.
  await scene.done('new', restore(store, scene.path('own'), '--strip'));
  assert.deepEqual(compareTrees(home, scene.path('own')).differences, []);
});

test('a store that one command uses is not written by another', async () => {
  const store = scene.path('busy');
  mkdirSync(store);
  const command = await heldInTheMiddle('laptop', store);
  const { message } = await scene.fails('desk', capture(home, store, ...byPassphrase), 1, 'failed');
  assert.match(message, /in use/);
  command.kill('SIGCONT');
  assert.equal((await command.ended).status, 0);
});
