import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type ErrorCode, ResettleError } from '../../../src/common/errors.ts';
import { type AssociationWish, intentOf } from '../../../src/node/migrations/wish.ts';
import { type AssociationBody, plainAssociation } from '../../../src/state/records/index.ts';
import { type Fleet, fleetOf, invite, join, type Machine, machine, memberBody, sync } from '../../records/machines.ts';

let fleet: Fleet;
let old: Machine;
let next: Machine;
let nas: Machine;

beforeEach(async () => {
  fleet = await fleetOf('office');
  [old, next, nas] = (await Promise.all(['old', 'new', 'nas'].map((name) => machine(name)))) as [
    Machine,
    Machine,
    Machine,
  ];
  for (const each of [old, next, nas]) await join(each, fleet.operator, await invite(fleet.operator));
  await old.log.append(memberBody(old, { acceptsOperators: true, machine: '0a'.repeat(16) }));
  await nas.log.append(memberBody(nas, { point: true }));
  await everywhere();
});

async function everywhere(): Promise<void> {
  for (let round = 0; round < 2; round += 1) for (const each of [old, next, nas]) await sync(each, fleet.operator);
}

function wish(
  source: string,
  destination: AssociationWish['destination'],
  more: Partial<AssociationWish> = {},
): AssociationWish {
  return {
    source,
    destination,
    users: [],
    areas: [],
    paths: [],
    mapUsers: [],
    points: [],
    replicas: undefined,
    keepMs: undefined,
    deadlineMs: undefined,
    shares: undefined,
    recoveryCodeOut: undefined,
    startAtOnce: undefined,
    ...more,
  };
}

const to = (name: string) => ({ kind: 'machine', machine: name }) as const;
const intent = (who: Machine, asked: AssociationWish) => intentOf(asked, who.log.roster(), who.peerId);

function fails(who: Machine, asked: AssociationWish, code: ErrorCode, message: RegExp): void {
  assert.throws(
    () => intent(who, asked),
    (error) => error instanceof ResettleError && error.code === code && message.test(error.message),
  );
}

async function made(by: Machine, changes: Partial<AssociationBody> = {}) {
  const parties = {
    source: old.peerId,
    destination: next.peerId,
    mode: 'side-by-side',
    nonce: '00'.repeat(16),
  } as const;
  const record = await by.log.append({ ...plainAssociation(parties), ...changes });
  await everywhere();
  return record.hash;
}

describe('what is to be done about an association that somebody asks for', () => {
  it('is to make it, by the source or by an operator whom the source follows', async () => {
    for (const who of [old, fleet.operator]) {
      const found = intent(who, wish('old', to('new')));
      assert.equal(found.do, 'make');
    }
    fails(next, wish('old', to('new')), 'refused', /only old itself or an operator/);
    fails(fleet.operator, wish('new', to('old')), 'refused', /new has not agreed/);
  });

  it('is nothing where it is there as asked, and an error where it differs', async () => {
    await made(old, { replicas: 2 });
    assert.equal(intent(old, wish('old', to('new'))).do, 'nothing');
    assert.equal(intent(old, wish('old', to('new'), { replicas: 2 })).do, 'nothing');
    fails(old, wish('old', to('new'), { replicas: 3 }), 'usage', /with other replicas/);
    fails(old, wish('old', to('new'), { points: ['nas'] }), 'usage', /with other points/);
  });

  it('is to make it anew once the last one has ended', async () => {
    const hash = await made(old);
    await old.log.append({ type: 'ending', association: hash as string as never });
    assert.equal(intent(old, wish('old', to('new'), { replicas: 3 })).do, 'make');
  });

  it('is to name the one that waits for its destination', async () => {
    const hash = await made(fleet.operator, { destination: null });
    const found = intent(fleet.operator, wish('old', to('new')));
    assert.equal(found.do, 'name');
    fails(fleet.operator, wish('old', to('new'), { replicas: 2 }), 'usage', /waits for the name/);
    await fleet.operator.log.append({ type: 'naming', association: hash as string as never, destination: next.peerId });
    await everywhere();
    assert.equal(old.log.roster().associations.get(hash as string as never)?.destination, next.peerId);
    assert.equal(intent(fleet.operator, wish('old', to('new'))).do, 'nothing');
    fails(fleet.operator, wish(hash.slice(0, 12), to('nas')), 'usage', /is for new already/);
  });

  it('names one in place by its id only', async () => {
    const hash = await made(fleet.operator, { destination: null, mode: 'in-place' });
    assert.equal(intent(fleet.operator, wish('old', to('new'))).do, 'make');
    assert.equal(intent(fleet.operator, wish(hash.slice(0, 8), to('new'))).do, 'name');
  });

  it('is refused for machines that are not there, are the same, or are no points', async () => {
    fails(old, wish('old', to('nobody')), 'not-found', /nobody/);
    fails(old, wish('old', to('old')), 'usage', /successor of itself/);
    fails(old, wish('old', to('new'), { points: ['new'] }), 'usage', /new offers no point/);
    await old.log.append(memberBody(old, { point: true }));
    fails(old, wish('old', to('new'), { points: ['old'] }), 'usage', /is the machine whose state is captured/);
  });

  it('takes a point on the source’s own machine for the source’s machine', async () => {
    await nas.log.append(memberBody(nas, { point: true, machine: '0a'.repeat(16) }));
    await everywhere();
    fails(old, wish('old', to('new'), { points: ['nas'] }), 'usage', /nas is the machine whose state is captured/);
  });
});
