/** What a process leaves of its memory where it dies or is asked: keys are in it, so nothing. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { after, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, Scene } from '../support/scene.ts';

const RESETTLE = fileURLToPath(new URL('../../bin/resettle', import.meta.url));
const scene = new Scene();
after(() => scene.end());

/** What a person may have set for other programs. */
const FOR_OTHERS = {
  NODE_OPTIONS:
    '--report-on-signal --report-on-fatalerror --heapsnapshot-signal=SIGUSR2 --inspect=127.0.0.1:0 --cpu-prof --trace-exit',
  NODE_V8_COVERAGE: 'coverage',
  NODE_DEBUG: 'net,http,fs',
  DEBUG: '*,*:trace',
  DUMP_SESSION_KEYS: '1',
};

/** A shell that lets programs leave core dumps, as a developer’s does, runs a program in a folder of its own. */
function start(t: TestContext, folder: string, program: readonly string[], env: NodeJS.ProcessEnv = {}) {
  mkdirSync(folder);
  const child = spawn('sh', ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', ...program], {
    cwd: folder,
    env: { ...process.env, ...env },
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  return { child, said: () => said, ended: once(child, 'close') };
}

const agentIn = (name: string, more: readonly string[] = []): string[] => [
  RESETTLE,
  'agent',
  '--home',
  scene.path(name),
  '--interface',
  'lo',
  '--listen',
  '/ip4/127.0.0.1/tcp/0',
  ...more,
];

test('an agent that dies of a fault leaves no core dump, neither in a file nor to a program that takes them', async (t) => {
  const folder = scene.path('faulty');
  const { child, said, ended } = start(t, folder, agentIn('faulty-home', ['--json']));
  await eventually('the agent is ready', () => said().includes('"ready"') || undefined);
  const limits = readFileSync(`/proc/${child.pid}/limits`, 'utf8');
  assert.match(limits, /^Max core file size +0 +0 /m, 'nobody in it can raise the limit again');
  const filter = readFileSync(`/proc/${child.pid}/coredump_filter`, 'utf8');
  assert.equal(Number.parseInt(filter, 16), 0, 'a program that takes dumps, whatever the limit, gets no memory');
  child.kill('SIGSEGV');
  assert.deepEqual(await ended, [null, 'SIGSEGV']);
  assert.deepEqual(readdirSync(folder), []);
});

test('here a program leaves a core dump where nothing keeps it from that', (t) => {
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  if (/[|/]/.test(pattern)) return t.diagnostic(`dumps go to ${pattern}: only the limits were looked at`);
  const folder = scene.path('control');
  mkdirSync(folder);
  spawnSync('sh', ['-c', "ulimit -c unlimited; sh -c 'kill -SEGV $$'"], { cwd: folder });
  assert.equal(readdirSync(folder).length, 1, 'the test above would see one');
});

test('options for other Node programs open no debugger and write nothing, and no signal does', async (t) => {
  const folder = scene.path('others');
  const { child, said, ended } = start(t, folder, agentIn('others-home', ['--json', '--verbose']), FOR_OTHERS);
  await eventually('the agent is ready', () => said().includes('"ready"') || undefined);
  child.kill('SIGUSR1');
  // Long after that, it still only does what it is for.
  await scene.done('others-home', ['status']);
  await scene.done('others-home', ['peers']);
  child.kill('SIGUSR2');
  await eventually('it ends, or writes something', () => child.signalCode ?? readdirSync(folder)[0]);
  child.kill('SIGKILL');
  await ended;
  assert.ok(!/debugger|inspector/i.test(said()), said());
  assert.deepEqual(readdirSync(folder), []);
});
