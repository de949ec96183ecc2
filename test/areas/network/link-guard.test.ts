/** A restore that cuts its own network comes back by itself: two namespaces with a cable, and what people do to one. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { armGuard } from '../../../src/state/areas/network/link-guard.ts';
import { Namespace, namespacesMissing } from '../../discovery/support/namespace.ts';
import type { GuardedChange } from './support/guarded-change.ts';

const options = { skip: namespacesMissing() };
const GATEWAY = '10.79.1.1';
const FAR = '10.79.9.1';
const PROGRAM = new URL('./support/guarded-change.ts', import.meta.url).pathname;
/** Puts the machine's network back, whatever became of it, and says that it did. */
const restored = (folder: string): string =>
  [
    'ip link set cable up',
    'ip addr replace 10.79.1.2/24 dev cable',
    `ip route replace default via ${GATEWAY}`,
    `ip route del blackhole ${FAR} 2>/dev/null`,
    `touch ${folder}/rolled-back`,
  ].join('; ');

class Stage {
  readonly machine = new Namespace();
  readonly router = new Namespace();
  readonly folder: string;
  #child: ChildProcess | undefined;

  constructor(t: TestContext) {
    this.folder = mkdtempSync(join(tmpdir(), 'resettle-guard-'));
    t.after(async () => {
      this.#child?.kill('SIGKILL');
      // A watchdog that is left over would keep the namespace alive.
      if (existsSync(join(this.folder, 'link-guard.ready'))) await this.watchdogEnds();
      for (const one of [this.machine, this.router]) one[Symbol.dispose]();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  async connect(): Promise<void> {
    await this.machine.joinTo(this.router, 'cable', '10.79.1.2/24', `${GATEWAY}/24`);
    this.router.ip('addr', 'add', `${FAR}/32`, 'dev', 'lo');
    this.machine.ip('route', 'add', 'default', 'via', GATEWAY);
  }

  /** Starts the change; the lines that it prints, as they come. */
  start(change: string, more: Partial<GuardedChange> = {}): AsyncIterableIterator<string> {
    const about: GuardedChange = {
      folder: this.folder,
      change,
      rollback: restored(this.folder),
      deadlineMs: 60_000,
      settleMs: 500,
      ...more,
    };
    const child = this.machine.start(
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      PROGRAM,
      JSON.stringify(about),
    );
    child.stderr?.pipe(process.stderr);
    this.#child = child;
    if (!child.stdout) throw new Error('the program has no output');
    return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  askNow(): void {
    this.#child?.stdin?.write('now\n');
  }

  get log(): string {
    return readFileSync(join(this.folder, 'link-guard.log'), 'utf8');
  }

  get isRolledBack(): boolean {
    return existsSync(join(this.folder, 'rolled-back'));
  }

  async watchdogEnds(): Promise<void> {
    const count = (what: RegExp): number => this.log.match(what)?.length ?? 0;
    while (count(/the link was kept|it was rolled back|the rollback ended/g) < count(/watching the link/g))
      await sleep(20);
  }
}

async function lines(
  printed: AsyncIterableIterator<string>,
): Promise<{ watched: string[]; outcome: string | undefined }> {
  const all: { watched?: string[]; outcome?: string }[] = [];
  for await (const line of printed) all.push(JSON.parse(line));
  const { watched = [], outcome } = Object.assign({}, ...all) as { watched?: string[]; outcome?: string };
  return { watched, outcome };
}

async function stage(t: TestContext): Promise<Stage> {
  const made = new Stage(t);
  await made.connect();
  return made;
}

/** They wait most of the time, each on a cable of its own. */
suite('a guarded change', { concurrency: 4 }, () => {
  test('a change that keeps the link is kept, and the watchdog goes', options, async (t) => {
    const here = await stage(t);
    assert.deepEqual(await lines(here.start('ip link set cable mtu 1400')), { watched: [GATEWAY], outcome: 'kept' });
    await here.watchdogEnds();
    assert.match(here.log, /the link was kept/);
    assert.equal(here.isRolledBack, false);
  });

  test('a link that is gone for a moment only is kept', options, async (t) => {
    const here = await stage(t);
    const moment = `ip link set cable down; (sleep 0.6; ip link set cable up; ip route replace default via ${GATEWAY}) &`;
    assert.equal((await lines(here.start(moment, { settleMs: 10_000 }))).outcome, 'kept');
    assert.equal(here.isRolledBack, false);
  });

  for (const [what, change] of [
    ['takes the address away', 'ip addr flush dev cable'],
    ['switches the adapter off', 'ip link set cable down'],
    ['gives an address of another network', 'ip addr flush dev cable; ip addr add 192.168.55.5/24 dev cable'],
  ] as const) {
    test(`a change that ${what} is lost, and is rolled back`, options, async (t) => {
      const here = await stage(t);
      assert.deepEqual(await lines(here.start(change)), { watched: [GATEWAY], outcome: 'lost' });
      assert.equal(here.isRolledBack, true);
      await here.watchdogEnds();
      assert.match(here.log, /it was rolled back/);
      // Whatever was done, the next one starts from a link that answers.
      assert.deepEqual((await lines(here.start('true'))).watched, [GATEWAY]);
    });
  }

  test('a machine at the other end that no longer answers is a loss, though the gateway does', options, async (t) => {
    const here = await stage(t);
    const peers = [{ address: FAR, port: 24717 }];
    const found = await lines(here.start(`ip route add blackhole ${FAR}`, { peers }));
    assert.deepEqual(found, { watched: [GATEWAY, FAR], outcome: 'lost' });
    assert.equal(here.isRolledBack, true);
  });

  test('what did not answer before cannot be lost', options, async (t) => {
    const here = await stage(t);
    const peers = [{ address: '10.79.1.77', port: 1 }];
    assert.deepEqual(await lines(here.start('true', { peers })), { watched: [GATEWAY], outcome: 'kept' });
  });

  test('a gateway that answers nothing but its neighbours is seen, and missed', options, async (t) => {
    const here = await stage(t);
    here.router.ip('route', 'add', 'blackhole', '10.79.1.2/32');
    assert.deepEqual(await lines(here.start('true')), { watched: [GATEWAY], outcome: 'kept' });
    assert.deepEqual(await lines(here.start('ip link set cable down')), { watched: [GATEWAY], outcome: 'lost' });
  });

  test('where the process is killed after the change, the watchdog rolls back', options, async (t) => {
    const here = await stage(t);
    const found = await lines(here.start('ip addr flush dev cable', { afterwards: 'die', deadlineMs: 1500 }));
    assert.deepEqual(found, { watched: [GATEWAY], outcome: undefined });
    await here.watchdogEnds();
    assert.equal(here.isRolledBack, true);
    assert.match(here.log, /nobody confirmed the link[\s\S]*the rollback ended with 0/);
  });

  test(
    'where the process is killed while it rolls back, the watchdog does it, before the deadline',
    options,
    async (t) => {
      const here = await stage(t);
      await lines(here.start('ip link set cable down', { afterwards: 'die-rolling-back' }));
      await here.watchdogEnds();
      assert.equal(here.isRolledBack, true);
      assert.match(here.log, /has died/);
    },
  );

  test('where the process asks too late, it has been rolled back and it is told so', options, async (t) => {
    const here = await stage(t);
    const printed = here.start('ip addr flush dev cable', { afterwards: 'wait', deadlineMs: 1500 });
    await printed.next();
    await here.watchdogEnds();
    here.askNow();
    assert.equal((await lines(printed)).outcome, 'lost');
    assert.equal(here.log.match(/the rollback ended/g)?.length, 1);
  });

  test('a guard that is disarmed does nothing', options, async (t) => {
    const here = await stage(t);
    await lines(here.start('ip link set cable down', { afterwards: 'disarm', deadlineMs: 1500 }));
    await here.watchdogEnds();
    assert.match(here.log, /the link was kept/);
    assert.equal(here.isRolledBack, false);
  });
});

test('probes, time and programs come from outside', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'resettle-guard-'));
  t.after(async () => {
    while (!/it was rolled back/.test(readFileSync(join(folder, 'link-guard.log'), 'utf8'))) await sleep(20);
    rmSync(folder, { recursive: true, force: true });
  });
  const ran: string[] = [];
  const answers = new Map([
    ['10.0.0.1', [true, false, false]],
    ['10.0.0.9', [false]],
  ]);
  let nowMs = 0;
  const guard = await armGuard({
    folder,
    rollback: ['undo', 'all'],
    peers: [{ address: '10.0.0.9' }],
    steadyMs: 0,
    settleMs: 10,
    clock: { now: () => 0, monotonicMs: () => (nowMs += 6) },
    probe: async ({ address }) => answers.get(address)?.shift() ?? false,
    run: async (tool, args) => {
      ran.push([tool, ...args].join(' '));
      const isV4 = tool === 'ip' && !args.includes('-6');
      return { status: 0, stdout: isV4 ? '[{"gateway":"10.0.0.1","dev":"x0"}]' : '' };
    },
  });
  assert.deepEqual(guard.watched, [{ address: '10.0.0.1', device: 'x0' }]);
  assert.equal(await guard.confirm(), 'lost');
  assert.equal(ran.at(-1), 'undo all');
});
