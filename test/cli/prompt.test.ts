import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const SECRETS = new URL('../../src/cli/secrets.ts', import.meta.url).href;

/** Asks in a process of its own that has that on its standard input. */
function asked(input: string): { status: number | null; stdout: string } {
  const program = `
    const { prompt } = await import(${JSON.stringify(SECRETS)});
    const awake = setInterval(() => {}, 1000);
    process.stdout.write(await prompt('? ').catch((error) => 'thrown ' + error.code));
    clearInterval(awake);`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
  const { status, stdout } = spawnSync(process.execPath, flags, { input, encoding: 'utf8', timeout: 20_000 });
  return { status, stdout };
}

test('a question whose input ends without an answer ends too', () => {
  assert.deepEqual(asked(''), { status: 0, stdout: 'thrown unconfirmed' });
  assert.deepEqual(asked('yes\n'), { status: 0, stdout: 'yes' });
  // Not a whole line: it is no answer.
  assert.deepEqual(asked('yes'), { status: 0, stdout: 'thrown unconfirmed' });
});
