import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePeerIds, privateTag } from './support/peers.ts';
import { ScriptProcess } from './support/process.ts';

test('three agents on the loopback interface find each other, and one that stops is gone at once', async (t) => {
  const serviceTag = privateTag();
  const peerIds = await makePeerIds(3);
  const agents: ScriptProcess[] = [];
  t.after(() => agents.forEach((agent) => void agent.kill()));
  for (const [index, peerId] of peerIds.entries()) {
    const addresses = [`/ip4/127.0.0.1/tcp/${4001 + index}`, '/ip4/192.0.2.77/tcp/1'];
    const agent = new ScriptProcess('agent.ts', { peerId, addresses, interfaces: ['lo'], serviceTag });
    agents.push(agent);
    const ready = await agent.waitFor('ready');
    assert.deepEqual(ready.interfaces, [{ name: 'lo', address: '127.0.0.1' }]);
  }
  for (const [index, agent] of agents.entries()) {
    const ready = await agent.waitFor('ready');
    for (const [otherIndex, otherId] of peerIds.entries()) {
      if (otherIndex === index) continue;
      const found = await agent.waitFor('peer', (event) => event.peerId === otherId);
      assert.deepEqual(found.addresses, [`/ip4/127.0.0.1/tcp/${4001 + otherIndex}`]);
      assert.equal(found.interfaceName, 'lo');
      const otherReady = await agents[otherIndex]!.waitFor('ready');
      const tookMs = found.atMs - Math.max(ready.atMs, otherReady.atMs);
      t.diagnostic(`agent ${index} found agent ${otherIndex} after ${tookMs} ms`);
    }
    assert.ok(!agent.events.some((event) => event.peerId === peerIds[index]));
  }
  await agents[2]!.stop();
  const { atMs } = await agents[2]!.waitFor('stopped');
  for (const agent of agents.slice(0, 2)) {
    const gone = await agent.waitFor('gone', (event) => event.peerId === peerIds[2]);
    t.diagnostic(`gone ${gone.atMs - atMs} ms after the stop`);
  }
  await Promise.all(agents.map((agent) => agent.stop()));
});

test('two agents with one key on one machine tell of the duplicate identity', async (t) => {
  const serviceTag = privateTag();
  const [peerId] = await makePeerIds(1);
  const agents = [4101, 4102].map(
    (port) =>
      new ScriptProcess('agent.ts', {
        peerId,
        addresses: [`/ip4/127.0.0.1/tcp/${port}`],
        interfaces: ['lo'],
        serviceTag,
      }),
  );
  t.after(() => agents.forEach((agent) => void agent.kill()));
  const told = await Promise.all(agents.map((agent) => agent.waitFor('duplicate')));
  assert.deepEqual(
    told.map((event) => event.addresses),
    [['/ip4/127.0.0.1/tcp/4102'], ['/ip4/127.0.0.1/tcp/4101']],
  );
  await Promise.all(agents.map((agent) => agent.stop()));
});
