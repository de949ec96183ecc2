/**
 * An office of eight on a network of its own (namespaces and a bridge, as root): two machines that hand over, two that are
 * reinstalled, three points, an operator. In the middle of it cables are pulled, points killed, a disk is too small, a
 * machine gets another address, and two machines are wiped. It ends with 0 only if every tree came back the same.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ended } from '../../test/support/agents.ts';
import { compareTrees } from '../../test/support/compare-trees.ts';
import { chooseSample } from '../sample.ts';
import { OfficeMachine } from './machine.ts';
import { OfficeNetwork } from './network.ts';

const POINTS = ['nas-1', 'nas-2', 'nas-3'] as const;
const MACHINES = ['boss', ...POINTS, 'old-1', 'new-1', 'lab-1', 'lab-2'] as const;
const SOURCES = ['old-1', 'lab-1', 'lab-2'] as const;
const WAIT_MAX_MS = 300_000;
/** What the smallest point has: less than one state. */
const SMALL_DISK = '24m';

type Row = Readonly<Record<string, unknown>>;

const started = performance.now();
const say = (text: string): void => {
  console.error(`[${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s] ${text}`);
};

class Office {
  readonly base = mkdtempSync(join(tmpdir(), 'resettle-office-'));
  readonly network = new OfficeNetwork();
  readonly #machines = new Map<string, OfficeMachine>();
  readonly #mounts: string[] = [];

  machine(name: string): OfficeMachine {
    return this.#machines.get(name)!;
  }

  /** The folder that a machine's person works in. */
  data(name: string): string {
    return join(this.base, 'people', name);
  }

  async open(): Promise<void> {
    for (const [index, name] of MACHINES.entries()) {
      this.#machines.set(name, new OfficeMachine(this.base, name, await this.network.add(name), index + 1));
    }
    const small = join(this.base, 'nas-3-store');
    mkdirSync(small);
    run('mount', '-t', 'tmpfs', '-o', `size=${SMALL_DISK}`, 'tmpfs', small);
    this.#mounts.push(small);
    await Promise.all(
      MACHINES.map((name) => {
        const isPoint = (POINTS as readonly string[]).includes(name);
        const point = ['--point', join(this.base, `${name}-store`), '--keep-free', '1MB', '--lost-after', '20s'];
        return this.machine(name).start(isPoint ? point : []);
      }),
    );
    const boss = this.machine('boss');
    await boss.done(['fleet', 'init', '--name', 'office']);
    const { token } = await boss.done(['fleet', 'invite', '--uses', '7']);
    for (const name of MACHINES.slice(1)) {
      const { admitted } = await this.machine(name).done(['fleet', 'join', '-', '--accept-operators'], String(token));
      if (admitted !== true) throw new Error(`${name} was not admitted`);
    }
    say('eight machines are one fleet');
  }

  fillDesks(): void {
    const sample = chooseSample(['/usr/share', '/usr/lib']);
    // The large folders of a machine are few: whoever hands over gets them, so that there is a middle to disturb.
    for (const [index, name] of ['lab-2', 'old-1', 'lab-1'].entries()) {
      const desk = this.data(name);
      mkdirSync(desk, { recursive: true });
      const mine = sample.paths.filter((_, at) => at % SOURCES.length === index);
      for (const [at, path] of mine.entries()) {
        cpSync(path, join(desk, `shelf-${at}`), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
      }
      writeFileSync(join(desk, 'letter.txt'), `of ${name}\n`);
    }
  }

  async migrations(): Promise<Row[]> {
    return (await this.machine('boss').done(['status'])).migrations as Row[];
  }

  async migration(name: string): Promise<Row> {
    return (await this.migrations()).find(({ sourceName, phase }) => sourceName === name && phase !== 'ended')!;
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + WAIT_MAX_MS;
    while (!(await holds())) {
      if (performance.now() > end)
        throw new Error(`never came true: ${what}; ${JSON.stringify(await this.migrations())}`);
      await sleep(500);
    }
    say(what);
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#machines.values()].map(async (one) => {
        const begun = performance.now();
        await one.stop();
        const seconds = (performance.now() - begun) / 1000;
        if (seconds > 5) say(`${one.name} took ${seconds.toFixed(1)} s to end`);
      }),
    );
    for (const mount of this.#mounts) run('umount', mount);
    this.network.remove();
    rmSync(this.base, { recursive: true, force: true });
  }
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}

const reached = (row: Row | undefined, ...phases: string[]): boolean => phases.includes(String(row?.phase));

