import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { DIRECT_BUFFERS, DIRECT_PACK_BYTES, SEGMENT_DATA_BYTES } from '../../src/common/limits.ts';
import type { SealedPack } from '../../src/common/ports.ts';
import { digest } from '../../src/state/format/index.ts';
import { planSend, reopenSend, type Sending } from '../../src/state/send/index.ts';
import { makeHome } from '../support/trees.ts';
import {
  answerOf,
  askFor,
  bytesOf,
  type PlannedEntry,
  planOf,
  Received,
  readAnswer,
} from './support/direct-answers.ts';
import { about, identity, on, temporaryFolder } from './support/source-machine.ts';

const MIB = SEGMENT_DATA_BYTES;

interface Machine {
  readonly folder: string;
  readonly home: string;
  readonly planDir: string;
  plan(exclude?: string[]): Promise<Sending>;
  reopen(): Promise<Sending>;
}

/** A machine with a home; sendings end with the test. */
function machine(t: TestContext): Machine {
  const folder = temporaryFolder(t);
  const [home, scratchDir, planDir] = ['home', 'scratch', 'plan'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(home);
  mkdirSync(scratchDir);
  const kept = async (made: Promise<Sending>) => {
    const sending = await made;
    t.after(() => sending.close());
    return sending;
  };
  const options = (exclude: string[] = []) => ({
    planDir,
    scratchDir,
    exclude: exclude.map((path) => Buffer.from(path)),
    ...about(identity),
  });
  return {
    folder,
    home,
    planDir,
    plan: (exclude) => kept(planSend({ ...options(exclude), paths: [Buffer.from(home)] }, on())),
    reopen: () => kept(reopenSend(options(), on())),
  };
}

const filesOf = (plan: readonly PlannedEntry[]): number[] =>
  [...plan.entries()].filter(([, { entry }]) => entry.kind === 'file').map(([number]) => number);

const numberOf = (plan: readonly PlannedEntry[], path: string): number => {
  const number = plan.findIndex((planned) => planned.path === path);
  assert.ok(number >= 0, path);
  return number;
};

/** Asks for all and compares every file that is there with the disk. */
async function expectAll(sending: Sending): Promise<void> {
  const plan = await planOf(sending);
  const wanted = filesOf(plan);
  const { files } = await answerOf(sending, askFor('content', plan.length, wanted));
  assert.deepEqual(
    [...files.keys()].sort((a, b) => a - b),
    wanted,
  );
  for (const [number, file] of files) {
    const { path } = plan[number]!;
    assert.ok(bytesOf(file).equals(readFileSync(path)), path);
    assert.equal(file.file!.changed, false);
    assert.equal(file.file!.mtimeNs, statSync(path, { bigint: true }).mtimeNs);
  }
}

function makeMany(home: string): void {
  makeHome(home);
  mkdirSync(join(home, 'many'));
  for (let file = 0; file < 3000; file++) {
    writeFileSync(join(home, 'many', `file-${file}`), `content ${file % 7} `.repeat(file % 90));
  }
  writeFileSync(join(home, 'large'), randomBytes(5 * MIB + 17));
  writeFileSync(join(home, 'exact'), randomBytes(2 * MIB));
  writeFileSync(join(home, 'same-as-exact'), readFileSync(join(home, 'exact')));
  writeFileSync(join(home, 'one'), randomBytes(MIB));
  const fd = openSync(join(home, 'sparse'), 'w');
  for (const at of [0, 3 * MIB - 10, 9 * MIB]) writeSync(fd, randomBytes(30_000), 0, 30_000, at);
  closeSync(fd);
  truncateSync(join(home, 'sparse'), 20 * MIB);
  truncateSync(writeHole(join(home, 'hole')), 100_000);
}

function writeHole(path: string): string {
  writeFileSync(path, '');
  return path;
}

test('every file comes as it is, in the plan’s numbers, each record not before its bytes', async (t) => {
  const { home, plan, planDir, folder } = machine(t);
  makeMany(home);
  execFileSync('mkfifo', [join(home, 'fifo')]);
  const sending = await plan();
  await expectAll(sending);
  assert.equal(sending.plan.newBytes, sending.plan.bytes);
  assert.equal(sending.plan.hardlinks, 1);
  assert.equal(statSync(planDir).mode & 0o777, 0o700);
  for (const name of readdirSync(planDir)) assert.equal(statSync(join(planDir, name)).mode & 0o777, 0o600, name);
  await sending.close();
  assert.deepEqual(readdirSync(join(folder, 'scratch')), [], 'no scratch is left');
});

test('the same bytes are sent for each file that has them, and a sparse file’s holes are not', async (t) => {
  const { home, plan } = machine(t);
  makeMany(home);
  const sending = await plan();
  const entries = await planOf(sending);
  const [exact, same, sparse] = ['exact', 'same-as-exact', 'sparse'].map((name) => numberOf(entries, join(home, name)));
  const { files } = await answerOf(sending, askFor('content', entries.length, [exact!, same!, sparse!]));
  assert.equal(files.size, 3);
  for (const number of [exact!, same!]) assert.equal(files.get(number)!.sent.length, 2);
  const spread = files.get(sparse!)!;
  const blocks = statSync(join(home, 'sparse')).blocks * 512;
  assert.ok(spread.holes.length > 0);
  assert.ok(spread.sent.reduce((sum, { data }) => sum + data.length, 0) <= blocks);
});

test('any set of files can be asked for, and totals of the progress are those of the set', async (t) => {
  const { home, plan } = machine(t);
  for (let file = 0; file < 3000; file++) writeFileSync(join(home, `file-${file}`), randomBytes(file % 50));
  const sending = await plan();
  const entries = await planOf(sending);
  const anEntry = fc.integer({ min: 0, max: entries.length - 1 });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(anEntry, { maxLength: 60 }), async (wanted) => {
      const { files, received } = await answerOf(sending, askFor('content', entries.length, wanted));
      const expected = wanted.filter((number) => entries[number]!.entry.kind === 'file').sort((a, b) => a - b);
      assert.deepEqual(
        [...files.keys()].sort((a, b) => a - b),
        expected,
      );
      for (const [number, file] of files) assert.ok(bytesOf(file).equals(readFileSync(entries[number]!.path)));
      const bytes = expected.reduce((sum, number) => sum + statSync(entries[number]!.path).size, 0);
      const all = { phase: 'send', bytes, totalBytes: bytes, files: expected.length, totalFiles: expected.length };
      assert.deepEqual(received.progress.at(-1), all);
    }),
    { numRuns: 25 },
  );
});

