/**
 * Real agents, each a process of its own, on the loopback of a network namespace made for them: how fast a record spreads,
 * and what they send when nothing happens. Needs root and iproute2.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../../src/api/client.ts';
import { ResettleError } from '../../src/common/errors.ts';
import { Namespace } from '../../test/discovery/support/namespace.ts';
import { Scene } from '../../test/support/scene.ts';
import { ms, print, quantiles } from './print.ts';

export interface ProcessesOptions {
  readonly agents: number;
  readonly settleMs: number;
  readonly measureMs: number;
  readonly records: number;
}

const STARTED_AT_ONCE = 4;

export async function measureProcesses(options: ProcessesOptions): Promise<void> {
  const { agents, settleMs, measureMs, records } = options;
  const scene = new Scene();
  using namespace = new Namespace();
  const settings = { namespace: namespace.name };
  const names = Array.from({ length: agents }, (_, index) => `pc${index}`);
  const processes = new Map<string, { readonly pid: number; readonly api: ApiClient }>();
  try {
    for (let at = 0; at < agents; at += STARTED_AT_ONCE) {
      const some = names.slice(at, at + STARTED_AT_ONCE);
      const started = await Promise.all(some.map((name) => scene.agent(name, [], settings)));
      for (const agent of started) {
        processes.set(agent.name, { pid: agent.pid, api: new ApiClient(join(agent.home, 'agent.sock')) });
      }
    }
    const apis = [...processes.values()].map(({ api }) => api);
    const joinedMs = await joinAll(scene, names, apis);
    print('join', `${agents} agents are in one fleet and know it, ${ms(joinedMs)} after the first invite was shown`);
    await sleep(settleMs);
    const degrees = await Promise.all(apis.map(connectedOf));
    print('connections', `of one agent: ${quantiles(degrees, (one) => String(one))}`);
    await measureIdle(namespace.name, agents, measureMs);
    await measureSpread(apis, records);
    const rss = [...processes.values()].map(({ pid }) => rssOf(pid));
    print('process', `resident: ${quantiles(rss, (one) => `${(one / 2 ** 20).toFixed(0)} MiB`)}`);
  } finally {
    await scene.end();
  }
}

/** All of them show one invite at the same time. */
async function joinAll(scene: Scene, names: readonly string[], apis: readonly ApiClient[]): Promise<number> {
  await ask(apis[0]!, 'fleetInit', { name: 'office' });
  const token = await scene.invite(names[0]!, ['--uses', String(names.length)]);
  const began = performance.now();
  await Promise.all(apis.slice(1).map((api) => ask(api, 'fleetJoin', { token, acceptOperators: false })));
  for (;;) {
    const known = await Promise.all(apis.map(async (api) => (await membersOf(api)).length));
    if (known.every((count) => count === names.length)) return performance.now() - began;
    if (performance.now() - began > 300_000) throw new Error(`after five minutes they know ${known.join()} members`);
    await sleep(250);
  }
}

/** All that crosses the namespace's loopback: with headers, acknowledgements and multicast. */
async function measureIdle(namespace: string, agents: number, measureMs: number): Promise<void> {
  const before = octetsOf(namespace);
  const began = performance.now();
  await sleep(measureMs);
  const after = octetsOf(namespace);
  const seconds = (performance.now() - began) / 1000;
  const rate = (name: keyof Octets): number => (after[name] - before[name]) / seconds / agents;
  const line = (name: keyof Octets): string => `${rate(name).toFixed(0)} B/s`;
  print('idle', `an agent sends ${line('out')}, IP headers included, of that ${line('outMulticast')} multicast`);
  print('', `and receives ${line('in')}, of that ${line('inMulticast')} multicast; over ${seconds.toFixed(0)} s`);
}

interface Octets {
  readonly in: number;
  readonly out: number;
  readonly inMulticast: number;
  readonly outMulticast: number;
}

function octetsOf(namespace: string): Octets {
  const { stdout } = spawnSync('ip', ['netns', 'exec', namespace, 'cat', '/proc/net/netstat'], { encoding: 'utf8' });
  const [names, values] = stdout.split('\n').filter((line) => line.startsWith('IpExt:'));
  const value = (name: string): number => Number(values?.split(' ')[names?.split(' ').indexOf(name) ?? -1]);
  return {
    in: value('InOctets'),
    out: value('OutOctets'),
    inMulticast: value('InMcastOctets'),
    outMulticast: value('OutMcastOctets'),
  };
}

/** One agent after another renews its record; all are asked, again and again, whether they have it. */
async function measureSpread(apis: readonly ApiClient[], records: number): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < records; round += 1) {
    const author = apis[(round * 7) % apis.length]!;
    const { peerId } = await ask(author, 'status', { goal: 'safe' });
    const has = (members: readonly MemberRow[]): boolean =>
      members.find((one) => one.peerId === peerId)?.acceptsOperators === acceptOperators;
    const acceptOperators = !(await membersOf(author)).find((one) => one.peerId === peerId)!.acceptsOperators;
    const began = performance.now();
    await ask(author, 'fleetConsent', { acceptOperators });
    await Promise.all(
      apis.map(async (api) => {
        while (!has(await membersOf(api))) await sleep(20);
      }),
    );
    times.push(performance.now() - began);
    await sleep(500);
  }
  print('spread', `a new record reaches all after ${quantiles(times, ms)}, ${records} records`);
}

interface MemberRow {
  readonly peerId: string;
  readonly acceptsOperators: boolean;
}

async function membersOf(api: ApiClient): Promise<MemberRow[]> {
  try {
    return (await ask(api, 'members', {})).members as MemberRow[];
  } catch (error) {
    // Not admitted yet.
    if (error instanceof ResettleError && error.code === 'not-a-member') return [];
    throw error;
  }
}

async function connectedOf(api: ApiClient): Promise<number> {
  const { peers } = await ask(api, 'peers', {});
  return (peers as { connected: boolean }[]).filter(({ connected }) => connected).length;
}

function ask(
  api: ApiClient,
  method: Parameters<ApiClient['call']>[0],
  request: object,
): Promise<Record<string, unknown>> {
  return api.call(method, request as never, () => {}, AbortSignal.timeout(120_000));
}

function rssOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}
