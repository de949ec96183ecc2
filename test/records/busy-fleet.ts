/** A fleet in which everything happened that makes order matter: partitions, forks, revocations, tickets, migrations. */
import assert from 'node:assert/strict';
import type { AssociationId, StateId } from '../../src/common/ids.ts';
import {
  type AssociationBody,
  associationIdOf,
  type EventBody,
  plainAssociation,
  plainEvent,
  type StoredRecord,
} from '../../src/state/records/index.ts';
import {
  type Fleet,
  fleetOf,
  forge,
  invite,
  join,
  type Machine,
  machine,
  memberBody,
  START,
  sync,
} from './machines.ts';

export interface BusyFleet {
  readonly fleet: Fleet;
  /** All records that the operator has. */
  readonly records: readonly StoredRecord[];
}

export const STATE = 'ab'.repeat(32) as StateId;

export function event(
  association: AssociationId,
  of: Partial<EventBody> & Pick<EventBody, 'step' | 'phase'>,
): EventBody {
  return plainEvent({
    association,
    state: STATE,
    snapshot: 1,
    descriptorHash: 'cd'.repeat(32),
    bytes: 1000,
    ...of,
  });
}

export function inPlace(source: Machine, nonce = '00'): AssociationBody {
  return {
    ...plainAssociation({ source: source.peerId, destination: null, mode: 'in-place', nonce: nonce.repeat(16) }),
    ticketRecipient: source.ageRecipient,
    ticketSealed: new Uint8Array(100).fill(1),
  };
}

export function toBeNamed(source: Machine, nonce = '00'): AssociationBody {
  return plainAssociation({
    source: source.peerId,
    destination: null,
    mode: 'side-by-side',
    nonce: nonce.repeat(16),
  });
}

export async function busyFleet(): Promise<BusyFleet> {
  const fleet = await fleetOf('office');
  const { operator, authorityKey } = fleet;
  const names = ['second', 'ann', 'bob', 'cy', 'dan', 'eve', 'fay', 'new fay', 'late fay'] as const;
  const machines = await Promise.all(names.map((name) => machine(name)));
  const [second, ann, bob, cy, dan, eve, fay, newFay, lateFay] = machines as [Machine, ...Machine[]] & Machine[];
  await join(second, operator, await invite(operator, { role: 'operator', issuerKey: authorityKey }));
  await join(ann!, operator, await invite(operator));
  await join(bob!, second, await invite(second));
  await join(fay!, operator, await invite(operator), memberBody(fay!, { acceptsOperators: true }));
  const token = await invite(operator);
  second.clock.set(START + 1000);
  await join(cy!, second, token);
  await join(dan!, ann!, token);
  await join(eve!, bob!, await invite(second));
  const parties = { source: ann!.peerId, destination: bob!.peerId, mode: 'side-by-side' } as const;
  const association = plainAssociation({ ...parties, nonce: 'aa'.repeat(16) });
  const first = associationIdOf((await ann!.log.append(association)).hash);
  await ann!.log.append(memberBody(ann!, { name: 'ann again', acceptsOperators: true }));
  await second.log.append({ ...association, nonce: 'bb'.repeat(16) });
  await migrate(fleet, { first, ann: ann!, bob: bob!, dan: dan! });
  await reinstall(fleet, { second, fay: fay!, newFay: newFay!, lateFay: lateFay! });
  await forkTwice(fleet, eve!, first);
  const lastAccepted = bob!.log.lastLasting(bob!.peerId);
  await operator.log.append({ type: 'revocation', peerId: bob!.peerId, lastAccepted });
  const gone = fay!.log.lastLasting(fay!.peerId);
  await operator.log.append({ type: 'revocation', peerId: fay!.peerId, lastAccepted: gone });
  const everybody = machines.filter((each) => each.log.fleetId !== undefined);
  for (const each of [...everybody, ...everybody]) await sync(each, operator);
  const last = operator.log.lastLasting(second.peerId);
  await operator.log.appendSignedBy(authorityKey, { type: 'revocation', peerId: second.peerId, lastAccepted: last });
  const statuses = [...operator.log.roster().members.values()].map((member) => member.status);
  assert.deepEqual(new Set(statuses), new Set(['active', 'suspended', 'revoked', 'forked']));
  return { fleet, records: [...operator.log.records()] };
}

