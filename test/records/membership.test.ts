import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ResettleError } from '../../src/common/errors.ts';
import {
  type AdmissionBody,
  admitAndStore,
  checkCredential,
  checkInvite,
  computeRoster,
  createJoinRequest,
  parseInviteToken,
  plainAssociation,
  verifyRecord,
} from '../../src/state/records/index.ts';
import { signInvite, signJoin } from '../../src/state/records/invite.ts';
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

const DAY_MS = 86_400_000;

function failsWith(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ResettleError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(error.hint);
    return true;
  };
}

/** A request as an honest machine makes it, to be spoilt. */
async function request(fleet: Fleet, joiner: Machine, token: string) {
  const parsed = await parseInviteToken(token);
  joiner.log.joinFleet(fleet.fleetId);
  return { parsed, request: await createJoinRequest(joiner.log, parsed, memberBody(joiner)) };
}

describe('joining', () => {
  it('gives a machine with an invite a place that every log agrees on', async () => {
    const fleet = await fleetOf('office');
    const ann = await machine('ann');
    const token = await invite(fleet.operator);
    const roster = await checkInvite(await parseInviteToken(`\n ${token} \n`), START);
    assert.equal(roster.fleet?.name, 'office');
    await join(ann, fleet.operator, token);
    const member = fleet.operator.log.roster().members.get(ann.peerId);
    assert.equal(member?.status, 'active');
    assert.equal(member?.role, 'member');
    assert.equal(member?.ageRecipient, ann.ageRecipient);
    assert.equal(member?.admittedBy, fleet.operator.peerId);
    assert.equal(rosterText(ann), rosterText(fleet.operator));
  });

  it('makes an operator by an invite of the authority, who then invites and admits members', async () => {
    const fleet = await fleetOf('office');
    const [bob, cy] = [await machine('bob'), await machine('cy')];
    await join(bob, fleet.operator, await invite(fleet.operator, { role: 'operator', issuerKey: fleet.authorityKey }));
    assert.equal(bob.log.roster().members.get(bob.peerId)?.role, 'operator');
    await join(cy, bob, await invite(bob));
    await sync(bob, fleet.operator);
    assert.equal(fleet.operator.log.roster().members.get(cy.peerId)?.admittedBy, bob.peerId);
  });

  it('lets a member admit another one, and proves the chain to somebody who knows only the fleet id', async () => {
    const fleet = await fleetOf('office');
    const [ann, bob] = [await machine('ann'), await machine('bob')];
    const token = await invite(fleet.operator, { uses: 3 });
    await join(await machine('cy'), fleet.operator, token);
    await join(ann, fleet.operator, token);
    await join(bob, ann, token);
    const credential = ann.log.credential(bob.peerId);
    assert.ok(credential.length < envelopesOf(ann).length);
    const proven = await checkCredential(fleet.fleetId, credential);
    assert.equal(proven.members.get(bob.peerId)?.status, 'active');
    for (let left = 0; left < credential.length; left += 1) {
      const rest = credential.filter((_, index) => index !== left);
      const roster = await checkCredential(fleet.fleetId, rest).catch(() => undefined);
      assert.equal(roster?.members.get(bob.peerId), undefined, `record ${left} is not needed`);
    }
    const stranger = await machine('stranger');
    stranger.log.joinFleet(fleet.fleetId);
    assert.equal((await stranger.log.insert(credential.toReversed())).added, credential.length);
  });

  it('admits the same machine again without spending the invite twice', async () => {
    const fleet = await fleetOf('office');
    const ann = await machine('ann');
    const { request: first } = await request(fleet, ann, await invite(fleet.operator));
    const context = { remote: ann.peerId, now: START };
    const [one, two] = await Promise.all([
      admitAndStore(fleet.operator.log, first, context),
      admitAndStore(fleet.operator.log, first, context),
    ]);
    const three = await admitAndStore(fleet.operator.log, first, context);
    assert.equal(two.hash, one.hash);
    assert.equal(three.hash, one.hash);
    assert.equal(one.body.type === 'admission' && one.body.peerId, ann.peerId);
    assert.equal(fleet.operator.log.roster().members.get(ann.peerId)?.status, 'active');
    assert.deepEqual(fleet.operator.log.roster().problems, []);
  });
});

