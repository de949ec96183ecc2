import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { compareTrees } from '../support/compare-trees.ts';
import { makeHome } from '../support/trees.ts';
import { namespacesMissing } from './support/namespace.ts';
import { connected, type Machine, Office, until } from './support/office.ts';

const skip = namespacesMissing();

test('two machines that an access point keeps apart move a state by a point that both reach', {
  skip,
}, async () => {
  await using office = new Office();
  const machines = ['ann', 'bob', 'nas'].map((name) => office.machine(name)) as [Machine, Machine, Machine];
  const [ann, bob, nas] = machines;
  const lan = office.switch();
  for (const [index, machine] of machines.entries()) {
    const port = await lan.connect(machine.namespace, 'wlan0', `10.96.0.${index + 2}/24`);
    if (machine !== nas) lan.setPort(port, 'isolated', 'on');
  }
  await office.found(nas);
  await nas.start('--point', join(office.base, 'states'), '--keep-free', '0MB');
  await Promise.all([ann.start(), bob.start()]);
  assert.equal((await office.join(ann)).admitted, true);
  assert.equal((await office.join(bob)).admitted, true);
  await until('the record of bob comes to ann', async () => await ann.peer(bob));
  const source = makeHome(join(office.base, 'home'));
  const captured = await ann.run('capture', source, '--for', 'bob').ended;
  assert.ok(captured.status === 0 || captured.status === 3, JSON.stringify(captured.last));
  assert.notEqual((await ann.peer(bob))?.connected, true, 'they never meet');
  const into = join(office.base, 'restored');
  const restored = await bob.run('restore', '--from', 'ann', '--into', into, '--strip').ended;
  assert.ok(restored.status === 0 || restored.status === 3, JSON.stringify(restored.last));
  assert.deepEqual(compareTrees(source, into).differences, []);
});

test('where multicast is blocked, one given address is enough to reach all members', { skip }, async () => {
  await using office = new Office();
  const machines = ['ann', 'bob', 'nas'].map((name) => office.machine(name)) as [Machine, Machine, Machine];
  const [ann, bob, nas] = machines;
  const lan = office.switch();
  for (const [index, machine] of machines.entries()) {
    lan.setPort(await lan.connect(machine.namespace, 'lan0', `10.93.0.${index + 2}/24`), 'mcast_flood', 'off');
  }
  await office.found(nas);
  await nas.start();
  await Promise.all([ann, bob].map((machine) => machine.start('--peer', '/ip4/10.93.0.4/tcp/24717')));
  assert.equal((await office.join(ann)).admitted, true);
  assert.equal((await office.join(bob)).admitted, true);
  const seen = await connected(ann, bob);
  assert.ok(!(seen.seenBy as string[]).includes('mdns'), 'multicast does not pass');
  assert.deepEqual(seen.addresses, ['/ip4/10.93.0.3/tcp/24717']);
});