interface Migrating {
  readonly first: AssociationId;
  readonly ann: Machine;
  readonly bob: Machine;
  readonly dan: Machine;
}

/** Namings by two, an ending, and what all parties say of it; what they have no right to say, too. */
async function migrate({ operator }: Fleet, { first, ann, bob, dan }: Migrating): Promise<void> {
  for (const each of [ann, bob, dan]) await sync(each, operator);
  const open = associationIdOf((await ann.log.append(toBeNamed(ann, 'cc'))).hash);
  for (const each of [bob, dan, ann]) await sync(each, operator);
  await dan.log.append({ type: 'naming', association: open, destination: dan.peerId });
  operator.clock.set(START + 500);
  await operator.log.append({ type: 'naming', association: open, destination: dan.peerId });
  ann.clock.set(START + 600);
  await ann.log.append({ type: 'naming', association: open, destination: bob.peerId });
  for (const each of [bob, dan, ann]) await sync(each, operator);
  await dan.log.append({ type: 'ending', association: first });
  await ann.log.append({ type: 'ending', association: open });
  await ann.log.append(
    event(open, { step: 'activity', phase: 'sending', state: null, snapshot: 0, descriptorHash: null }),
  );
  await ann.log.append(event(first, { step: 'commit', phase: 'stored' }));
  await ann.log.append(event(first, { step: 'commit', phase: 'safe', untilMs: START + 9 }));
  await bob.log.append(event(first, { step: 'restore', phase: 'restoring' }));
  await dan.log.append(event(first, { step: 'holder', phase: 'held' }));
  await dan.log.append(event(open, { step: 'holder', phase: 'damaged' }));
  await dan.log.append(event(open, { step: 'trial', phase: 'tried' }));
  for (const each of [bob, dan, ann]) await sync(each, operator);
}

interface Reinstalling {
  readonly second: Machine;
  readonly fay: Machine;
  readonly newFay: Machine;
  readonly lateFay: Machine;
}

/** One ticket that two machines used on both sides of a partition. */
async function reinstall({ operator }: Fleet, { second, fay, newFay, lateFay }: Reinstalling): Promise<void> {
  await sync(fay, operator);
  const { hash } = await operator.log.append(inPlace(fay));
  await sync(second, operator);
  const token = await invite(operator, { association: associationIdOf(hash) });
  second.clock.set(START + 3000);
  operator.clock.set(START + 2000);
  await join(lateFay, second, token);
  await join(newFay, operator, token);
  await newFay.log.append(event(associationIdOf(hash), { step: 'restore', phase: 'restored' }));
  await sync(newFay, operator);
}

/** Two member records in one place, two events in one place, and an event in the place of an ending. */
async function forkTwice({ operator, fleetId }: Fleet, eve: Machine, association: AssociationId): Promise<void> {
  const place = { epoch: 'cc'.repeat(8), time: START + 9 };
  const bodies = [
    [3, memberBody(eve, { name: 'one' })],
    [3, memberBody(eve, { name: 'two' })],
    [4, event(association, { step: 'holder', phase: 'held' })],
    [4, event(association, { step: 'holder', phase: 'deleted' })],
    [5, event(association, { step: 'holder', phase: 'held', bytes: 7 })],
    [5, { type: 'ending', association } as const],
  ] as const;
  const twins: StoredRecord[] = [];
  for (const [sequence, body] of bodies) twins.push(await forge(eve.key, fleetId, body, { ...place, sequence }));
  await operator.log.insert(twins.map((record) => record.envelope));
}