test('comparing gives the same records as content, and no bytes', async (t) => {
  const { home, plan } = machine(t);
  makeMany(home);
  const sending = await plan();
  const entries = await planOf(sending);
  const wanted = filesOf(entries);
  const content = await answerOf(sending, askFor('content', entries.length, wanted));
  const compare = await answerOf(sending, askFor('compare', entries.length, wanted));
  for (const number of wanted) {
    const { file, pieces, holes, sent } = compare.files.get(number)!;
    const full = content.files.get(number)!;
    assert.deepEqual({ file, pieces, holes }, { file: full.file, pieces: full.pieces, holes: full.holes });
    assert.equal(sent.length, 0);
  }
  assert.equal(compare.received.progress.at(-1)!.phase, 'compare');
});

test('a file that is there in part goes on at its offset, with the hashes of all of it', async (t) => {
  const { home, plan } = machine(t);
  const bytes = randomBytes(4 * MIB + 1000);
  writeFileSync(join(home, 'large'), bytes);
  writeFileSync(join(home, 'other'), randomBytes(3 * MIB));
  const sending = await plan();
  const entries = await planOf(sending);
  const large = numberOf(entries, join(home, 'large'));
  for (const offset of [0, MIB, 3 * MIB, 4 * MIB, 9 * MIB]) {
    const ask = askFor('content', entries.length, filesOf(entries), [{ entry: large, offset }]);
    const { files } = await answerOf(sending, ask);
    const file = files.get(large)!;
    assert.ok(file.sent.every((piece) => piece.offset >= offset));
    assert.equal(file.pieces.length, 5);
    assert.ok(bytesOf(file, bytes.subarray(0, offset)).equals(bytes));
    assert.equal(files.get(numberOf(entries, join(home, 'other')))!.sent.length, 3);
  }
});