describe('attacks on joining', () => {
  it('refuses a token holder who publishes a victim with his own age recipient (T2)', async () => {
    const fleet = await fleetOf('office');
    const [victim, thief] = [await machine('victim'), await machine('thief')];
    const parsed = await parseInviteToken(await invite(fleet.operator, { uses: 2 }));
    thief.log.joinFleet(fleet.fleetId);
    const body = memberBody(victim, { ageRecipient: thief.ageRecipient });
    await assert.rejects(thief.log.seal(body), failsWith('refused', /not signed by the machine/));
    await assert.rejects(
      signRecord(thief.key, { ...header(fleet), signer: victim.peerId }, body).then((bytes) =>
        fleet.operator.log.insert([bytes]).then(({ refused }) => assert.deepEqual(refused, [])),
      ),
      /another signer/,
    );
    // A member who helps the thief signs the admission; without the victim's own record it counts for nothing.
    const ann = await machine('ann');
    await join(ann, fleet.operator, await invite(fleet.operator));
    const admission: AdmissionBody = {
      type: 'admission',
      peerId: victim.peerId,
      ageRecipient: thief.ageRecipient,
      role: 'member',
      invite: parsed.envelope,
      admittedAt: START,
      joinSignature: await signJoin(parsed.inviteKey, parsed.invite, victim.peerId, thief.ageRecipient),
    };
    await ann.log.append(admission);
    await sync(ann, fleet.operator);
    assert.equal(fleet.operator.log.roster().members.get(victim.peerId), undefined);
    const { request: honest } = await request(fleet, victim, await invite(fleet.operator));
    await admitAndStore(fleet.operator.log, honest, { remote: victim.peerId, now: START });
    assert.equal(fleet.operator.log.roster().members.get(victim.peerId)?.ageRecipient, victim.ageRecipient);
  });

  it('refuses a request whose sender is not the machine of its member record (T2)', async () => {
    const fleet = await fleetOf('office');
    const [ann, thief] = [await machine('ann'), await machine('thief')];
    const { request: stolen } = await request(fleet, ann, await invite(fleet.operator));
    await assert.rejects(
      admitAndStore(fleet.operator.log, stolen, { remote: thief.peerId, now: START }),
      failsWith('refused', /of another machine/),
    );
  });

  it('refuses a join signature that is not of the invite, or is for another recipient (T2)', async () => {
    const fleet = await fleetOf('office');
    const [ann, other] = [await machine('ann'), await machine('other')];
    const { parsed, request: honest } = await request(fleet, ann, await invite(fleet.operator));
    for (const [key, recipient] of [
      [other.key, ann.ageRecipient],
      [parsed.inviteKey, recipientOf('x')],
    ] as const) {
      const joinSignature = await signJoin(key, parsed.invite, ann.peerId, recipient);
      await assert.rejects(
        admitAndStore(fleet.operator.log, { ...honest, joinSignature }, { remote: ann.peerId, now: START }),
        failsWith('bad-invite', /not signed with its key/),
      );
    }
  });

  it('refuses an expired invite, by the admitter’s clock and by the newest authority-signed time (T5)', async () => {
    const fleet = await fleetOf('office');
    const ann = await machine('ann');
    const token = await invite(fleet.operator, { expiresInMs: DAY_MS });
    const { parsed, request: late } = await request(fleet, ann, token);
    await checkInvite(parsed, START + DAY_MS);
    await assert.rejects(checkInvite(parsed, START + DAY_MS + 1), failsWith('bad-invite', /expired at 2026-01-02/));
    const context = { remote: ann.peerId, now: START + DAY_MS + 1 };
    await assert.rejects(admitAndStore(fleet.operator.log, late, context), failsWith('bad-invite', /expired/));
    // The clock is set back, but the authority has signed something later.
    fleet.operator.clock.set(START + 2 * DAY_MS);
    const { body } = [...fleet.operator.log.records()].find((record) => record.body.type === 'fleet')!;
    await fleet.operator.log.appendSignedBy(fleet.authorityKey, body);
    await assert.rejects(
      admitAndStore(fleet.operator.log, late, { remote: ann.peerId, now: START }),
      failsWith('bad-invite', /expired/),
    );
  });

  it('takes no admission that says it came after the invite had ended (T5)', async () => {
    const fleet = await fleetOf('office');
    const [ann, bob] = [await machine('ann'), await machine('bob')];
    await join(ann, fleet.operator, await invite(fleet.operator));
    const parsed = await parseInviteToken(await invite(fleet.operator, { expiresInMs: DAY_MS }));
    const admission: AdmissionBody = {
      type: 'admission',
      peerId: bob.peerId,
      ageRecipient: bob.ageRecipient,
      role: 'member',
      invite: parsed.envelope,
      admittedAt: START + DAY_MS + 1,
      joinSignature: await signJoin(parsed.inviteKey, parsed.invite, bob.peerId, bob.ageRecipient),
    };
    await assert.rejects(forge(ann.key, fleet.fleetId, admission), failsWith('refused', /had expired/));
    await forge(ann.key, fleet.fleetId, { ...admission, admittedAt: START + DAY_MS });
  });

  it('refuses invites of members, of strangers, and of operators for operators (T5)', async () => {
    const fleet = await fleetOf('office');
    const [ann, bob, stranger] = [await machine('ann'), await machine('bob'), await machine('stranger')];
    await join(ann, fleet.operator, await invite(fleet.operator));
    await assert.rejects(invite(ann), failsWith('refused', /not an operator/));
    await assert.rejects(invite(fleet.operator, { role: 'operator' }), failsWith('refused', /only the authority/));
    const honest = await parseInviteToken(await invite(fleet.operator));
    for (const [issuer, role] of [
      [ann, 'member'],
      [stranger, 'member'],
      [fleet.operator, 'operator'],
    ] as const) {
      const { issuer: _, ...terms } = { ...honest.invite, role };
      const envelope = await signInvite(terms, issuer.key);
      const token = { ...honest, envelope, invite: { ...honest.invite, role, issuer: issuer.peerId } };
      await assert.rejects(checkInvite(token, START), failsWith('bad-invite', /not signed by somebody who may invite/));
      bob.log.joinFleet(fleet.fleetId);
      const forged = await createJoinRequest(bob.log, token, memberBody(bob));
      await assert.rejects(
        admitAndStore(fleet.operator.log, forged, { remote: bob.peerId, now: START }),
        failsWith('bad-invite', /not signed by somebody who may invite/),
      );
      // A dishonest member who signs the admission all the same is refused by every log.
      const admission: AdmissionBody = {
        type: 'admission',
        peerId: bob.peerId,
        ageRecipient: bob.ageRecipient,
        role,
        invite: envelope,
        admittedAt: START,
        joinSignature: forged.joinSignature,
      };
      const record = await forge(ann.key, fleet.fleetId, admission);
      const { added, refused } = await fleet.operator.log.insert([record.envelope, forged.member]);
      assert.equal(added, 0);
      assert.equal(refused.length, 2);
    }
  });

  it('refuses a member that admits an operator (T5)', async () => {
    const fleet = await fleetOf('office');
    const [ann, bob] = [await machine('ann'), await machine('bob')];
    await join(ann, fleet.operator, await invite(fleet.operator));
    const token = await invite(fleet.operator, { role: 'operator', issuerKey: fleet.authorityKey });
    const { request: honest } = await request(fleet, bob, token);
    await assert.rejects(
      admitAndStore(ann.log, honest, { remote: bob.peerId, now: START }),
      failsWith('refused', /may not admit an operator/),
    );
    // Signed all the same: no log takes it, and no roster counts it.
    const admission = await forge(ann.key, fleet.fleetId, {
      type: 'admission',
      peerId: bob.peerId,
      ageRecipient: bob.ageRecipient,
      role: 'operator',
      invite: honest.invite,
      admittedAt: START,
      joinSignature: honest.joinSignature,
    });
    assert.equal((await fleet.operator.log.insert([admission.envelope, honest.member])).added, 0);
    const all = [...fleet.operator.log.records(), admission, await verifyRecord(honest.member)];
    assert.equal(computeRoster(all, fleet.fleetId).members.get(bob.peerId), undefined);
    const byOperator = await forge(fleet.operator.key, fleet.fleetId, admission.body);
    assert.equal(computeRoster([...all, byOperator], fleet.fleetId).members.get(bob.peerId)?.role, 'operator');
    // An operator's invite for an operator counts for nothing either, whoever admits on it.
    const parsed = await parseInviteToken(token);
    const { issuer: _, ...terms } = parsed.invite;
    const own = await signInvite(terms, fleet.operator.key);
    const onOwn = await forge(fleet.operator.key, fleet.fleetId, { ...admission.body, invite: own } as AdmissionBody);
    assert.equal(computeRoster([...all, onOwn], fleet.fleetId).members.get(bob.peerId), undefined);
  });

  it('refuses a second machine on a spent invite (T5)', async () => {
    const fleet = await fleetOf('office');
    const [ann, bob] = [await machine('ann'), await machine('bob')];
    const token = await invite(fleet.operator);
    await join(ann, fleet.operator, token);
    await assert.rejects(join(bob, fleet.operator, token), failsWith('bad-invite', /used up/));
    const twice = await invite(fleet.operator);
    const requests = [await request(fleet, bob, twice), await request(fleet, await machine('cy'), twice)];
    const remotes = [bob.peerId, (await machine('cy')).peerId];
    const at = { now: START };
    const results = await Promise.allSettled(
      requests.map((each, i) => admitAndStore(fleet.operator.log, each.request, { ...at, remote: remotes[i]! })),
    );
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected'],
    );
  });

  it('keeps the first and suspends the second where two partitions spent one invite (T5)', async () => {
    const fleet = await fleetOf('office');
    const [left, right, ann, bob] = [
      await machine('left'),
      await machine('right'),
      await machine('ann'),
      await machine('bob'),
    ];
    await join(left, fleet.operator, await invite(fleet.operator));
    await join(right, fleet.operator, await invite(fleet.operator));
    const token = await invite(fleet.operator);
    left.clock.set(START + 2000);
    right.clock.set(START + 1000);
    await join(ann, left, token);
    await join(bob, right, token);
    assert.equal(left.log.roster().members.get(ann.peerId)?.status, 'active');
    await sync(left, right);
    for (const side of [left, right]) {
      assert.equal(side.log.roster().members.get(bob.peerId)?.status, 'active', side.name);
      assert.equal(side.log.roster().members.get(ann.peerId)?.status, 'suspended', side.name);
      assert.match(side.log.roster().problems[0]!.message, /used up/);
    }
    await sync(ann, left);
    await assert.rejects(ann.log.append(memberAssociation(ann, bob)), failsWith('not-a-member', /suspended/));
  });
});

function memberAssociation(source: Machine, destination: Machine) {
  const parties = { source: source.peerId, destination: destination.peerId };
  return plainAssociation({ ...parties, mode: 'side-by-side', nonce: '00'.repeat(16) });
}

function header(fleet: Fleet) {
  return { fleetId: fleet.fleetId, epoch: 'ee'.repeat(8), sequence: 1, previous: null, time: START };
}
