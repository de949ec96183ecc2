import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { DATABASE_PIECE_BYTES, DATABASE_VALUE_MAX_BYTES } from '../../src/common/limits.ts';
import {
  type CopiedDatabase,
  type CopyDatabaseOptions,
  copyDatabase,
  type DatabaseCopy,
  isCompanion,
  isDatabase,
} from '../../src/state/capture/database.ts';
import { close, openFolderAt } from '../../src/state/fs/calls.ts';
import { temporaryFolder } from './support/source-machine.ts';

const WRITER = new URL('./support/database-writer.ts', import.meta.url).pathname;
/** Of a value: more than SQLite may take while it checks. */
const LARGE = DATABASE_VALUE_MAX_BYTES + 1;
const JOURNAL_MAGIC = Buffer.from('d9d505f920a163d7', 'hex');
/** Beyond any clock: nothing counts as just changed. */
const SETTLED = { settleMs: -60_000 };

type Bench = ReturnType<typeof bench>;

/** A folder with databases, and a scratch folder that has to be empty in the end. */
function bench(t: TestContext) {
  const folder = temporaryFolder(t);
  const source = join(folder, 'source');
  const scratch = join(folder, 'scratch');
  mkdirSync(source);
  mkdirSync(scratch);
  const opened = openFolderAt(Buffer.from(source));
  t.after(() => close(opened));
  return {
    folder,
    source,
    scratch,
    path: join(source, 'a.db'),
    copy: (options?: CopyDatabaseOptions, name: Uint8Array = Buffer.from('a.db')): DatabaseCopy =>
      copyDatabase(opened, name, scratch, options),
  };
}

/** Starts a writer and waits until the file is as asked. */
async function write(t: TestContext, path: string, what: 'commits' | 'committed' | 'open', mode: string, pauseMs = 0) {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', WRITER, path, what, mode, `${pauseMs}`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.after(() => kill(child));
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(([code]) => assert.fail(`the writer ended with ${code}`)),
  ]);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function expectCopied(copy: DatabaseCopy): CopiedDatabase {
  assert.equal(copy.kind, 'copied', JSON.stringify(copy.kind === 'inconsistent' ? copy.reason : ''));
  return copy as CopiedDatabase;
}

/** Everything of a folder that reading must not change. */
function stateOf(folder: string) {
  return readdirSync(folder).map((name) => {
    const { size, ino, mode, mtimeNs, ctimeNs } = lstatSync(join(folder, name), { bigint: true });
    return { name, size, ino, mode, mtimeNs, ctimeNs };
  });
}

interface Contents {
  readonly integrity: unknown;
  readonly one: string;
  readonly two: string;
  readonly zeros: number;
}

/** Opens a database file of the writer by itself, under a path of its own, and looks. */
function contentsOf(database: string, folder: string): Contents {
  const path = join(folder, 'looked-at');
  copyFileSync(database, path);
  const opened = new DatabaseSync(path);
  try {
    const numbers = (table: string) => {
      const rows = opened.prepare(`SELECT number FROM ${table} ORDER BY number`).all();
      return rows.map((row) => row.number).join();
    };
    const zeros = opened.prepare('SELECT count(*) AS n FROM one WHERE filling = zeroblob(500)').get()?.n;
    return {
      integrity: opened.prepare('PRAGMA integrity_check').get()?.integrity_check,
      one: numbers('one'),
      two: numbers('two'),
      zeros: Number(zeros),
    };
  } finally {
    opened.close();
  }
}

function expectWhole({ one, two, integrity, zeros }: Contents): void {
  assert.equal(integrity, 'ok');
  assert.equal(one.split(',').length, 300);
  assert.equal(one, two);
  assert.equal(zeros, 0);
}

function contentOf({ fd, sizeBytes }: CopiedDatabase): Buffer {
  const content = Buffer.alloc(sizeBytes);
  assert.equal(readSync(fd, content, 0, sizeBytes, 0), sizeBytes);
  return content;
}

