import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedFleet } from '../support/simulated/fleet.ts';

test('one that was not a member at the first greeting is greeted again over the same connection', async (t) => {
  const fleet = await SimulatedFleet.of(2, { late: 1 });
  t.after(() => fleet.close());
  const [first, late] = fleet.agents as [(typeof fleet.agents)[0], (typeof fleet.agents)[0]];
  await first.membership.start();
  await fleet.until('the first has dialled the late one', () => first.link.getConnections().length === 1);
  const [connection] = first.link.getConnections();
  await assert.rejects(first.membership.connectTo(late.peerId, new AbortController().signal), {
    message: /cannot be reached: it does not take this machine for a member/,
  });
  // Its own agent does not run: only the first one's greeting can bring them together.
  await fleet.admit(late);
  assert.equal(await first.membership.connectTo(late.peerId, new AbortController().signal), connection);
});
