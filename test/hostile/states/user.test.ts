/** What a plain user restores: the states whose end depends on what he may do, by a process that runs as him. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./support/user-child.ts', import.meta.url));
const NOBODY = 65534;
const TABLES = ['metadata', 'links', 'existing'].map((name) => new URL(`./cases/${name}.ts`, import.meta.url).href);

test('hostile states do to a plain user what they do to root', { skip: process.geteuid?.() !== 0 }, () => {
  const args = ['--disable-warning=ExperimentalWarning', CHILD, ...TABLES];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { uid: NOBODY, gid: NOBODY, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const verdicts = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { name: string; failure?: string });
  assert.ok(verdicts.length > 40, `${verdicts.length} states`);
  for (const { name, failure } of verdicts) assert.equal(failure, undefined, `${name}: ${failure}`);
});