/** Where a file says whether it has a log (2) or a journal (1). */
const modeOf = (content: Buffer) => [content[18], content[19]];

function expectInconsistent({ scratch }: Bench, copy: DatabaseCopy, reason: RegExp): void {
  assert.match(copy.kind === 'inconsistent' ? copy.reason : copy.kind, reason);
  assert.deepEqual(readdirSync(scratch), [], 'no scratch is left');
}

/** A database that nobody has open, with what SQL makes of it. */
function make(path: string, sql = 'CREATE TABLE t (x); INSERT INTO t VALUES (1)'): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

/** A database whose schema names what SQLite here does not have. */
function makeForeign(path: string, sql: string, from: string, to: string): void {
  make(path, sql);
  const database = new DatabaseSync(path, { defensive: false });
  database.exec('PRAGMA writable_schema = ON');
  database.prepare('UPDATE sqlite_schema SET sql = replace(sql, ?, ?)').run(from, to);
  database.close();
}

/** A killed writer's files, or a live one's that waits, as plain files that nobody writes any more. */
async function abandoned(t: TestContext, { path }: Bench, what: 'committed' | 'open', mode: string): Promise<void> {
  await kill(await write(t, path, what, mode));
}

test('a database is known by how it begins', () => {
  assert.ok(isDatabase(Buffer.from('SQLite format 3\0 and on')));
  assert.ok(isDatabase(Buffer.from('SQLite format 3\0')));
  assert.ok(!isDatabase(Buffer.from('SQLite format 3')));
  assert.ok(!isDatabase(Buffer.from('SQLite format 4\0')));
  assert.ok(!isDatabase(Buffer.alloc(0)));
});

test('what SQLite keeps beside a database is known by the names of the databases of that folder', () => {
  const strange = Buffer.of(0x61, 0xff, 0x2e);
  const databases = new Set(['a.db', strange.toString('latin1')]);
  const is = (name: string | Buffer) => isCompanion(Buffer.from(name), databases);
  for (const name of ['a.db-wal', 'a.db-shm', 'a.db-journal']) assert.ok(is(name), name);
  assert.ok(is(Buffer.concat([strange, Buffer.from('-wal')])));
  for (const name of ['a.db', 'b.db-wal', 'a.db-wal2', 'a.db-waL', '-wal', 'a.db-', 'aa.db-wal'])
    assert.ok(!is(name), name);
  assert.ok(!isCompanion(Buffer.from('a.db-wal'), new Set()));
});

test('a database that nobody writes is idle, and one that was written just now is copied as it is', (t) => {
  const { path, scratch, copy } = bench(t);
  make(path, 'PRAGMA journal_mode = wal; CREATE TABLE t (x)');
  assert.deepEqual(copy(SETTLED), { kind: 'idle' });
  writeFileSync(`${path}-wal`, '');
  assert.deepEqual(copy(SETTLED), { kind: 'idle' }, 'a log without a byte');

  const copied = expectCopied(copy({ settleMs: 60_000 }));
  assert.deepEqual(contentOf(copied), readFileSync(path));
  assert.equal(copied.stats.ino, statSync(path, { bigint: true }).ino);
  assert.ok(copied.checked);
  copied.close();
  assert.deepEqual(readdirSync(scratch), []);
});

for (const mode of ['wal', 'delete', 'truncate', 'persist']) {
  test(`copies of a database that is written all the time hold whole transactions (${mode})`, async (t) => {
    const { source, scratch, folder, path, copy } = bench(t);
    const writer = await write(t, path, 'commits', mode, 3);
    const seen = new Set<string>();
    for (let round = 0; round < 15; round++) {
      const copied = expectCopied(copy({ attempts: 10 }));
      assert.ok(copied.checked);
      assert.deepEqual(readdirSync(scratch).length, 1);
      const content = contentOf(copied);
      assert.deepEqual(modeOf(content), mode === 'wal' ? [2, 2] : [1, 1]);
      assert.deepEqual(readdirSync(join(copied.path, '..')), ['db']);
      const contents = contentsOf(copied.path, folder);
      expectWhole(contents);
      seen.add(contents.one);
      copied.close();
      assert.deepEqual(readdirSync(scratch), []);
    }
    await kill(writer);
    assert.ok(seen.size > 1, 'the writer went on meanwhile');
    const names = mode === 'wal' ? ['a.db', 'a.db-shm', 'a.db-wal'] : ['a.db', 'a.db-journal'];
    assert.ok(readdirSync(source).every((name) => names.includes(name)));
  });
}

