import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ResettleError } from '../../src/common/errors.ts';
import {
  type AssociationBody,
  associationIdOf,
  type MemberBody,
  plainAssociation,
  type RecordBody,
  verifyRecord,
} from '../../src/state/records/index.ts';
import { signRecord } from '../../src/state/records/record.ts';
import {
  envelopesOf,
  type Fleet,
  fleetOf,
  forge,
  invite,
  join,
  type Machine,
  machine,
  memberBody,
  recipientOf,
  rosterText,
  START,
  sync,
} from './machines.ts';

async function fleetWith(...names: string[]): Promise<[Fleet, ...Machine[]]> {
  const fleet = await fleetOf('office');
  const machines: Machine[] = [];
  for (const name of names) {
    const joiner = await machine(name);
    await join(joiner, fleet.operator, await invite(fleet.operator));
    machines.push(joiner);
  }
  for (const each of machines) await sync(each, fleet.operator);
  return [fleet, ...machines];
}

function association(source: Machine, destination: Machine, nonce = '00'): AssociationBody {
  const parties = { source: source.peerId, destination: destination.peerId };
  return plainAssociation({ ...parties, mode: 'side-by-side', nonce: nonce.repeat(16) });
}

describe('member records', () => {
  it('are replaced by the machine itself, and the newest counts wherever it comes from', async () => {
    const [fleet, ann] = await fleetWith('ann');
    const old = [...ann!.log.records()].find((record) => record.header.signer === ann!.peerId)!;
    await ann!.log.append(memberBody(ann!, { name: 'new name', point: true }));
    await sync(ann!, fleet.operator);
    await sync(ann!, fleet.operator);
    const member = () => fleet.operator.log.roster().members.get(ann!.peerId);
    assert.equal(member()?.name, 'new name');
    assert.equal(member()?.point, true);
    assert.equal(fleet.operator.log.envelopeOf(old.hash), undefined);
    const { added } = await fleet.operator.log.insert([old.envelope]);
    assert.equal(added, 0, 'an old member record that is played again is not kept');
    assert.equal(member()?.name, 'new name');
  });

  it('count in the order of the clock that never goes back, even if the machine’s does', async () => {
    const [fleet, ann] = await fleetWith('ann');
    ann!.clock.set(START + 5000);
    await ann!.log.append(memberBody(ann!, { name: 'first' }));
    ann!.clock.set(START - 5000);
    await ann!.log.append(memberBody(ann!, { name: 'second' }));
    await sync(ann!, fleet.operator);
    assert.equal(fleet.operator.log.roster().members.get(ann!.peerId)?.name, 'second');
  });

  it('are refused from another signer and with another age recipient (T2)', async () => {
    const [fleet, ann, bob] = await fleetWith('ann', 'bob');
    await assert.rejects(forge(bob!.key, fleet.fleetId, memberBody(ann!)), /not signed by the machine that it names/);
    const rotated = memberBody(ann!, { ageRecipient: recipientOf('other') });
    const record = await forge(ann!.key, fleet.fleetId, rotated, { time: START + 1 });
    const { added, refused } = await fleet.operator.log.insert([record.envelope]);
    assert.equal(added, 0);
    assert.match(refused[0]!.reason, /nobody admitted this machine with this age recipient/);
    await assert.rejects(ann!.log.append(rotated), /nobody admitted/);
  });

  it('are refused for another fleet, and a log belongs to one fleet', async () => {
    const [fleet, ann] = await fleetWith('ann');
    const other = await fleetOf('other');
    const record = await forge(ann!.key, other.fleetId, memberBody(ann!));
    assert.match((await fleet.operator.log.insert([record.envelope])).refused[0]!.reason, /of another fleet/);
    assert.throws(() => ann!.log.joinFleet(other.fleetId), /belongs to the fleet/);
    const fresh = await machine('fresh');
    assert.equal((await fresh.log.insert(envelopesOf(fleet.operator))).added, 0);
  });
});

describe('the fleet record', () => {
  it('counts only with the authority’s own signature', async () => {
    const [fleet, ann] = await fleetWith('ann');
    const { body } = [...ann!.log.records()].find((record) => record.body.type === 'fleet')!;
    const taken = { ...body, name: 'taken over' } as RecordBody;
    for (const key of [ann!.key, fleet.operator.key]) {
      const record = await forge(key, fleet.fleetId, taken, { time: START + 9 });
      assert.match(
        (await ann!.log.insert([record.envelope])).refused[0]!.reason,
        /not signed by the fleet's authority/,
      );
    }
    assert.equal(ann!.log.roster().fleet?.name, 'office');
    await fleet.operator.log.appendSignedBy(fleet.authorityKey, taken);
    assert.equal(fleet.operator.log.roster().fleet?.name, 'taken over');
  });
});