test('what happened to files since the plan is told, or they come as they are now', async (t) => {
  const { home, plan } = machine(t);
  const paths = ['gone', 'grown', 'grown-large', 'shrunk', 'folder', 'link', 'replaced', 'stays', 'linked'];
  for (const name of paths) writeFileSync(join(home, name), randomBytes(name === 'shrunk' ? 3 * MIB : 5000));
  mkdirSync(join(home, 'sub'));
  writeFileSync(join(home, 'sub/inner'), 'inner');
  linkSync(join(home, 'linked'), join(home, 'linked-again'));
  const sending = await plan();
  const entries = await planOf(sending);
  assert.equal(entries[numberOf(entries, join(home, 'linked-again'))]!.entry.kind, 'hardlink');
  for (const name of ['gone', 'folder', 'link', 'linked']) rmSync(join(home, name));
  mkdirSync(join(home, 'folder'));
  symlinkSync('stays', join(home, 'link'));
  appendFileSync(join(home, 'grown'), randomBytes(300));
  appendFileSync(join(home, 'grown-large'), randomBytes(2 * MIB));
  truncateSync(join(home, 'shrunk'), 100);
  writeFileSync(join(home, 'new'), 'new');
  renameSync(join(home, 'new'), join(home, 'replaced'));
  rmSync(join(home, 'sub'), { recursive: true });

  const { files } = await answerOf(sending, askFor('content', entries.length, filesOf(entries)));
  const of = (name: string) => files.get(numberOf(entries, join(home, name)))!;
  assert.equal(of('gone').left, 'it is gone');
  assert.equal(of('linked').left, 'it is gone');
  assert.equal(of('folder').left, 'it is not a file any more');
  assert.equal(of('link').left, 'it became a symbolic link');
  assert.ok(of('sub/inner').left);
  for (const name of ['grown', 'grown-large', 'shrunk', 'replaced', 'stays']) {
    assert.ok(bytesOf(of(name)).equals(readFileSync(join(home, name))), name);
    assert.equal(of(name).file!.changed, false, name);
  }
});

test('what is excluded is not in the plan, and is not read under a planned name either', async (t) => {
  const { home, plan } = machine(t);
  writeFileSync(join(home, 'key'), 'secret');
  writeFileSync(join(home, 'note'), 'x');
  const sending = await plan([join(home, 'key')]);
  assert.deepEqual(sending.plan.excluded, [join(home, 'key')]);
  const entries = await planOf(sending);
  assert.ok(!entries.some(({ path }) => path.endsWith('/key')));
  renameSync(join(home, 'key'), join(home, 'note'));
  const { files } = await answerOf(sending, askFor('content', entries.length, filesOf(entries)));
  assert.equal(files.get(numberOf(entries, join(home, 'note')))!.left, 'it is excluded');
});

test('a live database comes as one file that holds all that was committed; what stands beside it is held', async (t) => {
  const { home, plan, folder } = machine(t);
  const path = join(home, 'app.db');
  const database = new DatabaseSync(path);
  t.after(() => database.close());
  database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x)');
  database.exec("INSERT INTO t VALUES ('committed')");
  writeFileSync(join(home, 'zlast'), 'x');
  const sending = await plan();
  const entries = await planOf(sending);
  const number = (name: string) => numberOf(entries, join(home, name));
  const expectTold = (files: Awaited<ReturnType<typeof answerOf>>['files']) => {
    const content = bytesOf(files.get(number('app.db'))!);
    const copy = join(folder, 'copy.db');
    writeFileSync(copy, content);
    const opened = new DatabaseSync(copy, { readOnly: false });
    assert.deepEqual(
      opened
        .prepare('SELECT x FROM t')
        .all()
        .map((row) => row.x),
      ['committed'],
    );
    opened.close();
    for (const end of ['', '-wal', '-shm']) rmSync(`${copy}${end}`, { force: true });
    for (const beside of ['app.db-wal', 'app.db-shm']) assert.ok(files.get(number(beside))!.held, beside);
  };
  expectTold((await answerOf(sending, askFor('content', entries.length, filesOf(entries)))).files);
  // The stream broke behind the database: its log, of a later time, must not come alone.
  const rest = askFor('content', entries.length, [number('app.db-wal'), number('app.db-shm'), number('zlast')]);
  const { files } = await answerOf(sending, rest);
  for (const beside of ['app.db-wal', 'app.db-shm']) assert.ok(files.get(number(beside))!.held);
  assert.equal(String(bytesOf(files.get(number('zlast'))!)), 'x');
  expectTold((await answerOf(await reopened(sending, t), askFor('content', entries.length, filesOf(entries)))).files);

  async function reopened(open: Sending, context: TestContext): Promise<Sending> {
    await open.close();
    const again = await reopenSend(
      {
        planDir: join(folder, 'plan'),
        scratchDir: join(folder, 'scratch'),
        exclude: [],
        stateId: identity.stateId,
        stateKey: identity.stateKey,
      },
      on(),
    );
    context.after(() => again.close());
    return again;
  }
});

const withXattrs = spawnSync('setfattr', ['--version']).status === 0;