const ACTS = ['nothing', 'begin', 'end', 'commit', 'rollback', 'checkpoint'] as const;

/** A writer in this very thread, that writes just when it is told to. Its database is larger than a piece. */
class Interleaved {
  readonly #database: DatabaseSync;
  #begun = 0;
  /** The last transaction that was committed. */
  committed = 0;

  constructor(path: string, mode: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(`PRAGMA journal_mode = ${mode}; PRAGMA synchronous = OFF`);
    for (const table of ['one', 'two']) {
      this.#database.exec(`CREATE TABLE ${table} (number INTEGER PRIMARY KEY, value, filling)`);
      for (let number = -299; number <= 0; number++) this.#add(table, number);
    }
    // Written to the file while a transaction goes on, not only when it ends.
    this.#database.exec('PRAGMA cache_size = 5');
  }

  #add(table: string, number: number): void {
    this.#database.exec(`INSERT INTO ${table} VALUES (${number}, 0, zeroblob(2500))`);
  }

  #change(table: string): void {
    this.#add(table, this.#begun);
    this.#database.exec(`DELETE FROM ${table} WHERE number = ${this.#begun - 300};
      UPDATE ${table} SET value = ${this.#begun} WHERE number % 10 = ${this.#begun % 10}`);
  }

  act(act: (typeof ACTS)[number]): void {
    const isOpen = this.#database.isTransaction;
    if (!isOpen && (act === 'begin' || act === 'commit')) {
      this.#begun = this.committed + 1;
      this.#database.exec('BEGIN');
      this.#change('one');
    }
    if (act === 'commit' || (isOpen && act === 'end')) {
      this.#change('two');
      this.#database.exec('COMMIT');
      this.committed = this.#begun;
    }
    if (isOpen && act === 'rollback') this.#database.exec('ROLLBACK');
    if (!isOpen && act === 'checkpoint') this.#database.exec('PRAGMA wal_checkpoint(RESTART)');
  }

  close(): void {
    this.#database.close();
  }
}

