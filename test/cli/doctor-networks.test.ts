import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namespacesMissing } from '../discovery/support/namespace.ts';
import { findingOf, type Machine, Office, until } from '../discovery/support/office.ts';

const skip = namespacesMissing();

test('an access point that keeps its clients apart is suspected, and the one that is reached is not', {
  skip,
}, async () => {
  await using office = new Office();
  const machines = ['ann', 'bob', 'nas'].map((name) => office.machine(name)) as [Machine, Machine, Machine];
  const [ann, bob, nas] = machines;
  const lan = office.switch();
  // By its name this is a radio.
  for (const [index, machine] of machines.entries()) {
    const port = await lan.connect(machine.namespace, 'wlan0', `10.105.0.${index + 2}/24`);
    if (machine !== nas) lan.setPort(port, 'isolated', 'on');
  }
  await office.found(nas);
  await Promise.all(machines.map((machine) => machine.start()));
  await office.join(ann);
  await office.join(bob);
  await until(
    'the record of bob comes to ann',
    async () => ((await ann.peer(bob))?.addresses as string[] | undefined)?.length,
  );
  const examined = await ann.doctor('--peer', 'bob');
  assert.equal(examined.status, 3);
  findingOf(examined, 'interface', 'ok', /wlan0: radio/);
  const { message, remedy } = findingOf(examined, 'peer', 'fault', /bob: is in the subnet of wlan0/);
  assert.match(message, /others are heard there/);
  assert.match(remedy, /client isolation/);
  assert.ok(!examined.findings.some(({ subject }) => subject === 'nas'));
  const all = await ann.doctor();
  findingOf(all, 'peer', 'ok', /nas: is connected/);
  findingOf(all, 'peer', 'warning', /bob/);
});

test('a machine that is heard and whose port does not answer has a firewall', { skip }, async () => {
  await using office = new Office();
  const [ann, nas] = [office.machine('ann'), office.machine('nas')];
  await ann.namespace.joinTo(nas.namespace, 'lan0', '10.106.0.2/24', '10.106.0.3/24');
  // What it answers to ann goes nowhere, as behind a firewall; what it says to all goes out.
  nas.namespace.ip('route', 'add', 'blackhole', '10.106.0.2/32');
  await office.found(nas);
  await Promise.all([ann.start(), nas.start()]);
  await until('it is heard', async () => await ann.peer(nas));
  const examined = await ann.doctor('--peer', nas.peerId);
  assert.equal(examined.status, 3);
  findingOf(examined, 'address', 'warning', /10\.106\.0\.3\/tcp\/24717: no answer/);
  const { remedy } = findingOf(examined, 'peer', 'fault', /was heard on lan0 .* tcp 24717 does not answer/);
  assert.match(remedy, /let tcp 24717 in/);
});