test('a large file with extras is announced before its bytes', { skip: !withXattrs && 'no setfattr' }, async (t) => {
  const { home, plan } = machine(t);
  for (const [name, size] of [
    ['large', 2 * MIB + 5],
    ['small', 50],
    ['bare', 2 * MIB],
  ] as const) {
    writeFileSync(join(home, name), randomBytes(size));
    if (name === 'bare') continue;
    const { status } = spawnSync('setfattr', ['-n', 'user.comment', '-v', 'hello', join(home, name)]);
    if (status !== 0) return t.skip('no extended attributes here');
  }
  const sending = await plan();
  const entries = await planOf(sending);
  const { files } = await answerOf(sending, askFor('content', entries.length, filesOf(entries)));
  const of = (name: string) => files.get(numberOf(entries, join(home, name)))!;
  const xattrs = [{ name: Buffer.from('user.comment'), value: Buffer.from('hello') }];
  const plain = (extras: { xattrs: readonly { name: Uint8Array; value: Uint8Array }[] } | undefined) =>
    extras?.xattrs.map(({ name, value }) => ({ name: Buffer.from(name), value: Buffer.from(value) }));
  assert.deepEqual(plain(of('large').begun?.extras), xattrs);
  assert.deepEqual(plain(of('large').file?.extras), xattrs);
  assert.deepEqual(plain(of('small').file?.extras), xattrs);
  assert.equal(of('small').begun, undefined);
  assert.equal(of('bare').begun, undefined);
});

/** Takes a number of packs, then nothing more: keeps what it was given. */
class Stuck extends Received {
  readonly kept: { view: Uint8Array; id: string }[] = [];
  readonly full = Promise.withResolvers<void>();
  readonly #takes: number;

  constructor(takes: number) {
    super();
    this.#takes = takes;
  }

  override async put(pack: SealedPack): Promise<number> {
    if (this.packs.length < this.#takes) return await super.put(pack);
    this.kept.push({ view: pack.bytes, id: pack.id });
    if (this.kept.length === DIRECT_BUFFERS) this.full.resolve();
    return await new Promise<number>(() => {});
  }
}

test('an answer that is ended leaves its packs alone, and the next ones work', async (t) => {
  const { home, plan } = machine(t);
  for (let file = 0; file < 12; file++) writeFileSync(join(home, `file-${file}`), randomBytes(3 * MIB + 100));
  const sending = await plan();
  const entries = await planOf(sending);
  const all = askFor('content', entries.length, filesOf(entries));
  const ids = new Set<string>();
  for (const takes of [0, 1, 3]) {
    const stuck = new Stuck(takes);
    const ending = new AbortController();
    const answer = sending.answer(all, stuck, { onProgress() {}, signal: ending.signal });
    await assert.rejects(sending.answer(all, new Received(), on()), { code: 'failed' }, 'one at a time');
    await stuck.full.promise;
    ending.abort(new Error('the cable'));
    await assert.rejects(answer, /the cable/);
    await expectAll(sending);
    for (const { view, id } of stuck.kept) {
      assert.equal(digest(view).toString('hex'), id, 'what the network may still read is not written to');
      assert.ok(!ids.has(id));
      ids.add(id);
    }
  }
  const failing = {
    put: async () => {
      throw new ResettleError('failed', 'the stream broke');
    },
  };
  await assert.rejects(sending.answer(all, failing, on()), /the stream broke/);
  await expectAll(sending);
  const closing = sending.answer(all, new Stuck(0), on());
  await Promise.all([assert.rejects(closing, { code: 'interrupted' }), sending.close()]);
  await assert.rejects(sending.answer(all, new Received(), on()), { code: 'interrupted' });
});

test('an answer that is ended while nothing was taken yet ends at once', async (t) => {
  const { home, plan } = machine(t);
  for (let file = 0; file < 2000; file++) writeFileSync(join(home, `file-${file}`), randomBytes(2000));
  const sending = await plan();
  const entries = await planOf(sending);
  const ending = new AbortController();
  const answer = sending.answer(askFor('content', entries.length, filesOf(entries)), new Received(), {
    onProgress: () => ending.abort(new Error('enough')),
    signal: ending.signal,
  });
  await assert.rejects(answer, /enough/);
  await expectAll(sending);
});

test('asks that are none are damaged, and the next one is answered', async (t) => {
  const { home, plan } = machine(t);
  writeFileSync(join(home, 'file'), 'x');
  const sending = await plan();
  const entries = await planOf(sending);
  const { entries: good } = askFor('content', entries.length, filesOf(entries));
  const bad = [
    { entries: Uint8Array.of(0x80), offsets: [] },
    { entries: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x01), offsets: [] },
    { entries: Uint8Array.of(0, entries.length + 1), offsets: [] },
    { entries: good, offsets: [{ entry: 0, offset: 5 }] },
    { entries: good, offsets: [{ entry: 0, offset: -MIB }] },
    { entries: good, offsets: [1, 1].map((entry) => ({ entry, offset: MIB })) },
  ];
  for (const ask of bad) {
    await assert.rejects(sending.answer({ what: 'content', ...ask }, new Received(), on()), { code: 'damaged' });
  }
  await expectAll(sending);
  const none = await answerOf(sending, { what: 'content', entries: new Uint8Array(0), offsets: [] });
  assert.equal(none.received.packs.length, 0);
});

