import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Namespace, namespacesMissing } from '../discovery/support/namespace.ts';
import { findingOf, type Machine, Office, until } from '../discovery/support/office.ts';

const skip = namespacesMissing();

test('multicast that does not pass, in one subnet and between two, is told from what does', { skip }, async () => {
  await using office = new Office();
  const machines = ['ann', 'bob', 'nas'].map((name) => office.machine(name)) as [Machine, Machine, Machine];
  const [ann, bob, nas] = machines;
  const lan = office.switch();
  for (const [index, machine] of [ann, nas].entries()) {
    lan.setPort(await lan.connect(machine.namespace, 'lan0', `10.107.0.${index + 2}/24`), 'mcast_flood', 'off');
  }
  const router = office.namespace(new Namespace());
  await lan.connect(router, 'lan0', '10.107.0.1/24');
  await bob.namespace.joinTo(router, 'far0', '10.108.0.2/24', '10.108.0.1/24');
  router.sysctl('net.ipv4.ip_forward=1');
  for (const machine of [ann, nas]) machine.namespace.ip('route', 'add', 'default', 'via', '10.107.0.1');
  bob.namespace.ip('route', 'add', 'default', 'via', '10.108.0.1');

  await office.found(nas);
  await nas.start();
  await Promise.all([ann, bob].map((machine) => machine.start('--peer', '/ip4/10.107.0.3/tcp/24717')));
  await office.join(ann);
  await office.join(bob);
  const near = await ann.doctor('--peer', 'nas');
  assert.equal(near.status, 3);
  assert.match(
    findingOf(near, 'multicast', 'warning', /nas: is reached and not heard by multicast on lan0/).remedy,
    /switch/,
  );
  findingOf(near, 'other-side', 'ok', /nas: reaches this machine at \/ip4\/10\.107\.0\.2/);
  findingOf(near, 'other-side', 'warning', /does not hear this machine by multicast/);
  findingOf(near, 'route', 'ok', /lan0: has the default route/);

  await until('bob is known', async () => ((await ann.peer(bob))?.addresses as string[] | undefined)?.length);
  const far = await ann.doctor('--peer', 'bob');
  assert.equal(far.status, 0, JSON.stringify(far.findings));
  findingOf(far, 'multicast', 'ok', /bob: is in another subnet/);
  findingOf(far, 'address', 'ok', /10\.108\.0\.2\/tcp\/24717: answers .* another subnet; known by record/);
  findingOf(await ann.doctor(), 'seed', 'ok', /10\.107\.0\.3\/tcp\/24717: is connected/);
});
