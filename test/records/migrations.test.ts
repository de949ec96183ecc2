import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { AssociationId, StateId } from '../../src/common/ids.ts';
import { EVENTS_PER_SIGNER_AND_ASSOCIATION_MAX, RECORD_FUTURE_MAX_MS } from '../../src/common/limits.ts';
import {
  type AdmissionBody,
  admitAndStore,
  associationIdOf,
  createJoinRequest,
  type EventBody,
  type EventPhase,
  type EventStep,
  plainEvent as event,
  parseInviteToken,
  plainAssociation,
  type RecordBody,
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
  rosterText,
  START,
  sync,
} from './machines.ts';

const YEAR_MS = 366 * 86_400_000;
const state = '5a'.repeat(32) as StateId;
const about = { state, snapshot: 1, descriptorHash: 'dd'.repeat(32) };

let fleet: Fleet;
let op: Machine;
let ann: Machine;
let bob: Machine;
let cy: Machine;

/** Ann is moved to Bob; Cy is a bystander, or a point. */
before(async () => {
  fleet = await fleetOf('office');
  op = fleet.operator;
  [ann, bob, cy] = (await Promise.all(['ann', 'bob', 'cy'].map((name) => machine(name)))) as [
    Machine,
    Machine,
    Machine,
  ];
  for (const each of [ann, bob, cy]) await join(each, op, await invite(op));
  await everybody();
});

async function everybody(): Promise<void> {
  for (const each of [ann, bob, cy, ann, bob, cy]) await sync(each, op);
}

let nonces = 0;

async function associate(
  mode: 'side-by-side' | 'in-place',
  destination: Machine | null,
  by: Machine = ann,
): Promise<AssociationId> {
  nonces += 1;
  const parties = { source: ann.peerId, destination: destination?.peerId ?? null, mode };
  const { hash } = await by.log.append(plainAssociation({ ...parties, nonce: nonces.toString(16).padStart(32, '0') }));
  await everybody();
  return associationIdOf(hash);
}

/** What all others make of a record that this machine signs, whatever its own log thinks of it. */
async function offered(by: Machine, body: RecordBody, time = START + 1): Promise<string | undefined> {
  sequences += 1;
  const previous = op.log.lastLasting(by.peerId);
  const record = await forge(by.key, fleet.fleetId, body, {
    epoch: 'ab'.repeat(8),
    sequence: sequences,
    previous,
    time,
  });
  const { refused } = await op.log.insert([record.envelope], by.peerId);
  return refused[0]?.reason;
}
let sequences = 0;