describe('strangers and limits', () => {
  it('do not let a stranger grow the log', async () => {
    const [fleet, ann] = await fleetWith('ann');
    const stranger = await machine('stranger');
    const before = envelopesOf(fleet.operator).length;
    const bodies: RecordBody[] = [
      memberBody(stranger),
      association(stranger, ann!),
      { type: 'revocation', peerId: ann!.peerId, lastAccepted: null },
      {
        type: 'admission',
        ...memberless(stranger),
        role: 'operator',
        invite: null,
        admittedAt: 0,
        joinSignature: null,
      },
    ];
    const records = await Promise.all(
      bodies.map((body, i) => forge(stranger.key, fleet.fleetId, body, { sequence: i + 1 })),
    );
    const result = await fleet.operator.log.insert(records.map((record) => record.envelope));
    assert.equal(result.added, 0);
    assert.equal(result.refused.length, 4);
    assert.equal(envelopesOf(fleet.operator).length, before);
  });

  it('bound what one signer may have stored', async () => {
    const [fleet, ann] = await fleetWith('ann');
    const sealed = new Uint8Array(8192);
    const bound = 16 * 2 ** 20;
    const many = Math.ceil(bound / 8400) + 60;
    const envelopes: Uint8Array[] = [];
    for (let i = 0; i < many; i += 1) {
      const body = { ...association(ann!, fleet.operator), nonce: i.toString(16).padStart(32, '0'), sealed };
      const header = { ...forgedHeader(fleet, ann!), sequence: i + 1 };
      envelopes.push(await signRecord(ann!.key, header, body));
    }
    const { added, refused } = await fleet.operator.log.insert(envelopes);
    assert.ok(added > 1900 && added < many, `${added} of ${many}`);
    assert.ok(refused.every(({ reason }) => /too many bytes/.test(reason)));
    const stored = envelopesOf(fleet.operator).reduce((sum, envelope) => sum + envelope.length, 0);
    assert.ok(stored < bound + 10_000);
  });
});

describe('associations', () => {
  it('count from the source itself, and from an operator only where the source consented (T3)', async () => {
    const [fleet, ann, bob, cy] = await fleetWith('ann', 'bob', 'cy');
    const own = await ann!.log.append(association(ann!, bob!));
    const byMember = await cy!.log.append(association(ann!, cy!));
    const byOperator = await fleet.operator.log.append(association(ann!, bob!, '11'));
    for (const each of [ann!, bob!, cy!]) await sync(each, fleet.operator);
    const stands = (hash: typeof own.hash) => fleet.operator.log.roster().associations.has(associationIdOf(hash));
    assert.deepEqual([stands(own.hash), stands(byMember.hash), stands(byOperator.hash)], [true, false, false]);
    await ann!.log.append(memberBody(ann!, { acceptsOperators: true }));
    await sync(ann!, fleet.operator);
    assert.deepEqual([stands(own.hash), stands(byMember.hash), stands(byOperator.hash)], [true, false, true]);
  });
});

