/**
 * How long a capture and a restore of system areas take, by the command line, from its start to its end: `npm run bench:areas`.
 * Of two Debian systems made by debootstrap (test/systems), one that people have lived in and one that is new; each restore
 * is of a new copy. As root.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandLine, type Ran } from '../../test/systems/support/command-line.ts';
import { debian } from '../../test/systems/support/debian.ts';
import { livedIn } from '../../test/systems/support/lived-in.ts';
import { describeMachine } from '../machine.ts';
import { cpuSecondsOf } from '../processes.ts';
import { shown, spreadOf } from '../result/spread.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });

/** Those that carry no homes and no folders of files. */
const SYSTEM_AREAS =
  'accounts,network,environment,filesystems,backup-rules,licences,ttys,display,schedules,services,security,software,printers,hostname';

const old = livedIn('bookworm');
const folder = mkdtempSync(join(tmpdir(), 'resettle-bench-areas-'));
/** Seconds by the clock, and those that processors were busy for it: the same on a machine that has other things to do. */
const figures = new Map<string, { readonly clock: number[]; readonly busy: number[] }>();
const busySeconds = (): number => cpuSecondsOf(process.pid).endedChildren;

function timed(name: string, statuses: readonly number[], step: () => Ran): Ran {
  const [started, busy] = [performance.now(), busySeconds()];
  const ran = step();
  if (!statuses.includes(ran.status ?? -1)) throw new Error(`${name} ended with ${ran.status}: ${ran.stderr}`);
  const of = figures.get(name) ?? { clock: [], busy: [] };
  figures.set(name, of);
  of.clock.push((performance.now() - started) / 1000);
  of.busy.push(busySeconds() - busy);
  return ran;
}

try {
  const passphrase = join(folder, 'passphrase');
  const empty = join(folder, 'empty');
  writeFileSync(passphrase, 'four words of nobody\n', { mode: 0o600 });
  writeFileSync(empty, '');
  const root = debian('bookworm', folder, 'new');
  const load = loadavg();
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const home = new CommandLine(join(folder, `home-${round}`));
    const store = (name: string) => ['--store', join(folder, `${name}-${round}`), '--passphrase-file', passphrase];
    const all = ['--areas', SYSTEM_AREAS];
    timed('start alone (--version)', [0], () => home.run('--version'));
    timed('capture of one empty file', [0], () => home.run('capture', empty, ...store('one')));
    timed('capture of system areas', [0, 3], () => home.run('capture', '--root', old, ...all, ...store('areas')));
    timed('capture of everything', [0, 3], () => home.run('capture', '--root', old, ...store('whole')));
    const onto = ['restore', '--root', root, '--allow-privileged'];
    timed('plan of a restore of system areas', [0, 3], () => home.run(...onto, ...all, ...store('areas'), '--dry-run'));
    timed('restore of system areas', [0, 3], () => home.run(...onto, ...all, ...store('areas')));
    timed('checklist', [0, 3], () => home.run('checklist'));
    timed('undo', [0], () => home.run('undo'));
  }
  const machine = Object.entries(describeMachine()).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`${machine.join(', ')}; load ${load.map((one) => one.toFixed(1)).join(' ')} at the start, `);
  process.stdout.write(
    `${loadavg()
      .map((one) => one.toFixed(1))
      .join(' ')} at the end\n`,
  );
  for (const [name, { clock, busy }] of figures) {
    const { median, min, max } = spreadOf(clock)!;
    const range = `${shown(median)} s (${shown(min)} to ${shown(max)}, ${clock.length} rounds)`;
    process.stdout.write(`${name.padEnd(36)} ${range.padEnd(36)} ${shown(spreadOf(busy)!.median)} s of processors\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
