import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { STANDING_CONNECTIONS_MIN } from '../../src/common/limits.ts';
import { RECORDS_PROTOCOL } from '../../src/protocols/records/messages.ts';
import { SimulatedFleet } from '../support/simulated/fleet.ts';

const AGENTS = 40;
/** What takes minutes takes seconds; ticks, delays and time limits of calls are real. */
const FASTER = 30;

let fleet: SimulatedFleet;

before(async () => {
  const clock = { now: () => Date.now(), monotonicMs: () => performance.now() * FASTER };
  fleet = await SimulatedFleet.of(AGENTS, { clock });
  await fleet.start();
  await fleet.until('all are connected', () => fleet.parts() === 1);
});
after(() => fleet.close());

const rootOf = (summary: { fingerprint: Uint8Array }): string => Buffer.from(summary.fingerprint).toString('hex');

test('nobody has few connections, and those that nobody needs are closed', async () => {
  await fleet.until('all have enough', () => Math.min(...fleet.degrees()) >= STANDING_CONNECTIONS_MIN);
  await fleet.until('few have more than eight', () => {
    const degrees = fleet.degrees();
    return degrees.reduce((sum, degree) => sum + degree, 0) / AGENTS <= 9;
  });
  assert.equal(fleet.parts(), 1);
});

test('a record goes to all in few steps, and to nobody much more often than he has connections', async () => {
  const degrees = fleet.degrees().reduce((sum, degree) => sum + degree, 0);
  const { network } = fleet;
  const before = network.bytesByProtocol.get(RECORDS_PROTOCOL) ?? 0;
  const { hops, streams } = await fleet.write(fleet.agents[3]!, fleet.agents);
  const bytes = network.bytesByProtocol.get(RECORDS_PROTOCOL)! - before;
  assert.ok(hops <= 8, `${hops} hops`);
  assert.ok(streams <= 2 * degrees, `${streams} streams for ${degrees} ends of connections`);
  assert.ok(bytes <= 2 * degrees * 2_000, `${bytes} bytes`);
});

test('records of all at once come to all', async () => {
  const some = fleet.agents.filter((_, index) => index % 4 === 0);
  await Promise.all(some.map((agent) => fleet.write(agent, fleet.agents)));
  await fleet.until(
    'all have the same',
    () => new Set(fleet.agents.map(({ log }) => rootOf(log.summary('')))).size === 1,
  );
});

test('a fleet that was cut in two has the same records when it is whole again', async () => {
  const { network, agents } = fleet;
  const sides = [agents.slice(0, AGENTS / 2), agents.slice(AGENTS / 2)] as const;
  const first = new Set<string>(sides[0].map(({ peerId }) => peerId));
  network.isCut = (a, b) => first.has(a) !== first.has(b);
  network.enforceCut();
  for (const side of sides) {
    await fleet.until('the half holds together', () => fleet.parts(side) === 1);
    await fleet.write(side[1]!, side);
  }
  assert.equal(new Set(agents.map(({ log }) => rootOf(log.summary('')))).size, 2);
  network.isCut = () => false;
  await fleet.until('all have the same', () => new Set(agents.map(({ log }) => rootOf(log.summary('')))).size === 1);
});

test('where machines were switched off and nobody was told, a record reaches the others', async () => {
  const lost = fleet.agents.filter((_, index) => index % 10 === 0);
  for (const agent of lost) fleet.off(agent, true);
  const left = fleet.agents.filter((agent) => !lost.includes(agent));
  await fleet.write(left[5]!, left);
});
