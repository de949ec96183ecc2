import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { namespacesMissing } from '../discovery/support/namespace.ts';
import { findingOf, meets, Office, until } from '../discovery/support/office.ts';
import { Command } from '../support/agents.ts';

const skip = namespacesMissing();
const NODE = new URL('../../bin/node', import.meta.url).pathname;

test('where no agent runs the machine itself is looked at, and no identity is made', { skip }, async () => {
  await using office = new Office();
  const ann = office.machine('ann');
  await ann.namespace.addLoose('lan0', '10.101.0.2/24');
  await ann.namespace.addLoose('docker0', '172.17.0.1/16');
  const examined = await ann.doctor();
  assert.equal(examined.status, 3);
  assert.match(findingOf(examined, 'agent', 'fault', /no agent/).remedy, /resettle agent/);
  findingOf(examined, 'interface', 'ok', /lan0: wired, 10\.101\.0\.2\/24/);
  assert.match(findingOf(examined, 'left-out', 'ok', /docker0/).remedy, /--interface docker0/);
  findingOf(examined, 'listening', 'ok', /24717: is free/);
  findingOf(examined, 'multicast', 'ok', /lan0: sends/);
  findingOf(examined, 'route', 'ok', /no default route/);
  assert.deepEqual(
    { ...examined.last, ok: 0, unknown: 0 },
    { event: 'done', ok: 0, warnings: 0, faults: 1, unknown: 0 },
  );
  assert.ok(!existsSync(join(ann.home, 'identity.key')));
});

test('between machines that see each other nothing is wrong, and each address is told', { skip }, async () => {
  await using office = new Office();
  const [ann, nas] = [office.machine('ann'), office.machine('nas')];
  await ann.namespace.joinTo(nas.namespace, 'lan0', '10.102.0.2/24', '10.102.0.3/24');
  await office.found(nas);
  await Promise.all([ann.start(), nas.start()]);

  const alone = await ann.doctor('--peer', nas.peerId);
  assert.equal(alone.status, 3);
  findingOf(alone, 'fleet', 'warning', /no fleet/);
  findingOf(alone, 'peer', 'ok', /is in a fleet, and this machine is in none/);
  await office.join(ann);
  await Promise.all([meets(ann, nas), meets(nas, ann)]);

  const all = await ann.doctor();
  assert.deepEqual([all.status, all.last.faults, all.last.warnings], [0, 0, 0], JSON.stringify(all.findings));
  findingOf(all, 'peer', 'ok', /nas: is connected at \/ip4\/10\.102\.0\.3/);
  const one = await ann.doctor('--peer', 'nas');
  assert.equal(one.status, 0, JSON.stringify(one.findings));
  findingOf(one, 'address', 'ok', /^\/ip4\/10\.102\.0\.3\/tcp\/24717: answers after \d+ ms by lan0, wired/);
  findingOf(one, 'other-side', 'ok', /nas: reaches this machine at \/ip4\/10\.102\.0\.2\/tcp\/24717/);
  findingOf(one, 'other-side', 'ok', /hears this machine by multicast/);
  findingOf(one, 'clock', 'ok', /nas/);

  assert.equal((await ann.doctor('--peer', 'nobody')).status, 6);
  assert.equal((await ann.doctor('--peer', '12D3KooW')).status, 2);
  const words = await new Command(['doctor', '--home', ann.home], { namespace: ann.namespace.name }).ended;
  assert.equal(words.status, 0);
  assert.match(words.stdout, /^ok +peer +nas: is connected.*\n/m);
  assert.match(words.stdout, /nothing is wrong here/);

  await nas.stop();
  const gone = await until('its leaving is seen', async () => {
    const examined = await ann.doctor('--peer', 'nas');
    return examined.status === 3 && examined;
  });
  assert.match(findingOf(gone, 'peer', 'fault', /no agent listens at \/ip4\/10\.102\.0\.3/).remedy, /start its agent/);
});

test('two machines with one identity are told of each other', { skip }, async () => {
  await using office = new Office();
  const [ann, copy] = [office.machine('ann'), office.machine('copy')];
  await ann.namespace.joinTo(copy.namespace, 'lan0', '10.103.0.2/24', '10.103.0.3/24');
  await office.found(ann);
  cpSync(ann.home, copy.home, { recursive: true });
  chmodSync(copy.home, 0o700); // The copy of a folder has the mode that new folders have.
  await Promise.all([ann.start(), copy.start()]);
  const examined = await until('the copy is heard', async () => {
    const one = await ann.doctor();
    return one.findings.some(({ name }) => name === 'duplicate') && one;
  });
  assert.equal(examined.status, 3);
  assert.match(findingOf(examined, 'duplicate', 'fault', /10\.103\.0\.3.*identity of this machine/).remedy, /--home/);
});

test('a program that keeps UDP 5353 to itself, a taken port and an interface without multicast are named', {
  skip,
}, async (t) => {
  await using office = new Office();
  const ann = office.machine('ann');
  await ann.namespace.addLoose('lan0', '10.104.0.2/24');
  ann.namespace.ip('link', 'set', 'lan0', 'multicast', 'off');
  const take =
    "require('dgram').createSocket('udp4').bind(5353, () => require('net').createServer().listen(24717, '0.0.0.0', () => console.log('taken')))";
  const taker = ann.namespace.start(NODE, '-e', take);
  t.after(() => taker.kill('SIGKILL'));
  await once(taker.stdout!, 'data');
  const without = await ann.doctor();
  findingOf(without, 'listening', 'warning', /24717: is taken/);
  findingOf(without, 'multicast', 'fault', /EADDRINUSE/);
  await ann.start();
  const examined = await ann.doctor();
  assert.equal(examined.status, 3);
  assert.match(findingOf(examined, 'multicast', 'fault', /lan0.*EADDRINUSE/).remedy, /another program/);
  assert.match(findingOf(examined, 'listening', 'warning', /24717 was taken/).remedy, /ss -ltnp/);
  assert.match(findingOf(examined, 'interface', 'fault', /lan0.*multicast/).remedy, /multicast on/);
});