/** The number of the last transaction in a copy, which is whole. */
function lastWholeIn(path: string): number {
  const database = new DatabaseSync(path);
  try {
    assert.equal(database.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok');
    const [one, two] = ['one', 'two'].map((table) =>
      database.prepare(`SELECT number, value FROM ${table} ORDER BY number`).all(),
    );
    assert.deepEqual(one, two);
    return Number(one?.at(-1)?.number);
  } finally {
    database.close();
  }
}

for (const mode of ['wal', 'delete', 'truncate', 'persist']) {
  test(`whatever is written between the pieces that are copied, a copy is of one moment (${mode})`, (t) => {
    const place = bench(t);
    const { path, scratch, copy } = place;
    const writer = new Interleaved(path, mode);
    t.after(() => writer.close());
    let copies = 0;
    const acts = fc.array(fc.constantFrom(...ACTS), { maxLength: 25 });
    fc.assert(
      fc.property(acts, fc.constantFrom(...ACTS), (during, before) => {
        writer.act(before);
        const first = writer.committed;
        const next = during.values();
        const copied = copy({
          settleMs: 60_000,
          attempts: 4,
          throwIfStopped: () => writer.act(next.next().value ?? 'nothing'),
        });
        if (copied.kind === 'copied') {
          copies += 1;
          const last = lastWholeIn(copied.path);
          assert.ok(first <= last && last <= writer.committed, `${first} <= ${last} <= ${writer.committed}`);
          copied.close();
        } else {
          expectInconsistent(place, copied, /kept changing/);
        }
        assert.deepEqual(readdirSync(scratch), []);
      }),
      { numRuns: 40 },
    );
    assert.ok(copies > 0);
  });
}

for (const mode of ['delete', 'truncate', 'persist']) {
  test(`a hot journal that a killed program left is rolled back in the copy (${mode})`, async (t) => {
    const place = bench(t);
    await abandoned(t, place, 'open', mode);
    const before = stateOf(place.source);
    assert.deepEqual(readdirSync(place.source), ['a.db', 'a.db-journal']);
    assert.notEqual(contentsOf(place.path, place.folder).zeros, 0, 'the database alone is in the middle of something');

    const copied = expectCopied(place.copy(SETTLED));
    expectWhole(contentsOf(copied.path, place.folder));
    assert.deepEqual(modeOf(contentOf(copied)), [1, 1]);
    assert.deepEqual(stateOf(place.source), before);
    copied.close();
  });
}

test('what a program has not committed is not in the copy, while it runs and after it is killed', async (t) => {
  const { path, source, folder, copy } = bench(t);
  const child = await write(t, path, 'open', 'wal');
  for (const isKilled of [false, true]) {
    if (isKilled) await kill(child);
    const before = stateOf(source);
    assert.deepEqual(readdirSync(source), ['a.db', 'a.db-shm', 'a.db-wal']);
    const copied = expectCopied(copy(SETTLED));
    expectWhole(contentsOf(copied.path, folder));
    assert.deepEqual(stateOf(source), before);
    copied.close();
  }
});

test('what was committed to the log alone is in the copy, which keeps its mode', async (t) => {
  const place = bench(t);
  await abandoned(t, place, 'committed', 'wal');
  assert.throws(() => contentsOf(place.path, place.folder), /no such table/, 'the database alone has nothing');
  const before = stateOf(place.source);
  const copied = expectCopied(place.copy(SETTLED));
  expectWhole(contentsOf(copied.path, place.folder));
  assert.deepEqual(modeOf(contentOf(copied)), [2, 2]);
  assert.deepEqual(stateOf(place.source), before);
  copied.close();
});

test('of a log that was cut the whole transactions are in the copy, of garbage nothing', async (t) => {
  const place = bench(t);
  await abandoned(t, place, 'committed', 'wal');
  const log = `${place.path}-wal`;
  truncateSync(log, statSync(log).size - 1);
  const cut = expectCopied(place.copy(SETTLED));
  const { one, two, integrity } = contentsOf(cut.path, place.folder);
  assert.deepEqual([one.split(',').length, two, integrity], [299, one, 'ok']);
  copyFileSync(cut.path, place.path);
  cut.close();

  for (const garbage of [Buffer.alloc(10_000, 7), Buffer.from('x')]) {
    writeFileSync(log, garbage);
    const copied = expectCopied(place.copy(SETTLED));
    assert.deepEqual(contentOf(copied), readFileSync(place.path));
    copied.close();
  }
});

test('a journal that was committed is not rolled back', async (t) => {
  const place = bench(t);
  await abandoned(t, place, 'committed', 'persist');
  const journal = `${place.path}-journal`;
  assert.ok(statSync(journal).size > 512);
  for (const beginning of [Buffer.alloc(0), Buffer.from('x'), JOURNAL_MAGIC]) {
    if (beginning.length > 0) writeFileSync(journal, beginning);
    const copied = expectCopied(place.copy(SETTLED));
    assert.deepEqual(contentOf(copied), readFileSync(place.path));
    copied.close();
  }
});

test('a journal that names a super-journal is not for SQLite, which would go by what stands at that path', async (t) => {
  const place = bench(t);
  await abandoned(t, place, 'open', 'delete');
  const other = join(place.folder, 'other');
  writeFileSync(other, 'precious');
  const name = Buffer.from(other);
  const end = Buffer.alloc(16);
  end.writeUInt32BE(name.length, 0);
  end.writeUInt32BE(
    name.reduce((sum, byte) => sum + byte, 0),
    4,
  );
  JOURNAL_MAGIC.copy(end, 8);
  appendFileSync(`${place.path}-journal`, Buffer.concat([Buffer.alloc(4), name, end]));
  const before = stateOf(place.source);
  expectInconsistent(place, place.copy({ ...SETTLED, attempts: 2 }), /transaction over several databases/);
  assert.equal(readFileSync(other, 'utf8'), 'precious');
  assert.deepEqual(stateOf(place.source), before);
});

test('a name may be any bytes, and as long as a name can be', async (t) => {
  const place = bench(t);
  await abandoned(t, place, 'committed', 'wal');
  const at = (name: Uint8Array) => Buffer.concat([Buffer.from(`${place.source}/`), name]);
  const strange = Buffer.concat([Buffer.of(0xff, 0x0a, 0x3f, 0x80), Buffer.alloc(247, 'a')]);
  for (const ending of ['', '-wal']) renameSync(place.path + ending, at(Buffer.concat([strange, Buffer.from(ending)])));
  const copied = expectCopied(place.copy(SETTLED, strange));
  expectWhole(contentsOf(copied.path, place.folder));
  copied.close();

  const longest = Buffer.alloc(255, 'b');
  make(join(place.source, 'short'));
  renameSync(join(place.source, 'short'), at(longest));
  assert.deepEqual(place.copy(SETTLED, longest), { kind: 'idle' });
});

test('a database that does not stand still meanwhile is copied again, and inconsistent if it never does', async (t) => {
  const place = bench(t);
  const { path, folder } = place;
  const kept = join(folder, 'kept');
  await abandoned(t, place, 'committed', 'wal');
  cpSync(place.source, kept, { recursive: true });
  const other = (file: string, position: number) => {
    const bytes = readFileSync(file);
    bytes[position]! ^= 1;
    writeFileSync(file, bytes);
  };
  const disturbances: Record<string, () => void> = {
    touched: () => utimesSync(path, 1, 1),
    written: () => other(path, 90),
    replaced: () => {
      copyFileSync(join(kept, 'a.db'), join(folder, 'new'));
      renameSync(join(folder, 'new'), path);
    },
    'log begun anew': () => other(`${path}-wal`, 20),
    'log emptied': () => truncateSync(`${path}-wal`, 0),
    'log gone': () => rmSync(`${path}-wal`),
  };
  // Called before the attempt, before each piece that is copied, and then before the database is read once more.
  const whenCopied = 1 + 1 + Math.ceil(statSync(`${path}-wal`).size / DATABASE_PIECE_BYTES) + 1;
  for (const [name, disturb] of Object.entries(disturbances)) {
    for (const attempts of [1, 2]) {
      cpSync(kept, place.source, { recursive: true });
      let calls = 0;
      const throwIfStopped = () => {
        calls += 1;
        if (calls === whenCopied) disturb();
      };
      const copy = place.copy({ ...SETTLED, attempts, throwIfStopped });
      if (attempts === 1) expectInconsistent(place, copy, /^it kept changing while it was read$/);
      else expectCopied(copy).close();
      assert.ok(calls >= whenCopied, name);
    }
  }
});

test('a log that grows meanwhile is no change', async (t) => {
  const place = bench(t);
  await abandoned(t, place, 'committed', 'wal');
  const copied = expectCopied(
    place.copy({ ...SETTLED, attempts: 1, throwIfStopped: () => appendFileSync(`${place.path}-wal`, 'more') }),
  );
  expectWhole(contentsOf(copied.path, place.folder));
  copied.close();
});

test('what only looks like a database, an empty one and a broken one are inconsistent, in words for a terminal', (t) => {
  const place = bench(t);
  const { path } = place;
  writeFileSync(`${path}-wal`, 'a log');
  writeFileSync(path, `SQLite format 3\0${'and no more'.repeat(500)}`);
  expectInconsistent(place, place.copy(), /SQLite cannot read it: file is not a database/);
  writeFileSync(path, '');
  expectInconsistent(place, place.copy(), /it is gone, or empty/);

  make(join(place.folder, 'made'), 'CREATE TABLE t (x); INSERT INTO t VALUES (randomblob(100000))');
  const broken = readFileSync(join(place.folder, 'made'));
  broken.fill(0xff, 4096, 8192);
  writeFileSync(path, broken);
  expectInconsistent(place, place.copy(), /SQLite (finds it broken|cannot read it)/);

  const hidden = join(place.folder, 'hidden');
  make(hidden, 'CREATE TABLE "\x1b[31mred" (x)');
  const database = new DatabaseSync(hidden, { defensive: false });
  database.exec(`PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE \x1b[31mred'`);
  database.close();
  copyFileSync(hidden, path);
  const copy = place.copy();
  expectInconsistent(place, copy, /malformed database schema/);
  assert.ok(copy.kind === 'inconsistent' && !copy.reason.includes('\x1b'), 'nothing for a terminal to obey');
});

test('a log that is no file is not followed or waited for', (t) => {
  const place = bench(t);
  make(place.path);
  symlinkSync(join(place.folder, 'nowhere'), `${place.path}-wal`);
  expectInconsistent(place, place.copy(), /^its -wal: it became a symbolic link$/);
  renameSync(`${place.path}-wal`, join(place.folder, 'link'));
  execFileSync('mkfifo', [`${place.path}-journal`]);
  expectInconsistent(place, place.copy(), /^its -journal is no file$/);
});

test('what SQLite cannot check without its application is copied unchecked, and its expressions are not run', (t) => {
  const { path, copy } = bench(t);
  const makers: [() => void, boolean][] = [
    [() => makeForeign(path, 'CREATE TABLE t (x TEXT COLLATE nocase PRIMARY KEY)', 'nocase', 'theirs'), false],
    [() => make(path, `CREATE TABLE t (x, y TEXT AS (printf('%.*c', x, 'y'))); INSERT INTO t (x) VALUES (5)`), false],
    [
      () => make(path, `CREATE VIRTUAL TABLE t USING fts5(x); INSERT INTO t VALUES (printf('%.*c', ${LARGE}, 'x'))`),
      false,
    ],
    [() => makeForeign(path, 'CREATE VIRTUAL TABLE t USING rtree(id, a, b)', 'rtree', 'theirs'), true],
  ];
  for (const [maker, checked] of makers) {
    maker();
    const copied = expectCopied(copy());
    assert.equal(copied.checked, checked);
    assert.deepEqual(contentOf(copied), readFileSync(path));
    copied.close();
    rmSync(path);
  }
});

test('a constraint that does not hold is the application’s own affair', (t) => {
  const { path, copy } = bench(t);
  make(path, 'CREATE TABLE t (x CHECK (x > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES (-1)');
  const copied = expectCopied(copy());
  assert.ok(copied.checked);
  copied.close();
});

test('a database that does not fit beside the scratch folder’s files is inconsistent', (t) => {
  const place = bench(t);
  make(place.path);
  const { bavail, bsize } = statfsSync(place.scratch);
  truncateSync(place.path, bavail * bsize);
  expectInconsistent(place, place.copy(), /no room for a copy/);
});

test('copying ends when it is asked to, and leaves nothing', (t) => {
  const { path, scratch, copy } = bench(t);
  make(path);
  for (const calls of [1, 2, 3, 4]) {
    let left = calls;
    const throwIfStopped = () => {
      left -= 1;
      if (left === 0) throw new ResettleError('interrupted', 'stopped');
    };
    assert.throws(() => copy({ throwIfStopped }), /stopped/);
    assert.deepEqual(readdirSync(scratch), []);
  }
});
