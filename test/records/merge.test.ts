import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { StateId } from '../../src/common/ids.ts';
import {
  associationIdOf,
  computeRoster,
  plainEvent as event,
  plainAssociation,
  type StoredRecord,
} from '../../src/state/records/index.ts';
import {
  exchange,
  type Fleet,
  fleetOf,
  forge,
  invite,
  join,
  type Machine,
  machine,
  memberBody,
  rosterText,
  START,
  sync,
  textOf,
} from './machines.ts';

/** A fleet in which everything happened that makes order matter: partitions, forks, revocations, replaced records. */
let fleet: Fleet;
let records: StoredRecord[] = [];
let expected = '';

before(async () => {
  fleet = await fleetOf('office');
  const { operator, authorityKey } = fleet;
  const [second, ann, bob, cy, dan, eve] = await Promise.all(
    ['second', 'ann', 'bob', 'cy', 'dan', 'eve'].map((name) => machine(name)),
  );
  await join(second!, operator, await invite(operator, { role: 'operator', issuerKey: authorityKey }));
  await join(ann!, operator, await invite(operator));
  await join(bob!, second!, await invite(second!));
  const token = await invite(operator);
  second!.clock.set(START + 1000);
  await join(cy!, second!, token);
  await join(dan!, ann!, token);
  await join(eve!, bob!, await invite(second!));
  const parties = { source: ann!.peerId, destination: bob!.peerId, mode: 'side-by-side' } as const;
  const association = plainAssociation({ ...parties, nonce: 'aa'.repeat(16) });
  await ann!.log.append(association);
  await ann!.log.append(memberBody(ann!, { name: 'ann again', acceptsOperators: true }));
  await second!.log.append({ ...association, nonce: 'bb'.repeat(16) });
  const place = { epoch: 'cc'.repeat(8), sequence: 3 };
  const forked = [memberBody(eve!, { name: 'one' }), memberBody(eve!, { name: 'two' })];
  const twins = await Promise.all(
    forked.map((body) => forge(eve!.key, fleet.fleetId, body, { ...place, time: START + 9 })),
  );
  await operator.log.insert(twins.map((record) => record.envelope));
  for (const each of [second!, ann!, bob!, dan!]) await sync(each, operator);
  await migrations({ ann: ann!, bob: bob!, dan: dan!, second: second! });
  await operator.log.append({
    type: 'revocation',
    peerId: bob!.peerId,
    lastAccepted: bob!.log.lastLasting(bob!.peerId),
  });
  const everybody = [second!, ann!, bob!, cy!, dan!, eve!];
  for (const each of [...everybody, ...everybody]) await sync(each, operator);
  const lastAccepted = operator.log.lastLasting(second!.peerId);
  await operator.log.appendSignedBy(authorityKey, { type: 'revocation', peerId: second!.peerId, lastAccepted });
  await operator.log.insert(twins.map((record) => record.envelope));
  records = [...operator.log.records()];
  expected = rosterText(operator);
  const statuses = [...operator.log.roster().members.values()].map((member) => member.status);
  assert.deepEqual(new Set(statuses), new Set(['active', 'suspended', 'revoked', 'forked']));
  const { associations } = operator.log.roster();
  const said = [...associations.keys()].flatMap((id) => operator.log.events(id).map(({ body }) => body.step));
  assert.deepEqual(new Set(said), new Set(['commit', 'holder']));
  assert.ok([...associations.values()].some(({ ended, destination }) => ended && destination !== undefined));
});

/** Moves of which everybody has said something, also what contradicts. */
async function migrations({ ann, bob, dan, second }: Record<'ann' | 'bob' | 'dan' | 'second', Machine>): Promise<void> {
  const { operator } = fleet;
  const parties = { source: ann.peerId, destination: null };
  const named = await ann.log.append(plainAssociation({ ...parties, mode: 'side-by-side', nonce: '11'.repeat(16) }));
  const inPlace = await ann.log.append(plainAssociation({ ...parties, mode: 'in-place', nonce: '22'.repeat(16) }));
  const [toName, ticketed] = [associationIdOf(named.hash), associationIdOf(inPlace.hash)];
  for (const each of [ann, second, bob, dan]) await sync(each, operator);
  // Both name a destination, and both let a machine in with one ticket, while they do not see each other.
  await second.log.append({ type: 'naming', association: toName, destination: dan.peerId });
  second.clock.set(START + 2000);
  await ann.log.append({ type: 'naming', association: toName, destination: bob.peerId });
  const ticket = await invite(operator, { association: ticketed });
  const [fran, gus] = [await machine('fran'), await machine('gus')];
  await join(fran, operator, ticket);
  await join(gus, second, ticket);
  const state = '5a'.repeat(32) as StateId;
  const about = { association: toName, state, snapshot: 1, descriptorHash: 'dd'.repeat(32) };
  await ann.log.append(event({ ...about, step: 'commit', phase: 'stored' }));
  await ann.log.append(event({ ...about, step: 'commit', phase: 'safe', snapshot: 2 }));
  await dan.log.append(event({ ...about, step: 'holder', phase: 'held' }));
  await bob.log.append(event({ ...about, step: 'holder', phase: 'damaged' }));
  await dan.log.append(event({ ...about, step: 'restore', phase: 'restoring' })).catch(() => {});
  await operator.log.append({ type: 'ending', association: ticketed });
  const place = { epoch: 'dd'.repeat(8), sequence: 5, time: START + 11 };
  const twins = ['held', 'damaged'] as const;
  const forged = await Promise.all(
    twins.map((phase) => forge(gus.key, fleet.fleetId, event({ ...about, step: 'holder', phase }), place)),
  );
  await second.log.insert(forged.map(({ envelope }) => envelope));
  for (const each of [ann, bob, dan, second, fran, gus, ann, second]) await sync(each, operator);
}

