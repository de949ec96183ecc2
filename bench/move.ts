/**
 * What a move costs: a capture through a point and the restore from it, three agents on loopback, a few times over.
 * Prints seconds, and for each agent CPU seconds and peak memory. `npm run bench -- --from DIR [--runs N] [--work DIR]`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AgentProcess, resettle } from '../test/support/agents.ts';

/** Clock ticks a second of /proc/PID/stat on every Linux that Node runs on. */
const TICKS = 100;

interface Run {
  readonly captureS: number;
  readonly restoreS: number;
  readonly totalS: number;
  /** CPU seconds and peak resident MiB, by agent. */
  readonly cpuS: Record<string, number>;
  readonly peakMiB: Record<string, number>;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const seconds = (sinceMs: number): number => (performance.now() - sinceMs) / 1000;

function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function peakMiBOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

async function move(from: string, work: string): Promise<Run> {
  const base = mkdtempSync(join(work, 'resettle-bench-'));
  const agents: AgentProcess[] = [];
  try {
    const point = ['--point', join(base, 'states'), '--keep-free', '0MB'];
    for (const name of ['point', 'source', 'destination']) {
      agents.push(await AgentProcess.start(name, join(base, name), name === 'point' ? point : []));
    }
    const home = (name: string): string[] => ['--home', join(base, name)];
    await resettle(['fleet', 'init', ...home('point'), '--name', 'bench']);
    const { token } = (await resettle(['fleet', 'invite', ...home('point'), '--uses', '2'])) as { token: string };
    for (const name of ['source', 'destination'])
      await resettle(['fleet', 'join', '-', ...home(name)], { input: token });

    const startMs = performance.now();
    await resettle(['capture', from, ...home('source'), '--for', 'destination']);
    const captureS = seconds(startMs);
    const middleMs = performance.now();
    await resettle(['restore', ...home('destination'), '--from', 'source', '--into', join(base, 'restored')]);
    const restoreS = seconds(middleMs);
    const each = (of: (pid: number) => number) => Object.fromEntries(agents.map(({ name, pid }) => [name, of(pid)]));
    return { captureS, restoreS, totalS: captureS + restoreS, cpuS: each(cpuSecondsOf), peakMiB: each(peakMiBOf) };
  } finally {
    await Promise.all(agents.map((agent) => agent.end('SIGTERM')));
    rmSync(base, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    from: { type: 'string' },
    runs: { type: 'string', default: '3' },
    work: { type: 'string', default: '/dev/shm' },
  },
});
if (values.from === undefined) throw new Error('say what to move: --from DIR');
const runs: Run[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  const one = await move(resolve(values.from), resolve(values.work));
  runs.push(one);
  console.error(JSON.stringify(one, (_, value) => (typeof value === 'number' ? Math.round(value * 10) / 10 : value)));
}
const names = Object.keys(runs[0]!.cpuS);
const row = (label: string, of: (run: Run) => number, unit: string): void =>
  console.log(`${label.padEnd(24)} ${median(runs.map(of)).toFixed(1).padStart(8)} ${unit}`);
row('capture', (run) => run.captureS, 's');
row('restore', (run) => run.restoreS, 's');
row('capture + restore', (run) => run.totalS, 's');
for (const name of names) row(`CPU, ${name}`, (run) => run.cpuS[name]!, 's');
for (const name of names) row(`peak memory, ${name}`, (run) => run.peakMiB[name]!, 'MiB');
