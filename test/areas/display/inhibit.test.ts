import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LocalSystem } from '../../../src/state/areas/base/local-system.ts';
import { inhibitBlanking } from '../../../src/state/areas/display/inhibit.ts';

/** A program in systemd-inhibit's place: it notes what it was asked, runs it, and notes its end. */
function standIn(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'resettle-inhibit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const tool = join(folder, 'tool');
  writeFileSync(tool, `#!/bin/sh\necho "$@" > ${folder}/asked\ncat\necho over > ${folder}/over\n`);
  chmodSync(tool, 0o755);
  return { tool, asked: join(folder, 'asked'), over: join(folder, 'over') };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await delay(10);
}

test('blanking is held while something is done, and let go when it is stopped', async (t) => {
  const { tool, asked } = standIn(t);
  const held = inhibitBlanking(new LocalSystem('/'), 'a restore runs', { tool });
  await until(() => existsSync(asked) && readFileSync(asked, 'utf8') !== '');
  assert.equal(readFileSync(asked, 'utf8'), '--what=idle:sleep --who=resettle --why=a restore runs --mode=block cat\n');
  assert.equal(held.reason, undefined);
  held.stop();
  held.stop();
  assert.equal(held.reason, undefined);
});

test('it is let go when the process that asked for it is killed', async (t) => {
  const { tool, asked, over } = standIn(t);
  const source = (path: string) => fileURLToPath(new URL(`../../../src/state/areas/${path}`, import.meta.url));
  const program = `
    import { LocalSystem } from ${JSON.stringify(source('base/local-system.ts'))};
    import { inhibitBlanking } from ${JSON.stringify(source('display/inhibit.ts'))};
    inhibitBlanking(new LocalSystem('/'), 'x', { tool: ${JSON.stringify(tool)} });
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'ignore' });
  await until(() => existsSync(asked));
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until(() => existsSync(over));
});

test('it does not keep the process that asked for it', async (t) => {
  const { tool, asked } = standIn(t);
  const source = (path: string) => fileURLToPath(new URL(`../../../src/state/areas/${path}`, import.meta.url));
  const program = `
    import { existsSync } from 'node:fs';
    import { LocalSystem } from ${JSON.stringify(source('base/local-system.ts'))};
    import { inhibitBlanking } from ${JSON.stringify(source('display/inhibit.ts'))};
    inhibitBlanking(new LocalSystem('/'), 'x', { tool: ${JSON.stringify(tool)} });
    const timer = setInterval(() => existsSync(${JSON.stringify(asked)}) && clearInterval(timer), 5);
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'ignore' });
  assert.deepEqual((await once(child, 'exit'))[0], 0);
});

test('where nothing can be held it says why', async (t) => {
  const missing = inhibitBlanking(new LocalSystem('/'), 'x', { tool: '/no/such/tool' });
  await until(() => missing.reason !== undefined);
  assert.equal(missing.reason, '/no/such/tool is not installed');
  missing.stop();
  const refused = inhibitBlanking(new LocalSystem('/'), 'x', { tool: 'false' });
  await until(() => refused.reason !== undefined);
  assert.equal(refused.reason, 'false was refused');
  const folder = mkdtempSync(join(tmpdir(), 'resettle-inhibit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  assert.match(inhibitBlanking(new LocalSystem(folder), 'x').reason ?? '', /running machine/);
});