test('a later process goes on with the plan; a plan that is not whole, or was altered, is none', async (t) => {
  const { home, plan, reopen, planDir, folder } = machine(t);
  makeHome(home);
  await assert.rejects(reopen(), { code: 'not-found' });
  const first = await plan();
  const entries = await planOf(first);
  await assert.rejects(plan(), { code: 'not-empty' });
  await first.close();
  const again = await reopen();
  assert.deepEqual(again.plan, first.plan);
  assert.deepEqual(Buffer.from(again.descriptor), Buffer.from(first.descriptor));
  assert.deepEqual(await planOf(again), entries);
  await expectAll(again);

  const other = {
    planDir,
    scratchDir: join(folder, 'scratch'),
    exclude: [],
    stateId: identity.stateId,
    stateKey: randomBytes(32),
  };
  await assert.rejects(reopenSend(other, on()), { code: 'refused' });
  const whole = join(folder, 'whole');
  cpSync(planDir, whole, { recursive: true });
  for (const name of readdirSync(whole)) {
    const path = join(planDir, name);
    const bytes = readFileSync(path);
    for (const altered of [undefined, bytes.subarray(0, -1), Buffer.alloc(0)]) {
      if (altered) writeFileSync(path, altered);
      else rmSync(path);
      const code = name === 'descriptor' && !altered ? 'not-found' : 'damaged';
      await assert.rejects(reopen(), { code }, `${name} ${altered?.length}`);
    }
    writeFileSync(path, bytes);
    if (['summary', 'sizes', 'links'].includes(name)) continue;
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
    await assert.rejects(reopen(), { code: 'damaged' }, name);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
  }
  assert.ok(existsSync(join(planDir, 'descriptor')));
  await expectAll(await reopen());
});

test('a scan that ends with nothing, or is ended, leaves no plan', async (t) => {
  const { home, plan, planDir, reopen } = machine(t);
  writeFileSync(join(home, 'file'), 'x');
  await assert.rejects(plan([home]), { code: 'nothing-left' });
  await assert.rejects(reopen(), { code: 'not-found' });
  rmSync(planDir, { recursive: true });
  await expectAll(await plan());
});

test('many tiny files: records and plan go over several frames and packs', async (t) => {
  const { home, plan } = machine(t);
  for (let folder = 0; folder < 12; folder++) {
    mkdirSync(join(home, `folder-${folder}`));
    for (let file = 0; file < 1500; file++) {
      writeFileSync(join(home, `folder-${folder}`, `${'name'.repeat(40)}-${file}`), file % 3 === 0 ? '' : 'tiny');
    }
  }
  const sending = await plan();
  await expectAll(sending);
  const received = new Received();
  const entries = await planOf(sending);
  await sending.answer(askFor('compare', entries.length, filesOf(entries)), received, received.on);
  assert.equal(readAnswer(received, true).size, 18_000);
  assert.ok(received.packs.every(({ bytes }) => bytes.length <= DIRECT_PACK_BYTES));
});

test('the log of a database that is named without its database is sent, as what it is', async (t) => {
  const { home, folder, planDir } = machine(t);
  const path = join(home, 'app.db');
  const database = new DatabaseSync(path);
  t.after(() => database.close());
  database.exec("PRAGMA journal_mode = wal; CREATE TABLE t (x); INSERT INTO t VALUES ('kept in the log')");
  const log = `${path}-wal`;
  const options = { planDir, scratchDir: join(folder, 'scratch'), exclude: [], ...about(identity) };
  const sending = await planSend({ ...options, paths: [Buffer.from(log)] }, on());
  t.after(() => sending.close());
  const entries = await planOf(sending);
  const number = numberOf(entries, log);
  const { files } = await answerOf(sending, askFor('content', entries.length, [number]));
  assert.ok(bytesOf(files.get(number)!).equals(readFileSync(log)));
});