describe('events', () => {
  const words: [EventStep, EventPhase, 'source' | 'destination' | 'holder'][] = [
    ['activity', 'scanning', 'source'],
    ['commit', 'stored', 'source'],
    ['trial', 'tried', 'destination'],
    ['restore', 'restored', 'destination'],
    ['holder', 'held', 'holder'],
    ['share', 'kept', 'holder'],
  ];
  for (const [step, phase, party] of words) {
    it(`of the step ${step} are taken from the ${party} only`, async () => {
      const association = await associate('side-by-side', bob);
      const body = event({ association, step, phase, ...about });
      const says = { source: ann, destination: bob, holder: cy }[party];
      const may = party === 'holder' ? [cy, bob, op] : [says];
      for (const by of [ann, bob, cy, op]) {
        const reason = await offered(by, body);
        if (may.includes(by)) assert.equal(reason, undefined, by.name);
        else assert.match(reason ?? '', /only the|does not hold its own/, by.name);
      }
      const signers = op.log.events(association).map(({ signer }) => signer);
      assert.deepEqual(new Set(signers), new Set(may.map(({ peerId }) => peerId)));
    });
  }

  it('of strangers, and of associations that nobody knows, are refused', async () => {
    const association = await associate('side-by-side', bob);
    const stranger = await machine('stranger');
    assert.match((await offered(stranger, held(association))) ?? '', /not a member/);
    assert.match((await offered(cy, held('ee'.repeat(32) as AssociationId))) ?? '', /not known/);
  });

  it('of one whose admission was revoked with its signer count nowhere, also not where they were taken before', async () => {
    const office = await fleetOf('branch');
    const [second, source, holder] = await Promise.all(['second', 'source', 'holder'].map((name) => machine(name)));
    const { operator, authorityKey } = office;
    await join(second!, operator, await invite(operator, { role: 'operator', issuerKey: authorityKey }));
    await join(source!, operator, await invite(operator));
    const before = operator.log.lastLasting(second!.peerId);
    await join(holder!, second!, await invite(second!));
    const parties = { source: source!.peerId, destination: null, mode: 'side-by-side' } as const;
    const { hash } = await source!.log.append(plainAssociation({ ...parties, nonce: '12'.repeat(16) }));
    const association = associationIdOf(hash);
    for (const each of [source!, second!, holder!]) await sync(each, operator);
    await holder!.log.append(event({ association, step: 'holder', phase: 'held', ...about }));
    await sync(holder!, operator);
    assert.equal(operator.log.events(association).length, 1);
    const revoked = { type: 'revocation', peerId: second!.peerId, lastAccepted: before } as const;
    await operator.log.appendSignedBy(authorityKey, revoked);
    assert.deepEqual(operator.log.events(association), []);
    const fresh = await machine('fresh');
    fresh.log.joinFleet(office.fleetId);
    await sync(fresh, operator);
    assert.equal(rosterText(fresh), rosterText(operator));
  });

  it('that are newer replace older ones of the same subject, in whatever order they come', async () => {
    const association = await associate('side-by-side', bob);
    const newer = await forge(cy.key, fleet.fleetId, held(association, { bytes: 2 }), {
      epoch: 'b1'.repeat(8),
      time: START + 20,
    });
    const older = await forge(cy.key, fleet.fleetId, held(association, { bytes: 1 }), {
      epoch: 'b2'.repeat(8),
      time: START + 10,
    });
    await op.log.insert([newer.envelope]);
    const { added, refused } = await op.log.insert([older.envelope]);
    assert.deepEqual([added, refused[0]?.kind], [0, 'old']);
    await bob.log.insert([older.envelope]);
    await bob.log.insert([newer.envelope]);
    for (const { log } of [op, bob])
      assert.deepEqual(
        log.events(association).map(({ body }) => body.bytes),
        [2],
      );
    assert.equal((await op.log.insert([newer.envelope])).added, 0, 'played again it changes nothing');
  });

  it('are bounded for each signer and association, and the last word on a subject is always taken', async () => {
    const association = await associate('side-by-side', bob);
    const stateOf = (i: number) => i.toString(16).padStart(64, '0') as StateId;
    let taken = 0;
    for (let i = 0; i < EVENTS_PER_SIGNER_AND_ASSOCIATION_MAX + 20; i += 1) {
      if ((await offered(cy, held(association, { state: stateOf(i) }))) === undefined) taken += 1;
    }
    assert.equal(taken, EVENTS_PER_SIGNER_AND_ASSOCIATION_MAX);
    assert.match((await offered(cy, held(association, { state: stateOf(9_999) }))) ?? '', /too many events/);
    assert.equal(await offered(cy, held(association, { state: stateOf(3), bytes: 7 }), START + 99), undefined);
    assert.ok(op.log.events(association).some(({ body }) => body.state === stateOf(3) && body.bytes === 7));
  });

  it('of which two stand in one place prove a fork, which everybody keeps', async () => {
    const association = await associate('side-by-side', bob);
    const dan = await machine('dan');
    await join(dan, op, await invite(op));
    await everybody();
    const place = { epoch: 'f0'.repeat(8), sequence: 3, time: START + 30 };
    const twins = await Promise.all(
      [1, 2].map((bytes) => forge(dan.key, fleet.fleetId, held(association, { bytes }), place)),
    );
    await ann.log.insert([twins[0]!.envelope]);
    await bob.log.insert([twins[1]!.envelope]);
    assert.equal(ann.log.events(association).length, 1);
    await everybody();
    const later = await forge(dan.key, fleet.fleetId, held(association, { bytes: 3 }), {
      ...place,
      sequence: 4,
      time: START + 40,
    });
    await op.log.insert([later.envelope]);
    await everybody();
    for (const each of [ann, bob, op]) {
      assert.equal(each.log.roster().members.get(dan.peerId)?.status, 'forked', each.name);
      assert.deepEqual(each.log.events(association), [], `${each.name}: what a fork says counts for nothing`);
      assert.equal(rosterText(each), rosterText(op));
    }
  });
});

describe('a destination that was left open', () => {
  it('is named by the source or an operator that it obeys, and by nobody else', async () => {
    const association = await associate('side-by-side', null);
    const destination = () => op.log.roster().associations.get(association)?.destination;
    for (const by of [bob, op]) await offered(by, { type: 'naming', association, destination: cy.peerId });
    assert.equal(destination(), undefined, 'neither the named one nor an operator that was not accepted');
    assert.equal(await offered(ann, { type: 'naming', association, destination: ann.peerId }, START + 2), undefined);
    assert.equal(destination(), undefined, 'the source itself is no destination');
    await offered(ann, { type: 'naming', association, destination: bob.peerId }, START + 3);
    await offered(ann, { type: 'naming', association, destination: cy.peerId }, START + 4);
    assert.equal(destination(), bob.peerId, 'the first one counts');
    assert.match(
      (await offered(cy, event({ association, step: 'trial', phase: 'tried', ...about }))) ?? '',
      /only the/,
    );
    assert.equal(await offered(bob, event({ association, step: 'trial', phase: 'tried', ...about })), undefined);
  });

  it('does not change where the association says it', async () => {
    const association = await associate('side-by-side', bob);
    await offered(ann, { type: 'naming', association, destination: cy.peerId });
    assert.equal(op.log.roster().associations.get(association)?.destination, bob.peerId);
  });

  it('ends only by the source’s word or that of an operator that it obeys', async () => {
    const association = await associate('side-by-side', bob);
    const ended = () => op.log.roster().associations.get(association)?.ended;
    for (const by of [bob, cy, op]) await offered(by, { type: 'ending', association });
    assert.equal(ended(), false);
    await offered(ann, { type: 'ending', association });
    assert.equal(ended(), true);
  });
});

