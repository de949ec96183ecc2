import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { PeerIdText } from '../../../src/common/ids.ts';
import { candidatesOf } from '../../../src/node/placement/candidates.ts';
import { associationIdOf, plainAssociation, plainEvent } from '../../../src/state/records/index.ts';
import { type Fleet, fleetOf, invite, join, type Machine, machine, memberBody, sync } from '../../records/machines.ts';

/** The cupboard of `old` has another agent, which offers a point. */
const CLAIMS: Readonly<Record<string, string>> = { old: '0a', 'old-nas': '0a', nas: '0b', den: '0c', 'den-too': '0c' };
let fleet: Fleet;
let machines: Map<string, Machine>;

beforeEach(async () => {
  fleet = await fleetOf('office');
  machines = new Map();
  for (const [name, claim] of Object.entries(CLAIMS)) {
    const each = await machine(name);
    const body = memberBody(each, { point: name !== 'old', machine: claim.repeat(16) });
    await join(each, fleet.operator, await invite(fleet.operator), body);
    machines.set(name, each);
  }
  await everywhere();
});

async function everywhere(): Promise<void> {
  for (let round = 0; round < 2; round += 1) for (const each of machines.values()) await sync(each, fleet.operator);
}

const peer = (name: string): PeerIdText => machines.get(name)!.peerId;

function asked(named: readonly string[] = [], without: ReadonlyMap<PeerIdText, string> = new Map()) {
  const { log } = machines.get('old')!;
  const found = candidatesOf({
    roster: log.roster(),
    self: peer('old'),
    named: named.map(peer),
    without,
    events: (id) => log.events(id),
  });
  return { names: found.candidates.map(({ member }) => member.name), found };
}

describe('who may be asked to take a state', () => {
  it('is never another agent on the source’s own machine, named or not, and it is said', () => {
    const { names, found } = asked();
    assert.deepEqual(names.sort(), ['den', 'den-too', 'nas']);
    assert.equal(found.lacks.get('old-nas'), 'runs on this same machine');
    assert.deepEqual(asked(['old-nas', 'nas']).names, ['nas']);
  });

  it('is never a machine that is to be reinstalled, nor another agent on it, until that machine is restored', async () => {
    const den = machines.get('den')!;
    const { operator } = fleet;
    const parties = { source: den.peerId, destination: null, mode: 'in-place', nonce: '00'.repeat(16) } as const;
    const { hash } = await den.log.append(plainAssociation(parties));
    await everywhere();
    assert.deepEqual(asked().names, ['nas']);
    assert.equal(asked().found.lacks.get('den-too'), 'is to be reinstalled itself');

    const association = associationIdOf(hash);
    await den.log.append({ type: 'naming', association, destination: operator.peerId });
    await everywhere();
    const state = 'ab'.repeat(32) as never;
    await operator.log.append(plainEvent({ association, step: 'restore', phase: 'restored', state }));
    await everywhere();
    assert.deepEqual(asked().names.sort(), ['den', 'den-too', 'nas']);
  });

  it('follows the order of those that were named, and says why one of them is out of the question', () => {
    const { names, found } = asked(['nas', 'old', 'den'], new Map([[peer('den'), 'keeps a share of its key']]));
    assert.deepEqual(names, ['nas']);
    assert.equal(found.lacks.get('old'), 'is this machine itself');
    assert.equal(found.lacks.get('den'), 'keeps a share of its key');
    assert.deepEqual(asked(['den', 'nas']).names, ['den', 'nas']);
  });
});
