import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namespacesMissing } from './support/namespace.ts';
import { meets, Office, ownRecord, until } from './support/office.ts';

const skip = namespacesMissing();

test('two machines on a cable, with addresses that they gave themselves and no route, meet', { skip }, async () => {
  await using office = new Office();
  const [ann, nas] = [office.machine('ann'), office.machine('nas')];
  await ann.namespace.joinTo(nas.namespace, 'cable0', '169.254.7.1/16', '169.254.7.2/16');
  await office.found(nas);
  await Promise.all([ann.start(), nas.start()]);
  assert.equal((await office.join(ann)).admitted, true);
  await meets(nas, ann);
  assert.deepEqual(await ownRecord(ann), ['/ip4/169.254.7.1/tcp/24717']);
});

test('on a link with IPv6 only two machines meet', { skip }, async () => {
  await using office = new Office();
  const [ann, nas] = [office.machine('ann'), office.machine('nas')];
  await ann.namespace.joinTo(nas.namespace, 'lan0', 'fd00:97::2/64', 'fd00:97::3/64');
  await office.found(nas);
  await Promise.all([ann.start('--interface', 'lan0'), nas.start()]);
  assert.equal((await office.join(ann)).admitted, true);
  await meets(nas, ann);
  assert.deepEqual(await ownRecord(ann), ['/ip6/fd00:97::2/tcp/24717']);
});

test('a machine with two networks meets a neighbour on the one without the default route', { skip }, async () => {
  await using office = new Office();
  const [ann, nas] = [office.machine('ann'), office.machine('nas')];
  await ann.namespace.addLoose('lan0', '10.91.1.2/24');
  ann.namespace.ip('route', 'add', 'default', 'via', '10.91.1.1', 'dev', 'lan0');
  await ann.namespace.joinTo(nas.namespace, 'lab0', '10.91.2.2/24', '10.91.2.3/24');
  await office.found(nas);
  await Promise.all([ann.start(), nas.start()]);
  assert.equal((await office.join(ann)).admitted, true);
  const seen = await meets(nas, ann);
  assert.ok((seen.addresses as string[]).includes('/ip4/10.91.2.2/tcp/24717'));
});

test('containers and tunnels are left out, of discovery and of the record, unless they are named', {
  skip,
}, async () => {
  await using office = new Office();
  const [ann] = [office.machine('ann')];
  await ann.namespace.addLoose('docker0', '172.17.0.1/16');
  await ann.namespace.addLoose('wg0', '10.94.1.1/24');
  await ann.namespace.addLoose('lan0', '10.94.0.2/24');
  await office.found(ann);
  const interfaces = async () => ((await ann.ask('status')).interfaces as { name: string }[]).map(({ name }) => name);
  await ann.start();
  assert.deepEqual(await interfaces(), ['lan0']);
  assert.deepEqual(await ownRecord(ann), ['/ip4/10.94.0.2/tcp/24717']);
  await ann.stop();
  await ann.start('--interface', 'wg0');
  assert.deepEqual(await interfaces(), ['wg0']);
  await until('the record follows', async () => (await ownRecord(ann)).join() === '/ip4/10.94.1.1/tcp/24717');
});
