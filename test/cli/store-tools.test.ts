import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Event } from '../support/agents.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { runs } from '../support/long.ts';
import { eventually, failure, Scene } from '../support/scene.ts';
import { lacks } from '../support/tools.ts';
import { bytesBelow, makeHome } from '../support/trees.ts';

const MARKER = 'Zeisig-7319';
const scene = new Scene();
const home = scene.path('ann');
const store = scene.path('store');
const PASSPHRASE = scene.secret('correct horse battery staple');
const byPassphrase = ['--passphrase-file', scene.path('passphrase')];
const NOBODY = 65534;
const byOther = ['--passphrase-file', scene.path('other')];

/** `laptop` makes two snapshots; `desk` has nothing but the store. */
before(async () => {
  makeHome(home, MARKER);
  writeFileSync(Buffer.concat([Buffer.from(`${home}/bad`), Buffer.of(0xff)]), 'bad bytes');
  writeFileSync(scene.path('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
  writeFileSync(scene.path('other'), `${scene.secret('quite another passphrase')}\n`, { mode: 0o600 });
  await scene.done('laptop', ['capture', home, '--store', store, ...byPassphrase]);
  writeFileSync(join(home, 'later'), 'later');
  await scene.done('laptop', ['capture', home, '--store', store, ...byPassphrase]);
});
after(() => scene.end());

const tool = (name: string, ...more: string[]) => ['store', name, store, ...more];
const run = (...args: string[]) => scene.run('desk', args);
const done = (...args: string[]) => scene.done('desk', args);
/** By the machine that captured, whose HOME has the key: a passphrase takes a second each time. */
const doneByLaptop = (...args: string[]) => scene.done('laptop', args);
const events = (all: readonly Event[], event: string): Event[] => all.filter((one) => one.event === event);
const copyOf = (name: string): string => {
  cpSync(store, scene.path(name), { recursive: true, preserveTimestamps: true });
  return scene.path(name);
};
const packsIn = (dir: string): string[] => globSync(join(dir, 'states', '*', 'packs', '*', '*')).sort();
const snapshotsIn = (dir: string): string[] => globSync(join(dir, 'states', '*', 'snapshots', '*')).sort();

test('ls without a key tells states and snapshots and nothing that is sealed; no HOME is made', async () => {
  const { status, events: all, stdout } = await run(...tool('ls'));
  assert.equal(status, 0);
  const [state] = events(all, 'state');
  assert.deepEqual(state?.keys, ['passphrase']);
  assert.equal(state?.snapshots, 2);
  assert.deepEqual(
    events(all, 'snapshot').map(({ snapshot, machineName, files }) => [snapshot, machineName, files]),
    [
      [1, undefined, undefined],
      [2, undefined, undefined],
    ],
  );
  assert.ok(!stdout.includes(MARKER));
  assert.ok(!existsSync(scene.path('desk')));
});

test('ls with a key tells machine, time and totals, and with --snapshot every item', async () => {
  const { events: all } = await run(...tool('ls', ...byPassphrase));
  const [first, second] = events(all, 'snapshot');
  assert.match(String(second?.capturedAt), /^20\d\d-.*Z$/);
  assert.equal(Number(second?.files), Number(first?.files) + 1);
  assert.ok(second?.machineName);
  const listed = await run(...tool('ls', '--snapshot', '2', ...byPassphrase));
  const paths = events(listed.events, 'entry').map(({ path }) => path);
  assert.ok(paths.includes(`${home}/later`) && paths.includes(`${home}/bad\\xff`));
  assert.equal(new Set(paths).size, paths.length);
  const entry = events(listed.events, 'entry').find(({ path }) => path === `${home}/run.sh`);
  assert.deepEqual([entry?.type, entry?.mode, entry?.bytes], ['file', '0755', 10]);
  assert.equal(entry?.mtime, '2001-09-09T01:46:40.500000000Z');
  assert.equal(listed.last.files, second?.files);
  // The words are those of the table, one line an item; a pipe that closes early is no error.
  const plain = execFileSync(
    'sh',
    [
      '-c',
      '"$@" | head -2',
      'sh',
      join(import.meta.dirname, '../../bin/resettle'),
      ...tool('ls'),
      '--snapshot',
      '1',
      ...byPassphrase,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  assert.match(plain.toString(), /^drwx[rwx-]{6} {2}\S+\/\S+ +0 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \/.*\n.*\n$/);
});

test('the machine that captured needs no passphrase', async () => {
  const { events: all } = await scene.run('laptop', tool('ls'));
  assert.equal(events(all, 'state')[0]?.openedBy, 'source');
  assert.ok(events(all, 'snapshot')[0]?.capturedAt);
});

test('verify checks packs without a key and files with one', async () => {
  const keyless = await done(...tool('verify'));
  assert.deepEqual([keyless.opened, keyless.files, keyless.snapshots], [0, 0, 2]);
  const keyed = await done(...tool('verify', ...byPassphrase));
  assert.equal(keyed.opened, 1);
  assert.ok(Number(keyed.files) > 10);
  const { events: all } = await run(...tool('verify'));
  assert.ok(events(all, 'progress').length > 0);
});

test('verify names all that is damaged and ends with 7', async () => {
  const dir = copyOf('damaged');
  const packs = packsIn(dir);
  for (const path of packs) truncateSync(path, 60);
  truncateSync(snapshotsIn(dir)[0]!, 100);
  const keyless = await run('store', 'verify', dir);
  failure(keyless, 7, 'damaged');
  const named = events(keyless.events, 'damaged');
  assert.deepEqual(
    named.filter(({ what }) => what === 'descriptor').map(({ snapshot }) => snapshot),
    [1],
  );
  const told = named.filter(({ what }) => what === 'pack').map(({ pack }) => String(pack));
  assert.ok(told.length > 0 && told.every((pack) => packs.some((path) => basename(path) === pack)));
  const words = await scene.command(['store', 'verify', dir]).ended;
  assert.equal(words.status, 7);
  for (const pack of told) assert.ok(words.stdout.includes(`damaged pack ${pack}`), words.stdout);
});

test('extract restores the paths that are named, as they are listed', async () => {
  const into = scene.path('extracted');
  const wanted = [`${home}/bad\\xff`, join(home, 'Documents')];
  const extracted = await done(...tool('extract', ...wanted, '--into', into, ...byPassphrase));
  const below = join(into, home);
  assert.deepEqual(readdirSync(below, 'latin1').sort(), ['Documents', 'bad\xff']);
  assert.equal(readFileSync(join(below, 'Documents', 'nothing'), 'utf8'), '');
  assert.ok(Number(extracted.files) >= 3);
  const { hint } = await scene.fails('laptop', tool('extract', '/no/such', '--into', into), 6, 'not-found');
  assert.ok(hint);
  await scene.fails('desk', tool('extract', '--into', into), 2, 'usage');
  await scene.fails('laptop', tool('extract', '/', '--into', into), 2, 'usage');
});

test('export writes what the standard tools open, to a file or a pipe', {
  skip: lacks('age', 'zstd', 'tar'),
}, async () => {
  const identity = scene.secret(await generateX25519Identity());
  writeFileSync(scene.path('key.txt'), `${identity}\n`, { mode: 0o600 });
  const recipient = ['--recipient', await identityToRecipient(identity)];
  const out = scene.path('ann.tar.zst.age');
  const exported = await done(...tool('export', '--out', out, ...recipient, ...byPassphrase));
  assert.equal(exported.snapshot, 2);
  for (const [name, script] of [
    ['file', `age -d -i "$KEY" "$OUT" | zstd -d | tar -x -p --numeric-owner -C "$TARGET"`],
    ['pipe', `"$RESETTLE" "$@" --out - | age -d -i "$KEY" | zstd -d | tar -x -p --numeric-owner -C "$TARGET"`],
  ] as const) {
    const target = scene.path(`unpacked-${name}`);
    mkdirSync(target);
    const RESETTLE = join(import.meta.dirname, '../../bin/resettle');
    execFileSync('sh', ['-c', script, 'sh', ...tool('export', '--quiet', ...recipient, ...byPassphrase)], {
      env: { ...process.env, KEY: scene.path('key.txt'), OUT: out, TARGET: target, RESETTLE },
    });
    assert.deepEqual(compareTrees(home, join(target, home)).differences, [], name);
  }
  await scene.fails('laptop', tool('export', '--out', out, ...recipient), 2, 'not-empty');
  await scene.fails('laptop', tool('export', '--out', `${out}2`), 2, 'usage');
  await scene.fails('laptop', tool('export', '--out', '-', ...recipient), 2, 'usage');
  await scene.fails('laptop', tool('export', '--out', `${out}2`, '--recipient', 'age1x'), 2, 'usage');
  assert.ok(!existsSync(`${out}2`));
});

test('what is not there, not opened or too new has its own code', async () => {
  const nothing = scene.path('nothing');
  mkdirSync(nothing);
  const state = String(events((await run(...tool('ls'))).events, 'state')[0]?.state);
  const unknown = state.replace(/^./, state.startsWith('0') ? '1' : '0');
  for (const name of ['ls', 'verify', 'prune']) {
    await scene.fails('desk', ['store', name, nothing], 6, 'not-found');
    await scene.fails('desk', tool(name, '--state', unknown), 6, 'not-found');
  }
  await scene.fails('desk', tool('ls', '--state', 'abc'), 2, 'usage');
  await scene.fails('laptop', tool('ls', '--snapshot', '9'), 6, 'not-found');
  await scene.fails('desk', tool('ls', '--snapshot', '0'), 2, 'usage');
  for (const [name, ...more] of [['verify'], ['ls', '--snapshot', '1']] as [string, ...string[]][]) {
    const { message } = await scene.fails('desk', tool(name, ...more, ...byOther), 4, 'refused');
    assert.match(message, /passphrase/);
  }
  await scene.fails('desk', tool('ls', '--snapshot', '1'), 4, 'refused');
  const newer = copyOf('newer');
  const marker = join(newer, 'resettle.json');
  writeFileSync(marker, readFileSync(marker, 'utf8').replace('"format":1', '"format":2'));
  const { hint } = await scene.fails('desk', ['store', 'verify', newer], 7, 'damaged');
  assert.match(hint, /newer/);
  for (const args of [
    ['--keep-last', '0'],
    ['--keep-last', 'all'],
    ['--keep-within', 'long'],
  ]) {
    await scene.fails('desk', tool('prune', ...args), 2, 'usage');
  }
});

test('prune keeps what is asked for and tells what it freed', async () => {
  const dir = copyOf('pruned');
  const before = bytesBelow(dir);
  const planned = await done('store', 'prune', dir, '--keep-last', '1', '--dry-run');
  assert.equal(bytesBelow(dir), before);
  const pruned = await done('store', 'prune', dir, '--keep-last', '1');
  assert.deepEqual({ ...pruned, dryRun: true }, planned);
  assert.equal(before - bytesBelow(dir), pruned.freedBytes);
  assert.deepEqual(
    snapshotsIn(dir).map((path) => basename(path)),
    ['2'],
  );
  await doneByLaptop('store', 'verify', dir);
  truncateSync(snapshotsIn(dir)[0]!, 10);
  await scene.fails('desk', ['store', 'prune', dir, '--keep-last', '1'], 7, 'damaged');
});

test('a prune that is killed at any time leaves a store that is whole', async () => {
  const state = readdirSync(join(store, 'states'))[0]!;
  let killed = 0;
  const moments = [
    (left: { packs: number; all: number }) => left.packs < left.all - 200,
    (left: { snapshots: number }) => left.snapshots < 2,
    (left: { packs: number; all: number }) => left.packs < left.all,
    (left: { packs: number; all: number }) => left.packs < left.all - 700,
  ];
  for (const [number, moment] of moments.slice(0, runs(2, 4)).entries()) {
    const dir = copyOf(`killed-${number}`);
    // Packs that nothing refers to, so that there is time to be killed in.
    for (let index = 0; index < 1000; index++) {
      const id = randomBytes(32).toString('hex');
      mkdirSync(join(dir, 'states', state, 'packs', id.slice(0, 2)), { recursive: true });
      writeFileSync(join(dir, 'states', state, 'packs', id.slice(0, 2), id), 'x');
    }
    const all = packsIn(dir).length;
    const command = scene.start('desk', ['store', 'prune', dir, '--keep-last', '1']);
    await eventually('it is at work', async () => {
      if (!command.running) return true;
      return moment({ snapshots: snapshotsIn(dir).length, packs: packsIn(dir).length, all }) || undefined;
    });
    command.kill('SIGKILL');
    if ((await command.ended).signal === 'SIGKILL') killed += 1;
    await doneByLaptop('store', 'verify', dir);
    await done('store', 'prune', dir, '--keep-last', '1');
    const { unreferencedPacks } = await doneByLaptop('store', 'verify', dir);
    assert.equal(unreferencedPacks, 0);
    assert.deepEqual(
      snapshotsIn(dir).map((path) => basename(path)),
      ['2'],
    );
    rmSync(dir, { recursive: true });
  }
  assert.ok(killed > 0, `it was killed in the middle ${killed} times`);
});

test('a store that only may be read is listed and verified by somebody without a HOME', async () => {
  const dir = copyOf('closed');
  execFileSync('chmod', ['-R', 'a=rX', dir]);
  const options = process.geteuid?.() === 0 ? { uid: NOBODY, input: PASSPHRASE } : { input: PASSPHRASE };
  const verified = await scene.done('desk', ['store', 'verify', dir, '--passphrase-file', '-'], options);
  assert.equal(verified.opened, 1);
  await scene.done('desk', ['store', 'ls', dir, '--snapshot', '1', '--passphrase-file', '-'], options);
  const { message } = await scene.fails('desk', ['store', 'prune', dir, '--keep-last', '1'], 1, 'failed', options);
  assert.match(message, /cannot be written/);
  assert.equal(snapshotsIn(dir).length, 2);
  execFileSync('chmod', ['-R', 'u+w', dir]);
});