describe('revocation (T6)', () => {
  it('of a member by an operator keeps what was accepted and nothing after', async () => {
    const [fleet, ann, bob] = await fleetWith('ann', 'bob');
    const before = await ann!.log.append(association(ann!, bob!));
    await sync(ann!, fleet.operator);
    const lastAccepted = fleet.operator.log.lastLasting(ann!.peerId);
    assert.equal(lastAccepted, before.hash);
    await fleet.operator.log.append({ type: 'revocation', peerId: ann!.peerId, lastAccepted });
    const after = await ann!.log.append(association(ann!, bob!, '22'));
    const { refused } = await fleet.operator.log.insert([after.envelope]);
    assert.match(refused[0]!.reason, /revoked/);
    await sync(ann!, fleet.operator);
    for (const side of [ann!, fleet.operator]) {
      const roster = side.log.roster();
      assert.equal(roster.members.get(ann!.peerId)?.status, 'revoked', side.name);
      assert.equal(roster.associations.size, 0, side.name);
      assert.deepEqual([...roster.pastAssociations.keys()], [associationIdOf(before.hash)], side.name);
    }
  });

  it('takes back admissions that a revoked member made after the last accepted record', async () => {
    const [fleet, ann] = await fleetWith('ann');
    const [kept, gone] = [await machine('kept'), await machine('gone')];
    const token = await invite(fleet.operator, { uses: 2 });
    await join(kept, ann!, token);
    const lastAccepted = ann!.log.lastLasting(ann!.peerId);
    await join(gone, ann!, token);
    await sync(ann!, fleet.operator);
    assert.equal(fleet.operator.log.roster().members.size, 4);
    await fleet.operator.log.append({ type: 'revocation', peerId: ann!.peerId, lastAccepted });
    const { members } = fleet.operator.log.roster();
    assert.equal(members.get(kept.peerId)?.status, 'active');
    assert.equal(members.get(gone.peerId), undefined);
  });

  it('of an operator ends the invites that it issued, and keeps those who came before', async () => {
    const fleet = await fleetOf('office');
    const [op, ann, kept, late] = await Promise.all(['op', 'ann', 'kept', 'late'].map((name) => machine(name)));
    await join(op!, fleet.operator, await invite(fleet.operator, { role: 'operator', issuerKey: fleet.authorityKey }));
    await join(ann!, fleet.operator, await invite(fleet.operator));
    const token = await invite(op!, { uses: 2 });
    await sync(ann!, fleet.operator);
    await join(kept!, ann!, token);
    fleet.operator.clock.set(START + 1000);
    const lastAccepted = fleet.operator.log.lastLasting(op!.peerId);
    await fleet.operator.log.appendSignedBy(fleet.authorityKey, {
      type: 'revocation',
      peerId: op!.peerId,
      lastAccepted,
    });
    // Ann has not heard of it yet.
    ann!.clock.set(START + 2000);
    await join(late!, ann!, token);
    await sync(ann!, fleet.operator);
    for (const side of [ann!, fleet.operator]) {
      const { members } = side.log.roster();
      assert.equal(members.get(kept!.peerId)?.status, 'active', side.name);
      assert.equal(members.get(late!.peerId)?.status, 'suspended', side.name);
    }
    const another = await machine('another');
    await assert.rejects(join(another, ann!, token), /is revoked/);
  });

  it('of an operator needs the authority; a member revokes nobody', async () => {
    const [fleet, ann, bob] = await fleetWith('ann', 'bob');
    const op = await machine('second');
    await join(op, fleet.operator, await invite(fleet.operator, { role: 'operator', issuerKey: fleet.authorityKey }));
    await op.log.append({ type: 'revocation', peerId: fleet.operator.peerId, lastAccepted: null });
    await sync(op, fleet.operator);
    assert.equal(fleet.operator.log.roster().members.get(fleet.operator.peerId)?.status, 'active');
    await assert.rejects(
      ann!.log.append({ type: 'revocation', peerId: bob!.peerId, lastAccepted: null }),
      (error) => error instanceof ResettleError && /not an operator/.test(error.message),
    );
    const lastAccepted = fleet.operator.log.lastLasting(op.peerId);
    await fleet.operator.log.appendSignedBy(fleet.authorityKey, {
      type: 'revocation',
      peerId: op.peerId,
      lastAccepted,
    });
    await sync(op, fleet.operator);
    assert.equal(op.log.roster().members.get(op.peerId)?.status, 'revoked');
    await assert.rejects(invite(op), /is revoked/);
  });
});

