/**
 * A fleet in one process: real logs, membership and protocols over links in memory, in real time. How fast a record
 * reaches all, also where some are gone or were cut off; and what agents send when nothing happens.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Journey, type SimulatedAgent, SimulatedFleet } from '../../test/support/simulated/fleet.ts';
import { bytes, ms, print, quantiles } from './print.ts';

export interface SimulationOptions {
  readonly agents: number;
  readonly records: number;
  /** Until connections that nobody needs are closed. */
  readonly settleMs: number;
  readonly measureMs: number;
}

/** One way of a message: a local network with some load. */
const DELAY_MS = 2;
const GONE_PART = 0.1;

export async function simulate(options: SimulationOptions): Promise<void> {
  const { agents: count, records, settleMs, measureMs } = options;
  const began = performance.now();
  const fleet = await SimulatedFleet.of(count, { delayMs: DELAY_MS });
  try {
    print('made', `${count} logs with ${count} members each, ${ms(performance.now() - began)}`);
    await fleet.start();
    print('connected', `in one part after ${ms(await fleet.until('one part', () => fleet.parts() === 1))}`);
    await sleep(settleMs);
    print('connections', `of one agent: ${quantiles(fleet.degrees(), String)}, after ${settleMs / 1000} s`);
    await idle(fleet, measureMs);
    await spread(fleet, fleet.agents, records, 'spread');
    await gone(fleet, records);
    await cut(fleet, records);
  } finally {
    fleet.close();
  }
}

async function idle(fleet: SimulatedFleet, measureMs: number): Promise<void> {
  const { network, agents } = fleet;
  const before = network.bytes;
  const byProtocol = new Map(network.bytesByProtocol);
  await sleep(measureMs);
  const rate = (sent: number): string => `${(sent / agents.length / (measureMs / 1000)).toFixed(0)} B/s`;
  print('idle', `an agent sends ${rate(network.bytes - before)}, over ${measureMs / 1000} s; of that`);
  for (const [protocol, sent] of network.bytesByProtocol) {
    print('', `${protocol} ${rate(sent - (byProtocol.get(protocol) ?? 0))}`);
  }
}

async function spread(
  fleet: SimulatedFleet,
  agents: readonly SimulatedAgent[],
  records: number,
  what: string,
): Promise<void> {
  const journeys: Journey[] = [];
  for (let i = 0; i < records; i += 1) {
    journeys.push(await fleet.write(agents[(i * 37) % agents.length]!, agents));
    // What is still under way belongs to this one.
    await sleep(300);
  }
  const of = (name: keyof Journey): number[] => journeys.map((journey) => journey[name]);
  print(what, `a new record reaches all ${agents.length} after ${quantiles(of('tookMs'), ms)}; ${records} records`);
  print('', `hops: ${quantiles(of('hops'), String)}; bytes sent by all: ${quantiles(of('bytes'), bytes)}`);
}

/** Machines are switched off, and nobody is told. */
async function gone(fleet: SimulatedFleet, records: number): Promise<void> {
  const lost = fleet.agents.filter((_, index) => index % (1 / GONE_PART) === 0);
  for (const agent of lost) fleet.off(agent, true);
  const left = fleet.agents.filter((agent) => !lost.includes(agent));
  await spread(fleet, left, records, `${lost.length} gone`);
}

/** The network falls into halves, both write, and it is whole again. */
async function cut(fleet: SimulatedFleet, records: number): Promise<void> {
  const { network } = fleet;
  const here = fleet.agents.filter((_, index) => index % (1 / GONE_PART) !== 0);
  const sides = [here.slice(0, here.length / 2), here.slice(here.length / 2)] as const;
  const first = new Set<string>(sides[0].map(({ peerId }) => peerId));
  network.isCut = (a, b) => first.has(a) !== first.has(b);
  network.enforceCut();
  await Promise.all(sides.map((side) => fleet.until('each half holds together', () => fleet.parts(side) === 1)));
  for (const side of sides) await fleet.write(side[1]!, side);
  await sleep(30_000);
  network.isCut = () => false;
  const roots = (): number =>
    new Set(here.map(({ log }) => Buffer.from(log.summary('').fingerprint).toString('hex'))).size;
  const tookMs = await fleet.until('all have the same records', () => roots() === 1, 300_000);
  print('cut in halves', `30 s later whole again: all have the same records after ${ms(tookMs)}`);
  await spread(fleet, here, records, 'after that');
}
