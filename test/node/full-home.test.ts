import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Home } from '../../src/node/home/home.ts';
import { GuessFile } from '../../src/node/pairing/guess-file.ts';
import { Journal } from '../../src/state/records/journal.ts';
import type { RecordHash } from '../../src/state/records/types.ts';
import { mountTmpfs, noTmpfs, remount, unmount } from '../support/disks.ts';

const NO_SPACE = { code: 'no-space', message: /no space left in \/.*disk/ };

/** A HOME on a disk of its own, and what fills it up to the last `leave` bytes. */
function smallHome(t: TestContext, sizeBytes = 1_000_000) {
  const top = mkdtempSync(join(tmpdir(), 'resettle-full-'));
  const disk = join(top, 'disk');
  mountTmpfs(disk, sizeBytes);
  t.after(() => {
    unmount(disk);
    rmSync(top, { recursive: true, force: true });
  });
  const ballast = join(disk, 'ballast');
  const fill = (leave: number): void => {
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - leave));
  };
  return { disk, home: new Home(join(disk, 'home')), fill, free: () => rmSync(ballast) };
}

test('a file of HOME that does not fit stays what it was, and nothing of the new one is left', {
  skip: noTmpfs,
}, (t) => {
  const { disk, home, fill, free } = smallHome(t);
  home.write('{"key":"the old one"}', 'states', 'a.json');
  // Of one write the disk takes a part, and says so by a smaller number only.
  for (const leave of [0, 4096, 12_288]) {
    fill(leave);
    assert.throws(() => home.write('x'.repeat(40_000), 'states', 'a.json'), NO_SPACE);
    assert.equal(home.read('states', 'a.json')!.toString(), '{"key":"the old one"}');
    assert.deepEqual(readdirSync(join(disk, 'home', 'states')), ['a.json']);
    free();
  }
  home.write('x'.repeat(40_000), 'states', 'a.json');
  assert.equal(home.read('states', 'a.json')!.length, 40_000);
});

test('a full disk under the record log is told as such, never as a log that is damaged', { skip: noTmpfs }, (t) => {
  const { home, fill, free } = smallHome(t);
  for (const leave of [0, 4096, 8192, 16_384]) {
    fill(leave);
    assert.throws(() => new Journal(home.recordsPath), NO_SPACE);
    free();
    rmSync(home.recordsPath, { force: true });
  }
});

test('a record that does not fit is not stored, those before it are, and with room it goes on', {
  skip: noTmpfs,
}, (t) => {
  const { home, fill, free } = smallHome(t);
  const entry = (number: number) => {
    const hash = number.toString(16).padStart(64, '0') as RecordHash;
    return { number, hash, envelope: new Uint8Array(3000).fill(number) };
  };
  let journal = new Journal(home.recordsPath);
  journal.change([entry(1)], []);
  fill(20_000);
  let last = 1;
  const untilFull = (): void => {
    for (; ; last++) journal.change([entry(last + 1)], [entry(last).hash]);
  };
  assert.throws(untilFull, NO_SPACE);
  assert.throws(() => journal.change([entry(last + 1)], []), NO_SPACE);
  assert.deepEqual(
    journal.after(0, 100).map(({ number }) => number),
    [last],
  );
  free();
  journal.change([entry(last + 1)], []);
  journal.close();
  journal = new Journal(home.recordsPath);
  const numbers = journal.after(0, 100).map(({ number }) => number);
  journal.close();
  assert.deepEqual(numbers, [last, last + 1]);
});

test('a record log on a disk that cannot be written any more is kept, and said to be perhaps whole', {
  skip: noTmpfs,
}, (t) => {
  const { disk, home } = smallHome(t);
  new Journal(home.recordsPath).close();
  remount(disk, 'ro');
  assert.throws(() => new Journal(home.recordsPath), {
    code: 'failed',
    message: /cannot be opened/,
    hint: /may be whole/,
  });
  assert.ok(existsSync(home.recordsPath));
});

test('on a full disk no guess at a pairing code is counted as none', { skip: noTmpfs }, async (t) => {
  const { home, fill } = smallHome(t);
  const guesses = new GuessFile(home);
  await guesses.update((times) => [...times, 1]);
  fill(0);
  await assert.rejects(
    guesses.update(() => Array.from({ length: 5000 }, (_, index) => index)),
    NO_SPACE,
  );
  guesses.close();
});
