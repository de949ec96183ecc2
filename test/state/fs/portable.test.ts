import assert from 'node:assert/strict';
import { constants, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { codeOf } from '../../../src/state/fs/errno.ts';
import { lossesOn } from '../../../src/state/fs/portable/losses.ts';
import { checkName } from '../../../src/state/fs/portable/names.ts';
import { lookAtFolder, openPresent } from '../../../src/state/fs/portable/open.ts';
import { portableCalls } from '../../../src/state/fs/portable.ts';
import { secondsOf } from '../../../src/state/fs/times.ts';
import { runFileCallsTests } from './contract.ts';
import { PLACES, workIn } from './support/places.ts';

runFileCallsTests('portable', 'portable');

const hasCode = (code: string) => (error: unknown) => {
  assert.equal(codeOf(error), code);
  return true;
};

test('where no flag keeps from following links, looks before and after do', async () => {
  await workIn(PLACES[0]!, async (path) => {
    writeFileSync(join(path, 'file'), 'content');
    mkdirSync(join(path, 'sub'));
    symlinkSync('file', join(path, 'to-file'));
    symlinkSync('sub', join(path, 'to-sub'));
    symlinkSync('nowhere', join(path, 'to-nothing'));
    const at = (name: string) => Buffer.from(join(path, name));
    const fd = openPresent(at('file'), constants.O_RDONLY, 0);
    assert.equal(readFileSync(fd, 'latin1'), 'content');
    portableCalls.close(fd);
    for (const link of ['to-file', 'to-sub', 'to-nothing']) {
      assert.throws(() => openPresent(at(link), constants.O_RDONLY, 0), hasCode('ELOOP'));
      assert.throws(() => lookAtFolder(at(link), 0), hasCode('ENOTDIR'));
    }
    assert.throws(() => lookAtFolder(at('file'), 0), hasCode('ENOTDIR'));
    assert.throws(() => lookAtFolder(at('missing'), 0), hasCode('ENOENT'));
    assert.equal(lookAtFolder(at('sub'), 0).ino, lookAtFolder(at('sub')).ino);
  });
});

test('Windows takes no name that means something else to it', () => {
  const bad = [
    '..\\up',
    'a\\b',
    'C:',
    'file:stream',
    'a*',
    'NUL',
    'nul.txt',
    'Com1',
    'lpt9.log',
    'dot.',
    'blank ',
    'a\tb',
  ];
  for (const name of bad) {
    assert.throws(() => checkName(Buffer.from(name), 'win32'), hasCode('EINVAL'));
    checkName(Buffer.from(name), 'linux');
    checkName(Buffer.from(name), 'darwin');
  }
  for (const name of ['.config', 'a.b', 'nullable', 'com10', 'Grüße 東京', 'console'])
    checkName(Buffer.from(name), 'win32');
});

test('names are text where the platform wants that, and one component everywhere', () => {
  for (const platform of ['win32', 'darwin'] as const) {
    assert.throws(() => checkName(Buffer.of(0xff), platform), hasCode('EILSEQ'));
  }
  checkName(Buffer.of(0xff), 'linux');
  for (const platform of ['win32', 'darwin', 'linux'] as const) {
    for (const name of ['', '.', '..', 'a/b', 'a\0']) {
      assert.throws(() => checkName(Buffer.from(name), platform), hasCode('EINVAL'));
    }
  }
});

test('every platform says what it loses, and text for names is lost everywhere but on Linux', () => {
  for (const platform of ['win32', 'darwin', 'freebsd'] as const) {
    assert.ok(lossesOn(platform).length > lossesOn('linux').length);
    assert.ok(lossesOn(platform).some((loss) => loss.startsWith('names that are not text')));
  }
});

test('a path of an open folder is text, or there is none', async () => {
  await workIn(PLACES[0]!, async (path) => {
    const base = portableCalls.openFolderAt(Buffer.from(path));
    portableCalls.makeFolder(base, Buffer.of(0xff));
    const odd = portableCalls.openFolder(base, Buffer.of(0xff));
    assert.equal(portableCalls.pathOfFolder(base), path);
    assert.throws(() => portableCalls.pathOfFolder(odd), hasCode('EILSEQ'));
    for (const open of [odd, base]) portableCalls.close(open);
  });
});

test('a folder beyond the longest path stays open when those above it are closed', async () => {
  await workIn(PLACES[0]!, async (path) => {
    const name = Buffer.alloc(255, 'd');
    const open = [portableCalls.openFolderAt(Buffer.from(path))];
    for (let depth = 0; depth < 20; depth++) {
      portableCalls.makeFolder(open.at(-1)!, name);
      open.push(portableCalls.openFolder(open.at(-1)!, name));
    }
    const deepest = open.pop()!;
    for (const folder of open) portableCalls.close(folder);
    writeFileSync(join(portableCalls.pathOfFolder(deepest), 'file'), 'deep');
    assert.equal(portableCalls.statOfItem(deepest, Buffer.from('file')).size, 4n);
    assert.ok(portableCalls.statOf(deepest).isDirectory());
    portableCalls.close(deepest);
    rmSync(path, { recursive: true });
  });
});

test('seconds are written out to the nanosecond', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(int64, (time) => {
      const text = secondsOf(time);
      assert.match(text, /^-?\d+\.\d{9}$/);
      assert.equal(BigInt(text.replace('.', '')), time);
    }),
    { examples: [[0n], [-1n], [1n], [-1_000_000_000n], [999_999_999n]] },
  );
});