describe('tickets (T4, T5)', () => {
  it('make the machine that joins the destination, once', async () => {
    const association = await associate('in-place', null);
    const [first, second] = [await machine('first'), await machine('second')];
    const ticket = await invite(op, { association });
    await join(first, op, ticket);
    assert.equal(op.log.roster().associations.get(association)?.destination, first.peerId);
    await assert.rejects(join(second, op, ticket), /used up/);
    assert.equal(op.log.roster().members.get(second.peerId), undefined);
  });

  it('that two operators took while they did not see each other let the first in and suspend the second', async () => {
    const association = await associate('in-place', null);
    const [boss, first, second] = [await machine('boss'), await machine('one'), await machine('two')];
    await join(boss, op, await invite(op, { role: 'operator', issuerKey: fleet.authorityKey }));
    const ticket = await invite(op, { association });
    boss.clock.set(START + 500);
    await join(second, boss, ticket);
    await join(first, op, ticket);
    await sync(boss, op);
    for (const { log } of [boss, op]) {
      const { members, associations } = log.roster();
      assert.equal(members.get(first.peerId)?.status, 'active');
      assert.equal(members.get(second.peerId)?.status, 'suspended');
      assert.equal(associations.get(association)?.destination, first.peerId);
    }
    assert.equal(rosterText(boss), rosterText(op));
  });

  it('are taken by operators only, and an admission that a member signs for one counts for nothing', async () => {
    const association = await associate('in-place', null);
    const joiner = await machine('joiner');
    const token = await invite(op, { association });
    await assert.rejects(join(joiner, cy, token), /may not admit a machine with a ticket/);
    const parsed = await parseInviteToken(token);
    const request = await createJoinRequest(joiner.log, parsed, memberBody(joiner));
    const body: AdmissionBody = {
      type: 'admission',
      peerId: joiner.peerId,
      ageRecipient: joiner.ageRecipient,
      role: 'member',
      invite: request.invite,
      admittedAt: START,
      joinSignature: request.joinSignature,
    };
    assert.match((await offered(cy, body)) ?? '', /only an operator admits a machine with a ticket/);
    assert.equal(op.log.roster().members.get(joiner.peerId), undefined);
  });

  it('are refused for an association that is not in place, or not known', async () => {
    const joiner = await machine('lost');
    for (const [association, reason] of [
      [await associate('side-by-side', null), /not one in place/],
      ['ee'.repeat(32) as AssociationId, /not known here yet/],
    ] as const) {
      const parsed = await parseInviteToken(await invite(op, { association }));
      joiner.log.joinFleet(fleet.fleetId);
      const request = await createJoinRequest(joiner.log, parsed, memberBody(joiner));
      await assert.rejects(admitAndStore(op.log, request, { remote: joiner.peerId, now: START }), reason);
    }
  });
});

describe('dates', () => {
  it('years ahead are refused, and those of clocks that are a year wrong either way are not', async () => {
    const association = await associate('side-by-side', bob);
    const say = (time: number, bytes: number) => offered(cy, held(association, { bytes }), time);
    assert.equal(await say(START - YEAR_MS, 1), undefined);
    assert.equal(await say(START + YEAR_MS, 2), undefined);
    assert.match((await say(START + RECORD_FUTURE_MAX_MS + 1, 3)) ?? '', /years ahead/);
    const own = op.log.events(association).map(({ body }) => body.bytes);
    assert.deepEqual(own, [2]);
    // Whose own clock is a year behind takes what one that is a year ahead says.
    op.clock.set(START - YEAR_MS);
    assert.equal(await say(START + YEAR_MS + 1, 4), undefined);
    op.clock.set(START);
  });

  it('years ahead are told as refused, and taken when the time has come', async () => {
    const association = await associate('side-by-side', bob);
    const time = START + RECORD_FUTURE_MAX_MS + 5_000;
    const record = await forge(cy.key, fleet.fleetId, held(association), { epoch: 'f9'.repeat(8), time });
    const [refusal] = (await op.log.insert([record.envelope])).refused;
    assert.equal(refusal?.kind, 'never', 'so that status shows who dates so');
    assert.match(refusal!.reason, /years ahead/);
    op.clock.set(START + 10_000);
    assert.equal((await op.log.insert([record.envelope])).added, 1);
    op.clock.set(START);
  });
});

function held(association: AssociationId, more: Partial<EventBody> = {}): EventBody {
  return event({ association, step: 'holder', phase: 'held', ...about, ...more });
}
