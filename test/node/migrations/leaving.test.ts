import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { AssociationId, StateId } from '../../../src/common/ids.ts';
import { leavingMembers } from '../../../src/node/migrations/leaving.ts';
import { associationIdOf, plainAssociation, plainEvent } from '../../../src/state/records/index.ts';
import { type Fleet, fleetOf, invite, join, type Machine, machine, memberBody, sync } from '../../records/machines.ts';

let fleet: Fleet;
const machines: Machine[] = [];
const named = (name: string): Machine => machines.find((one) => one.name === name)!;

before(async () => {
  fleet = await fleetOf('laboratory');
  for (const name of ['old', 'new', 'lab', 'twin', 'nas']) {
    const each = await machine(name);
    const claim = name === 'lab' || name === 'twin' ? '01'.repeat(16) : null;
    await join(each, fleet.operator, await invite(fleet.operator), memberBody(each, { machine: claim }));
    machines.push(each);
  }
  for (const each of [...machines, ...machines]) await sync(each, fleet.operator);
});

async function leaving(): Promise<string> {
  for (const each of [...machines, ...machines]) await sync(each, fleet.operator);
  const { log } = fleet.operator;
  const found = leavingMembers({ roster: log.roster(), events: (id) => log.events(id) });
  return machines
    .filter(({ peerId }) => found.has(peerId))
    .map(({ name }) => name)
    .sort()
    .join();
}

async function associate(source: Machine, destination: Machine | undefined, nonce: string): Promise<AssociationId> {
  const mode = destination ? 'side-by-side' : 'in-place';
  const parties = { source: source.peerId, destination: destination?.peerId ?? null, mode, nonce } as const;
  return associationIdOf((await source.log.append(plainAssociation(parties))).hash) as AssociationId;
}

test('sources go, with all agents on their machines; after the restore what is on the machine stays, until it is ended nothing else', async () => {
  assert.equal(await leaving(), '');
  const moved = await associate(named('old'), named('new'), '00'.repeat(16));
  assert.equal(await leaving(), 'old');
  await associate(named('lab'), undefined, '01'.repeat(16));
  assert.equal(await leaving(), 'lab,old,twin');
  const restored = { state: 'ab'.repeat(32) as StateId, snapshot: 1, descriptorHash: 'cd'.repeat(32) };
  await named('new').log.append(plainEvent({ association: moved, step: 'restore', phase: 'restored', ...restored }));
  assert.equal(await leaving(), 'lab,old,twin', 'the old machine is given away after that');
  await named('old').log.append({ type: 'ending', association: moved });
  assert.equal(await leaving(), 'lab,twin');
});