/** The operator's list starts all captures; points are killed and unplugged while they run. */
async function captures(office: Office): Promise<void> {
  const list = join(office.base, 'list.txt');
  const where = (name: string): string => `--paths ${office.data(name)} --replicas 2 --start`;
  writeFileSync(
    list,
    [`old-1 new-1 ${where('old-1')}`, `lab-1 --in-place ${where('lab-1')}`, `lab-2 --in-place ${where('lab-2')}`].join(
      '\n',
    ),
  );
  await office.machine('boss').done(['associate', '--from', list, '--at-once', '2']);
  say('the operator has made three associations; the sources begin by themselves');
  await office.until('a source is sending', async () =>
    (await office.migrations()).some((row) => reached(row, 'sending', 'stored', 'safe')),
  );
  say('nas-1: the cable is out');
  office.network.pull('nas-1');
  await sleep(8_000);
  say('nas-2 is killed; nas-1: the cable is in again');
  await office.machine('nas-2').stop('SIGKILL');
  office.network.plug('nas-1');
  await sleep(8_000);
  say('nas-2 runs again');
  await office.machine('nas-2').start();
  for (const name of SOURCES) {
    await office.until(`${name} is safe to wipe`, async () => reached(await office.migration(name), 'safe'));
  }
}

/** The destination of the pair gets another address while it restores. */
async function handOver(office: Office): Promise<void> {
  const fresh = office.machine('new-1');
  const into = join(office.base, 'restored', 'new-1');
  const restore = fresh.begin(['restore', '--from', 'old-1', '--into', into, '--strip', '--yes']);
  await restore.event(({ event, phase }) => event === 'progress' && phase === 'restore');
  say(`new-1 restores, and gets the address ${office.network.readdress('new-1')} in the middle`);
  check('new-1', await restore.ended);
  same(office.data('old-1'), into, 'new-1');
}

/** Both lab machines are wiped, join with tickets, and restore while a holder dies. */
async function reinstall(office: Office): Promise<void> {
  const boss = office.machine('boss');
  const names = join(office.base, 'tickets.txt');
  const out = join(office.base, 'tickets');
  writeFileSync(names, 'lab-1\nlab-2\n');
  await boss.done(['fleet', 'invite', '--ticket-batch', names, '--out', out]);
  for (const name of ['lab-1', 'lab-2']) await office.machine(name).wipe();
  say('lab-1 and lab-2 are wiped: their keys are gone');
  for (const name of ['lab-1', 'lab-2']) {
    const lab = office.machine(name);
    await lab.start();
    const ticket = readFileSync(join(out, `${name}.ticket`), 'utf8');
    const { admitted } = await lab.done(['fleet', 'join', '-', '--accept-operators'], ticket);
    if (admitted !== true) throw new Error(`${name} was not admitted with its ticket`);
  }
  const restores = ['lab-1', 'lab-2'].map((name) =>
    office.machine(name).begin(['restore', '--into', join(office.base, 'restored', name), '--strip', '--yes']),
  );
  await restores[0]!.event(({ event, phase }) => event === 'progress' && phase === 'restore');
  say('nas-1 is killed while both restore');
  await office.machine('nas-1').stop('SIGKILL');
  for (const [index, name] of ['lab-1', 'lab-2'].entries()) {
    check(name, await restores[index]!.ended);
    same(office.data(name), join(office.base, 'restored', name), name);
  }
  await office.machine('nas-1').start();
  const again = await office.machine('lab-2').run(['restore', '--into', join(office.base, 'again'), '--yes']);
  say(`lab-2 restores once more without its ticket: exit ${again.status} (${String(again.last.code)})`);
  if (again.status === 0) throw new Error('a spent ticket opened a state again');
}

function check(name: string, ended: Ended): void {
  if (ended.status !== 0 && ended.status !== 3) {
    throw new Error(
      `${name}: the restore ended with ${ended.status}: ${ended.stdout.slice(-2000)}${ended.stderr.slice(-2000)}`,
    );
  }
}

function same(source: string, into: string, name: string): void {
  const { compared, differences } = compareTrees(source, into);
  for (const difference of differences.slice(0, 20)) say(`DIFFERS ${difference}`);
  if (differences.length > 0) throw new Error(`${name}: ${differences.length} differences`);
  say(`${name}: ${compared.files} files, ${compared.bytes} bytes, nothing differs`);
}

if (process.getuid?.() !== 0) {
  console.error('network namespaces need root');
  process.exit(2);
}
const office = new Office();
let failed = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void office.close().finally(() => process.exit(130)));
}
try {
  office.fillDesks();
  await office.open();
  await captures(office);
  await handOver(office);
  await reinstall(office);
  await office.until(
    'every migration is complete',
    async () => (await office.machine('boss').run(['status'])).status === 0,
  );
} catch (error) {
  failed = true;
  say(error instanceof Error ? error.message : String(error));
  if (process.env.RESETTLE_OFFICE_KEEP) await sleep(3_600_000);
} finally {
  await office.close();
  say(failed ? 'FAILED' : 'all came back; everything that this made is removed');
}
process.exitCode = failed ? 1 : 0;
