/**
 * What one agent's records cost: memory of an open log, the time to open it, and the longest that one change keeps the
 * main thread busy. The log is built by one process and measured in a fresh one, so that nothing of the building counts.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/common/clock.ts';
import { RecordLog } from '../../src/state/records/index.ts';
import { readRecord } from '../../src/state/records/record.ts';
import {
  eventOf,
  memberBody,
  membershipRecords,
  migrationRecords,
  type Population,
  type PopulationSize,
  populationOf,
  sign,
} from '../../test/support/simulated/population.ts';
import { Blocks } from './blocks.ts';
import { ms, print } from './print.ts';

const MIB = 2 ** 20;
const BATCH = 256;

/** Each in a process of its own: build, then measure. */
export function measureMemory(size: PopulationSize): void {
  const folder = mkdtempSync(join(tmpdir(), 'resettle-fleet-'));
  const path = join(folder, 'records.db');
  try {
    for (const step of ['build', 'measure']) {
      const args = ['--expose-gc', '--disable-warning=ExperimentalWarning', fileURLToPath(import.meta.url)];
      const { status } = spawnSync(process.execPath, [...args, step, path, JSON.stringify(size)], { stdio: 'inherit' });
      if (status !== 0) throw new Error(`the step "${step}" ended with ${status}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function open(path: string, of: Population): Promise<RecordLog> {
  const privateKey = of.members[0]!.key;
  return await RecordLog.open({
    path,
    privateKey,
    clock: systemClock,
    random: (count) => new Uint8Array(count).fill(7),
  });
}

/** The first sync of an empty log, as it would come from a peer. */
async function build(path: string, size: PopulationSize): Promise<void> {
  const of = await populationOf(size.members);
  const log = await open(path, of);
  log.joinFleet(of.fleetId);
  const batches: Uint8Array[][] = [[]];
  for (const part of [membershipRecords(of), migrationRecords(of, size)]) {
    for await (const envelope of part) {
      if (batches.at(-1)!.length === BATCH) batches.push([]);
      batches.at(-1)!.push(envelope);
    }
  }
  const began = performance.now();
  const blocks = new Blocks();
  for (const batch of batches) {
    const { refused } = await log.insert(batch);
    if (refused.length > 0) throw new Error(`${refused.length} refused: ${refused[0]!.reason}`);
  }
  const longestMs = blocks.longestMs();
  const count = batches.reduce((sum, batch) => sum + batch.length, 0);
  const seconds = (performance.now() - began) / 1000;
  print('first sync', `${count} records in ${seconds.toFixed(1)} s, longest block ${ms(longestMs)} of CPU`);
  log.close();
  print('file', `${(statSync(path).size / MIB).toFixed(1)} MiB`);
}

async function measure(path: string, size: PopulationSize): Promise<void> {
  const of = await populationOf(size.members);
  // What loading the program costs is not the records' cost.
  const none = await open(':memory:', of);
  const before = await used();
  const blocks = new Blocks();
  const began = performance.now();
  const log = await open(path, of);
  const openedMs = performance.now() - began;
  print('open', `${ms(openedMs)}, longest block ${ms(blocks.longestMs())} of CPU`);
  const { members, associations } = log.roster();
  log.summary('');
  print(
    'memory',
    `${(((await used()) - before) / MIB).toFixed(2)} MiB for ${members.size} members, ${associations.size} associations`,
  );
  await single(log, of);
  none.close();
  log.close();
}

/** One more of each kind: how long the main thread is busy, the roster and the fingerprint asked for afterwards. */
async function single(log: RecordLog, of: Population): Promise<void> {
  const [id] = log.roster().associations.keys();
  const association = log.association(id!)!;
  const source = of.members.find(({ peerId }) => peerId === association.body.source)!;
  const event = { ...eventOf(id!, 0, true, of.members[1]!.peerId), state: 'ab'.repeat(32) as never };
  const next = { ...source, epoch: 'cc'.repeat(8), sequence: 0, previous: log.lastLasting(source.peerId) };
  const { sealed, ticketSealed } = association.body;
  const body = { ...association.body, sealed, ticketSealed, nonce: 'ee'.repeat(16) };
  const changes: [string, Uint8Array][] = [
    ['one event', await sign(next, of.fleetId, event, Date.now())],
    ['one member record', await sign(next, of.fleetId, memberBody(source, 'renamed'), Date.now())],
    ['one association', await sign(next, of.fleetId, body, Date.now())],
  ];
  for (const [what, envelope] of changes) {
    const began = performance.now();
    const busy = process.threadCpuUsage();
    const { added } = await log.insert([envelope]);
    log.roster();
    log.summary('');
    const tookMs = performance.now() - began;
    const cpu = process.threadCpuUsage(busy);
    if (added !== 1) throw new Error(`${what} was not taken: ${readRecord(envelope).hash}`);
    print(
      what,
      `${ms((cpu.user + cpu.system) / 1000)} of CPU, ${ms(tookMs)}: verification, storing, roster, fingerprint`,
    );
  }
}

/** What buffers held is given back some time after their collection. */
async function used(): Promise<number> {
  for (let i = 0; i < 5; i += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const [step, path, size] = process.argv.slice(2);
if (process.argv[1] === fileURLToPath(import.meta.url) && path && size) {
  await (step === 'build' ? build : measure)(path, JSON.parse(size));
}