describe('forks (T6)', () => {
  it('are found although each side has seen only one of the two records, kept, and distrusted', async () => {
    const [fleet, ann, bob] = await fleetWith('ann', 'bob');
    for (const lasting of [true, false]) {
      const twin: Machine = await machine(`twin ${lasting}`);
      await join(twin, fleet.operator, await invite(fleet.operator));
      for (const each of [ann!, bob!]) await sync(each, fleet.operator);
      const bodies: [RecordBody, RecordBody] = lasting
        ? [association(twin, ann!), association(twin, bob!)]
        : [memberBody(twin, { name: 'one' }), memberBody(twin, { name: 'two' })];
      const header = { sequence: 7, time: START + 60_000 };
      const one = await forge(twin.key, fleet.fleetId, bodies[0], header);
      const two = await forge(twin.key, fleet.fleetId, bodies[1], header);
      await ann!.log.insert([one.envelope]);
      await bob!.log.insert([two.envelope]);
      assert.equal(ann!.log.roster().members.get(twin.peerId)?.status, 'active');
      await sync(ann!, bob!);
      assert.equal(rosterText(ann!), rosterText(bob!));
      const roster = ann!.log.roster();
      assert.equal(roster.members.get(twin.peerId)?.status, 'forked');
      const fork = roster.forks.find(({ signer }) => signer === twin.peerId);
      assert.deepEqual(fork?.hashes, [one.hash, two.hash].sort());
      assert.equal([...roster.associations.values()].filter(({ signer }) => signer === twin.peerId).length, 0);
      await sync(ann!, fleet.operator);
      assert.equal(rosterText(ann!), rosterText(fleet.operator));
    }
  });

  it('take back what was admitted from there on, and leave what was admitted before', async () => {
    const [fleet, ann, bob] = await fleetWith('ann', 'bob');
    const [before, after] = [await machine('before'), await machine('after')];
    const token = await invite(fleet.operator, { uses: 2 });
    await join(before, ann!, token);
    const place = await ann!.log.append(association(ann!, bob!));
    await join(after, ann!, token);
    const { epoch, sequence } = place.header;
    const twin = await forge(ann!.key, fleet.fleetId, association(ann!, bob!, '33'), { epoch, sequence });
    await ann!.log.insert([twin.envelope]);
    await sync(ann!, fleet.operator);
    const { members } = fleet.operator.log.roster();
    assert.equal(members.get(ann!.peerId)?.status, 'forked');
    assert.equal(members.get(before.peerId)?.status, 'active');
    assert.equal(members.get(after.peerId), undefined);
  });
});

describe('replication', () => {
  it('does not let a relay hide a record by sending a later one first', async () => {
    const [fleet, ann, bob] = await fleetWith('ann', 'bob');
    const revocation = await fleet.operator.log.append({ type: 'revocation', peerId: ann!.peerId, lastAccepted: null });
    const later = await fleet.operator.log.append(memberBody(fleet.operator, { name: 'later' }));
    await bob!.log.insert([later.envelope]);
    assert.equal(bob!.log.envelopeOf(revocation.hash), undefined);
    await sync(bob!, fleet.operator);
    assert.equal(bob!.log.roster().members.get(ann!.peerId)?.status, 'revoked');
  });

  it('brings a new log up to date in small steps, however late the admitter’s own record was renewed', async () => {
    const [fleet, ann] = await fleetWith('ann');
    const token = await invite(fleet.operator, { uses: 40 });
    for (let i = 0; i < 12; i += 1) await join(await machine(`m${i}`), ann!, token);
    await ann!.log.append(memberBody(ann!, { name: 'renewed' }));
    const fresh = await machine('fresh');
    fresh.log.joinFleet(fleet.fleetId);
    await fresh.log.insert(ann!.log.credential(ann!.peerId));
    for (const limit of [3, 1]) {
      const again = await machine(`fresh ${limit}`);
      again.log.joinFleet(fleet.fleetId);
      await sync(again, ann!, limit);
      assert.equal(rosterText(again), rosterText(ann!), `in steps of ${limit}`);
    }
    await sync(fresh, ann!, 3);
    assert.equal(rosterText(fresh), rosterText(ann!));
    assert.deepEqual(fresh.log.summary(''), ann!.log.summary(''));
  });

  it('tells listeners of changes until they leave', async () => {
    const [, ann] = await fleetWith('ann');
    let calls = 0;
    const leave = ann!.log.onChange(() => {
      calls += 1;
    });
    await ann!.log.append(memberBody(ann!, { name: 'a' }));
    await ann!.log.insert(envelopesOf(ann!));
    assert.equal(calls, 1);
    leave();
    await ann!.log.append(memberBody(ann!, { name: 'b' }));
    assert.equal(calls, 1);
  });

  it('signs own records one after the other however they are asked for', async () => {
    const [, ann, bob] = await fleetWith('ann', 'bob');
    const nonces = ['44', '55', '66'];
    const records = await Promise.all(nonces.map((nonce) => ann!.log.append(association(ann!, bob!, nonce))));
    assert.deepEqual(records.map(({ header }) => header.previous).slice(1), [records[0]!.hash, records[1]!.hash]);
    assert.deepEqual(await Promise.all(records.map(({ envelope }) => verifyRecord(envelope))), records);
    assert.deepEqual(ann!.log.roster().forks, []);
  });
});

function memberless(of: Machine): Pick<MemberBody, 'peerId' | 'ageRecipient'> {
  return { peerId: of.peerId, ageRecipient: of.ageRecipient };
}

function forgedHeader(fleet: Fleet, signer: Machine) {
  const epoch = 'ee'.repeat(8);
  return { fleetId: fleet.fleetId, signer: signer.peerId, epoch, sequence: 1, previous: null, time: START };
}