function rosterOf(of: Iterable<StoredRecord>): string {
  return textOf(computeRoster(of, fleet.fleetId));
}

const shuffled = () => fc.shuffledSubarray(records, { minLength: records.length });

describe('the roster', () => {
  it('is the same for every order of the same records', () => {
    fc.assert(
      fc.property(shuffled(), (order) => assert.equal(rosterOf(order), rosterOf(records))),
      { numRuns: 200 },
    );
  });

  it('is the same however often and in whatever order two parts of the records arrive', () => {
    const part = fc.shuffledSubarray(records);
    fc.assert(
      fc.property(part, part, (a, b) => {
        assert.equal(rosterOf([...a, ...b]), rosterOf([...b, ...a, ...a]));
      }),
      { numRuns: 200 },
    );
  });

  it('is the same in a log that takes the records in any order and grouping', async () => {
    const groups = fc.tuple(shuffled(), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }));
    await fc.assert(
      fc.asyncProperty(groups, async ([order, sizes]) => {
        const fresh = await machine('fresh');
        fresh.log.joinFleet(fleet.fleetId);
        // What had no place yet is offered again, as agents do.
        for (let added = 1; added > 0; ) {
          added = 0;
          for (let at = 0, i = 0; at < order.length; i += 1) {
            const size = sizes[i % sizes.length]!;
            const group = order.slice(at, at + size).map((record) => record.envelope);
            added += (await fresh.log.insert(group)).added;
            at += size;
          }
        }
        assert.ok(rosterText(fresh) === expected, 'the rosters differ');
        fresh.log.close();
      }),
      { numRuns: 40 },
    );
  });

  it('is the same in two logs that began with different parts and exchanged digests', async () => {
    await fc.assert(
      fc.asyncProperty(parts(), async ([a, b, limit]) => {
        const [left, right] = [await logOf('left', withHistory(a)), await logOf('right', withHistory(b))];
        await sync(left, right, limit);
        assert.equal(rosterText(left), rosterText(right));
        assert.deepEqual(left.log.summary(''), right.log.summary(''));
        left.log.close();
        right.log.close();
      }),
      { numRuns: 60 },
    );
  });

  it('is the same in the end where parts had gaps that only a third could fill', async () => {
    await fc.assert(
      fc.asyncProperty(parts(), async ([a, b, limit]) => {
        const [left, right] = [await logOf('left', a), await logOf('right', b)];
        await exchange(left, right, limit);
        const whole = await logOf('whole', records);
        for (const each of [left, right]) {
          await sync(each, whole, limit);
          assert.ok(rosterText(each) === expected, 'the rosters differ');
          assert.deepEqual(each.log.summary(''), whole.log.summary(''));
        }
        for (const each of [left, right, whole]) each.log.close();
      }),
      { numRuns: 40 },
    );
  });
});

const parts = () =>
  fc
    .tuple(indices(), indices(), fc.integer({ min: 1, max: 20 }))
    .map(([a, b, limit]) => [a.map((i) => records[i]!), b.map((i) => records[i]!), limit] as const);

/** Numbers instead of records, so that a failure can be read. */
const indices = () => fc.shuffledSubarray(records.map((_, index) => index));

function withHistory(some: readonly StoredRecord[]): StoredRecord[] {
  const byHash = new Map(records.map((record) => [record.hash, record]));
  const all = new Set<StoredRecord>();
  for (const record of some) {
    let current: StoredRecord | undefined = record;
    while (current && !all.has(current)) {
      all.add(current);
      current = current.header.previous === null ? undefined : byHash.get(current.header.previous);
    }
  }
  return [...all];
}

async function logOf(name: string, some: readonly StoredRecord[]): Promise<Machine> {
  const made = await machine(name);
  made.log.joinFleet(fleet.fleetId);
  await made.log.insert(some.map((record) => record.envelope));
  return made;
}
