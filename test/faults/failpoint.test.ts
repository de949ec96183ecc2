import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const PROGRAM = new URL('../../src/common/failpoint.ts', import.meta.url).href;

/** Passes two failpoints, three times each. */
function passing(env: NodeJS.ProcessEnv): { signal: NodeJS.Signals | null; stdout: string; stderr: string } {
  const code = `
    const { failpoint } = await import(${JSON.stringify(PROGRAM)});
    for (const round of [1, 2, 3]) {
      for (const name of ['store.file-written', 'store.file-renamed']) {
        try { failpoint(name); } catch (error) { console.log(error.code); }
        console.log(round, name);
      }
    }`;
  const options = { env: { ...process.env, ...env }, encoding: 'utf8' } as const;
  return spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', code], options);
}

test('a failpoint that nobody armed does nothing', () => {
  const { signal, stdout } = passing({});
  assert.equal(signal, null);
  assert.equal(stdout.trim().split('\n').length, 6);
});

test('an armed one kills, or fails, at its time and no other', () => {
  const killed = passing({ RESETTLE_FAILPOINT: 'store.file-renamed:2' });
  assert.equal(killed.signal, 'SIGKILL');
  assert.equal(killed.stdout.trim().split('\n').at(-1), '2 store.file-written');
  assert.equal(passing({ RESETTLE_FAILPOINT: '*:5' }).stdout.trim().split('\n').length, 4);
  const failed = passing({ RESETTLE_FAILPOINT: 'store.file-written:3:fail' });
  assert.equal(failed.signal, null);
  assert.deepEqual(failed.stdout.trim().split('\n').slice(-3), ['EIO', '3 store.file-written', '3 store.file-renamed']);
});

test('one that does not exist is refused', () => {
  for (const spec of ['store.nothing', 'store.file-written:0', 'store.file-written:1:explode', '']) {
    assert.match(passing({ RESETTLE_FAILPOINT: spec }).stderr, /there is no such failpoint/, spec);
  }
});

test('those that are passed are written down', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'resettle-failpoint-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const log = join(folder, 'log');
  passing({ RESETTLE_FAILPOINT_LOG: log });
  assert.equal(readFileSync(log, 'utf8'), 'store.file-written\nstore.file-renamed\n'.repeat(3));
});
