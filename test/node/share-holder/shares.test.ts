import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { afterEach, describe, it } from 'node:test';
import { generateX25519Identity } from 'age-encryption';
import { ResettleError } from '../../../src/common/errors.ts';
import type { AssociationId, PeerIdText, StateId } from '../../../src/common/ids.ts';
import { readDealt } from '../../../src/node/roles/share-holder/dealt-file.ts';
import {
  distributeShares,
  forgetOlderShares,
  type GivenShares,
  gatherShares,
  retireShares,
} from '../../../src/node/roles/share-holder/index.ts';
import { judge } from '../../../src/node/roles/source/safety/evidence.ts';
import { SharesClient } from '../../../src/protocols/shares/shares.ts';
import { keyCheckValue, newStateId, wrapStateKey } from '../../../src/state/format/index.ts';
import { dealShares, readDeal, signRelease } from '../../../src/state/keys/index.ts';
import { parseInviteToken, plainEvent } from '../../../src/state/records/index.ts';
import { type Desk, Office, type Plan, silent, type TicketKeys } from './support/office.ts';

const never = new AbortController().signal;

interface Capture {
  readonly state: StateId;
  readonly key: Uint8Array;
}

const newCapture = (source: Desk): Capture => ({
  state: newStateId(source.self, randomBytes(32)),
  key: new Uint8Array(randomBytes(32)),
});

async function distribute(
  source: Desk,
  plan: Plan,
  capture: Capture,
  more: { stateHolders?: ReadonlySet<PeerIdText>; hasOtherWay?: boolean } = {},
): Promise<GivenShares | undefined> {
  const given = await distributeShares(
    {
      fleet: source,
      home: source.home,
      privateKey: source.machine.key,
      random: source.machine.random,
      log: silent,
      association: source.association(plan.id),
      state: capture.state,
      stateKey: capture.key,
      stateHolders: more.stateHolders ?? new Set(),
      hasOtherWay: more.hasOtherWay ?? false,
    },
    never,
  );
  await source.refresh();
  return given;
}

function gather(desk: Desk, ticket: TicketKeys, plan: Plan, capture: Capture): Promise<Uint8Array> {
  return gatherShares(
    {
      fleet: desk,
      association: desk.association(plan.id),
      state: capture.state,
      ticket,
      ageIdentity: desk.ageIdentity,
      keyCheck: keyCheckValue(capture.key, capture.state),
    },
    never,
  );
}

const shareEvents = (desk: Desk, id: AssociationId) =>
  desk.events(id).flatMap(({ signer, body }) => (body.step === 'share' ? [{ signer, ...body }] : []));

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ResettleError, String(error));
  assert.equal(error.code, 'refused', error.message);
  assert.match(error.message, pattern);
  return true;
};

let office: Office;
afterEach(() => office.close());

describe('shares of a move in place', () => {
  it('bring the key to the machine that was installed anew, and are published, kept durably and given once', async () => {
    office = await Office.open('whole', ['ann', 'bob', 'cleo', 'dan', 'eve']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    const given = (await distribute(ann, plan, capture))!;
    assert.deepEqual([given.needed, given.total], [3, 5]);
    assert.equal(new Set(given.holders.map(({ peerId }) => peerId)).size, 5);
    assert.ok(given.holders.every(({ peerId, confirmed }) => peerId !== ann.self && confirmed));
    const kept = shareEvents(ann, plan.id);
    assert.deepEqual(
      new Map(kept.map(({ signer, proof }) => [signer, proof])),
      new Map(given.holders.map(({ peerId, proof }) => [peerId, proof])),
    );
    assert.ok(kept.every(({ phase }) => phase === 'kept'));
    const bob = office.desk('bob');
    const [file] = readdirSync(bob.home.path('shares'));
    assert.equal(file, `${plan.id}-${capture.state}.json`);
    assert.equal(statSync(bob.home.path('shares', file)).mode & 0o777, 0o600);

    // The wiped machine is off, and so are two of the holders.
    ann.online = false;
    for (const name of ['bob', 'cleo']) office.desk(name).online = false;
    const { desk, ticket } = await office.reimage('whole ann2', plan);
    assert.equal(desk.association(plan.id).destination, desk.self);
    assert.deepEqual(await gather(desk, ticket, plan, capture), capture.key);
    assert.deepEqual(await gather(desk, ticket, plan, capture), capture.key, 'the same machine may ask again');
    await office.syncAll();
    const released = shareEvents(desk, plan.id).filter(({ phase }) => phase === 'released');
    assert.equal(released.length, 3);
    assert.ok(released.every(({ peers }) => peers[0] === desk.self));
  });

  it('come together from any k of n, whoever is gone', async () => {
    office = await Office.open('any', ['ann', 'bob', 'cleo', 'dan']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    const given = (await distribute(ann, plan, capture))!;
    assert.deepEqual([given.needed, given.total], [3, 4]);
    const { desk, ticket } = await office.reimage('any ann2', plan);
    for (const { peerId } of given.holders) {
      const gone = office.desks.find(({ self }) => self === peerId)!;
      gone.online = false;
      assert.deepEqual(await gather(desk, ticket, plan, capture), capture.key);
      gone.online = true;
    }
    for (const { peerId } of given.holders.slice(0, 2))
      office.desks.find(({ self }) => self === peerId)!.online = false;
    await assert.rejects(gather(desk, ticket, plan, capture), (error) => {
      assert.ok(error instanceof ResettleError);
      assert.equal(error.code, 'failed');
      assert.match(error.message, /2 of 4 .* 3 are needed/);
      assert.equal(error.message.match(/cannot be reached/g)?.length, 2);
      return true;
    });
  });

  it('are given to nobody without the ticket: not to members, not to all holders together, not by a point alone', async () => {
    office = await Office.open('nobody', ['ann', 'bob', 'cleo', 'dan', 'mallory']);
    const ann = office.desk('ann');
    const mallory = office.desk('mallory');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    await distribute(ann, plan, capture, { stateHolders: new Set([mallory.self]) });
    // A member that never had the ticket, with a key of its own and one that it made up.
    const madeUp = { inviteKey: mallory.machine.key, identity: await generateX25519Identity() };
    await assert.rejects(gather(mallory, madeUp, plan, capture), refused(/ticket is not for this association/));
    await assert.rejects(
      gather(mallory, { ...madeUp, identity: plan.identity }, plan, capture),
      refused(/not the destination/),
    );
    // Holders that conspire have an age file for the ticket key, and nothing else.
    const { combineShares, readDeal } = await import('../../../src/state/keys/index.ts');
    const { readDealt } = await import('../../../src/node/roles/share-holder/dealt-file.ts');
    const dealt = readDealt(ann.home, plan.id)!;
    const sealed = await combineShares(
      readDeal(dealt.deal),
      dealt.shares.map(({ share }) => share),
    );
    assert.match(Buffer.from(sealed).toString('latin1'), /^age-encryption\.org\/v1\n-> X25519/);
    assert.ok(!Buffer.from(sealed).includes(Buffer.from(capture.key)));
    // The point that holds the state was not given a share at all, and nobody else keeps one for it.
    assert.ok(!existsSync(mallory.home.path('shares')));
    assert.ok(!shareEvents(ann, plan.id).some(({ signer }) => signer === mallory.self));
    // The ticket's text alone, in the hands of a member that did not join with it.
    const stolen = await parseInviteToken(await office.ticket(plan));
    const keys = { inviteKey: stolen.inviteKey, identity: stolen.ticketIdentity! };
    await assert.rejects(gather(mallory, keys, plan, capture), refused(/not the destination/));
  });

  it('are not given when the ticket is used a second time', async () => {
    office = await Office.open('second', ['ann', 'bob', 'cleo', 'dan']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    await distribute(ann, plan, capture);
    const token = await office.ticket(plan);
    const { desk, ticket } = await office.reimage('second ann2', plan, token);
    assert.deepEqual(await gather(desk, ticket, plan, capture), capture.key);
    await assert.rejects(office.reimage('second thief', plan, token), { code: 'bad-invite' });
    office.boss.machine.clock.set(office.boss.machine.clock.now() + 60_000);
    // Another ticket of the same association lets a machine in, and gives it nothing.
    const { desk: late, ticket: another } = await office.reimage('second late', plan);
    await assert.rejects(gather(late, another, plan, capture), refused(/not the destination/));
    // Not even where its records were to say that it is: what was given stays given, after a restart too.
    const bob = office.desk('bob');
    await bob.startHolder();
    const real = bob.machine.log.roster.bind(bob.machine.log);
    const lying = { ...desk.association(plan.id), destination: late.self };
    bob.machine.log.roster = () => ({ ...real(), associations: new Map([[plan.id, lying]]) });
    const client = new SharesClient(await late.connectTo(bob.self, never), 'bob');
    const about = { association: plan.id, state: capture.state };
    await assert.rejects(client.nonce(about, never), refused(/given to second ann2 already/));
  });

  it('are given by holders that did not know the association until records were exchanged, nor the destination until it greeted', async () => {
    office = await Office.open('late', ['ann', 'bob', 'cleo']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann, {}, { spread: false });
    const capture = newCapture(ann);
    assert.equal((await distribute(ann, plan, capture))?.total, 3);
    await office.syncAll();
    const { desk, ticket } = await office.reimage('late ann2', plan, await office.ticket(plan), { spread: false });
    // What a greeting shows is enough.
    const credential = office.boss.machine.log.credential(desk.self);
    for (const name of ['bob', 'cleo']) await office.desk(name).machine.log.insert(credential);
    await desk.machine.log.insert([...office.boss.machine.log.records()].map(({ envelope }) => envelope));
    assert.deepEqual(await gather(desk, ticket, plan, capture), capture.key);
  });

  it('want a fresh nonce, used once, and a signature over all that they are for', async () => {
    office = await Office.open('nonce', ['ann', 'bob', 'cleo', 'dan']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    await distribute(ann, plan, capture);
    const { desk, ticket } = await office.reimage('nonce ann2', plan);
    const bob = office.desk('bob');
    const about = { association: plan.id, state: capture.state };
    const client = new SharesClient(await desk.connectTo(bob.self, never), 'bob');
    const sign = (nonce: Uint8Array, changes: Partial<Parameters<typeof signRelease>[1]> = {}) =>
      signRelease(ticket.inviteKey, { ...about, nonce, holder: bob.self, requester: desk.self, ...changes });
    const release = async (nonce: Uint8Array, signature: Uint8Array) =>
      await client.release({ ...about, nonce, signature }, never);

    const wrong = [
      { holder: office.desk('cleo').self },
      { requester: bob.self },
      { association: 'ee'.repeat(32) as AssociationId },
      { state: 'ee'.repeat(32) as StateId },
      { nonce: randomBytes(32) },
    ];
    for (const changes of wrong) {
      const nonce = await client.nonce(about, never);
      await assert.rejects(
        release(nonce, await sign(nonce, changes)),
        refused(/not signed with the key of the ticket/),
      );
      await assert.rejects(
        release(nonce, await sign(nonce)),
        refused(/not fresh/),
        'a nonce is used up by a failure too',
      );
    }
    const own = await client.nonce(about, never);
    const by = await signRelease(desk.machine.key, { ...about, nonce: own, holder: bob.self, requester: desk.self });
    await assert.rejects(release(own, by), refused(/not signed/));
    const made = randomBytes(32);
    await assert.rejects(release(made, await sign(made)), refused(/not fresh/));
    assert.equal(shareEvents(bob, plan.id).find(({ signer }) => signer === bob.self)!.phase, 'kept');

    const late = await client.nonce(about, never);
    bob.machine.clock.set(bob.machine.clock.now() + 61_000);
    await assert.rejects(release(late, await sign(late)), refused(/not fresh/));
    const good = await client.nonce(about, never);
    assert.equal((await release(good, await sign(good))).length, 1);
    await assert.rejects(release(good, await sign(good)), refused(/not fresh/));
    for (let given = 0; given < 4; given += 1) await client.nonce(about, never);
    await assert.rejects(client.nonce(about, never), refused(/too many/));
  });

  it('do not leave before it is on the disk to whom they go', async () => {
    office = await Office.open('disk', ['ann', 'bob', 'cleo']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    await distribute(ann, plan, capture);
    const { desk, ticket } = await office.reimage('disk ann2', plan);
    const bob = office.desk('bob');
    const about = { association: plan.id, state: capture.state };
    const client = new SharesClient(await desk.connectTo(bob.self, never), 'bob');
    const release = async () => {
      const nonce = await client.nonce(about, never);
      const terms = { ...about, nonce, holder: bob.self, requester: desk.self };
      return await client.release({ ...about, nonce, signature: await signRelease(ticket.inviteKey, terms) }, never);
    };
    const { write } = bob.home;
    bob.home.write = () => {
      throw new Error('no space left on the disk');
    };
    await assert.rejects(release(), { code: 'failed' });
    assert.equal(shareEvents(bob, plan.id).find(({ signer }) => signer === bob.self)!.phase, 'kept');
    bob.home.write = write;
    // The event may be late, the file may not.
    const { append } = bob;
    bob.append = () => Promise.reject(new Error('killed'));
    assert.equal((await release()).length, 1);
    const file = bob.home.read('shares', `${plan.id}-${capture.state}.json`)!.toString();
    assert.ok(file.includes(`"releasedTo":"${desk.self}"`));
    bob.append = append;
    await bob.startHolder();
    const said = shareEvents(bob, plan.id).find(({ signer }) => signer === bob.self)!;
    assert.deepEqual([said.phase, said.peers], ['released', [desk.self]]);
  });

  it('that are wrong are found at once, and the liar is named', async () => {
    office = await Office.open('liar', ['ann', 'bob', 'cleo', 'dan']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann, { shares: { needed: 2, total: 3 } });
    const capture = newCapture(ann);
    const given = (await distribute(ann, plan, capture))!;
    assert.deepEqual([given.needed, given.total], [2, 3]);
    const [liar, honest, other] = given.holders.map(({ peerId }) => office.desks.find(({ self }) => self === peerId)!);
    const answer = liar!.holder.onSharesRequest.bind(liar!.holder);
    liar!.holder.onSharesRequest = async (request, remote) => {
      const { shares = [], ...rest } = await answer(request, remote);
      const sealed = await wrapStateKey(new Uint8Array(32), desk.machine.ageRecipient);
      return { ...rest, shares: shares.map(({ deal }) => ({ deal, sealed })) };
    };
    const { desk, ticket } = await office.reimage('liar ann2', plan);
    assert.deepEqual(await gather(desk, ticket, plan, capture), capture.key, 'two honest ones are enough');
    other!.online = false;
    await assert.rejects(gather(desk, ticket, plan, capture), (error) => {
      assert.ok(error instanceof ResettleError);
      assert.match(error.message, new RegExp(`${liar!.machine.name}: its share is not right`));
      assert.ok(!error.message.includes(honest!.machine.name));
      return true;
    });
    // Nor does it help to say that one keeps a share: what the source did not sign counts for nothing.
    const stranger = office.boss;
    const foreign = await dealShares(new Uint8Array(64), {
      association: plan.id,
      state: capture.state,
      terms: { needed: 2, total: 2 },
      privateKey: stranger.machine.key,
      random: stranger.machine.random,
    });
    const client = new SharesClient(await stranger.connectTo(honest!.self, never), 'honest');
    await assert.rejects(client.put({ deal: foreign.deal.bytes, share: foreign.shares[0]! }, never), refused(/source/));
  });

  it('of a key that is not the snapshot’s do not pass', async () => {
    office = await Office.open('check', ['ann', 'bob', 'cleo']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    await distribute(ann, plan, { ...capture, key: new Uint8Array(randomBytes(32)) });
    const { desk, ticket } = await office.reimage('check ann2', plan);
    await assert.rejects(gather(desk, ticket, plan, capture), { code: 'damaged' });
  });
});

describe('who keeps a share', () => {
  it('is neither the source, nor on its machine, nor a holder of the state; machines of their own come first', async () => {
    office = await Office.open('who', ['ann', 'bob', 'cleo', 'dan', 'eve', 'fay']);
    const ann = office.desk('ann');
    const claims: Record<string, string> = { ann: '11', bob: '11', cleo: '22', dan: '22', eve: '33' };
    for (const [name, claim] of Object.entries(claims)) {
      const { machine } = office.desk(name);
      const own = machine.log.roster().members.get(machine.peerId)!;
      await machine.log.append({
        type: 'member',
        peerId: machine.peerId,
        ageRecipient: machine.ageRecipient,
        name: own.name,
        point: false,
        addresses: [],
        acceptsOperators: false,
        machine: claim.repeat(16),
      });
    }
    office.desk('fay').states.add('ff'.repeat(32) as StateId);
    const plan = await office.inPlace(ann, { shares: { needed: 2, total: 3 } });
    const capture = { state: 'ff'.repeat(32) as StateId, key: new Uint8Array(randomBytes(32)) };
    const given = (await distribute(ann, plan, capture))!;
    const names = given.holders.map(({ peerId }) => office.desks.find(({ self }) => self === peerId)!.machine.name);
    assert.ok(!names.some((name) => /ann|bob|fay/.test(name)), names.join());
    assert.equal(names.filter((name) => /cleo|dan/.test(name)).length, 1, names.join());
    assert.equal(names.length, 3);
    assert.ok(office.desk('eve').holder.keepsShareOf(capture.state));
    assert.ok(!office.desk('fay').holder.keepsShareOf(capture.state));
  });

  it('are two at least: with fewer it fails, or goes without shares where there is another way', async () => {
    office = await Office.open('few', ['ann', 'bob']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    office.desk('bob').online = false;
    await assert.rejects(distribute(ann, plan, capture), (error) => {
      assert.ok(error instanceof ResettleError);
      assert.equal(error.code, 'failed', 'bob may be there the next time');
      assert.match(error.message, /two members at least .* 1 can; few bob cannot be reached/);
      assert.match(error.hint!, /recovery code/);
      return true;
    });
    assert.equal(await distribute(ann, plan, capture, { hasOtherWay: true }), undefined);
    assert.deepEqual(shareEvents(ann, plan.id), []);
    office.desk('bob').online = true;
    assert.deepEqual((await distribute(ann, plan, capture))!.needed, 2);
  });

  it('is asked by the source of an association with a ticket, and by nobody else', async () => {
    office = await Office.open('asked', ['ann', 'bob', 'cleo', 'dan']);
    const [ann, bob, cleo] = ['ann', 'bob', 'cleo'].map((name) => office.desk(name)) as [Desk, Desk, Desk];
    const plan = await office.inPlace(ann);
    const plain = await office.inPlace(ann, { ticketRecipient: null, ticketSealed: null, nonce: '0b'.repeat(16) });
    const { state } = newCapture(ann);
    const client = new SharesClient(await cleo.connectTo(bob.self, never), 'bob');
    await assert.rejects(client.offer({ association: plan.id, state }, never), refused(/not the source/));
    const own = new SharesClient(await ann.connectTo(bob.self, never), 'bob');
    await assert.rejects(own.offer({ association: plain.id, state }, never), refused(/no ticket/));
    await own.offer({ association: plan.id, state }, never);
    await assert.rejects(own.offer({ association: 'zz', state }, never), { code: 'usage' });
    await assert.rejects(own.put({ deal: new Uint8Array(9), share: new Uint8Array(9) }, never), { code: 'damaged' });
    const { deal, shares } = await dealShares(new Uint8Array(64), {
      association: plan.id,
      state,
      terms: { needed: 2, total: 2 },
      privateKey: ann.machine.key,
      random: ann.machine.random,
    });
    const bad = Uint8Array.from(shares[0]!);
    bad[0]! ^= 1;
    await assert.rejects(own.put({ deal: deal.bytes, share: bad }, never), { code: 'damaged' });
    await assert.rejects(own.settle({ association: plan.id, state, deal: deal.id, forgetOlder: false }, never), {
      code: 'not-found',
    });
    // A source has sixteen at most with one holder.
    for (let count = 0; count < 16; count += 1) {
      const { state: another } = newCapture(ann);
      const made = await dealShares(new Uint8Array(64), {
        association: plan.id,
        state: another,
        terms: { needed: 2, total: 2 },
        privateKey: ann.machine.key,
        random: ann.machine.random,
      });
      await own.put({ deal: made.deal.bytes, share: made.shares[0]! }, never);
    }
    await assert.rejects(own.put({ deal: deal.bytes, share: shares[0]! }, never), refused(/keeps 16 shares of yours/));
    await bob.startHolder();
    await assert.rejects(own.offer({ association: plan.id, state }, never), refused(/keeps 16 shares of yours/));
  });
});

describe('a laboratory that is installed anew in one evening', () => {
  const names = (given: GivenShares): string =>
    given.holders
      .map(({ peerId }) =>
        office.desks
          .find(({ self }) => self === peerId)!
          .machine.name.split(' ')
          .at(-1),
      )
      .sort()
      .join();

  it('leaves the shares with machines that stay, however few; where they do not suffice the others keep some, too', async () => {
    office = await Office.open('lab', ['ann', 'bob', 'cleo', 'dan', 'eve']);
    const nonce = (text: string): { nonce: string } => ({ nonce: text.repeat(16) });
    const plans = new Map<string, Plan>();
    for (const [index, name] of ['ann', 'bob', 'cleo', 'dan'].entries()) {
      plans.set(name, await office.inPlace(office.desk(name), nonce(`0${index}`)));
    }
    const ann = office.desk('ann');
    const capture = newCapture(ann);
    const first = (await distribute(ann, plans.get('ann')!, capture))!;
    assert.deepEqual([first.needed, first.total, names(first)], [2, 2, 'eve,operator']);
    assert.deepEqual(
      office
        .desk('eve')
        .holder.kept()
        .map(({ needed, hashes }) => [needed, hashes.length]),
      [[2, 2]],
    );
    // All are wiped; the first of them comes back.
    for (const name of ['bob', 'cleo', 'dan']) office.desk(name).online = false;
    const { desk, ticket } = await office.reimage('lab ann2', plans.get('ann')!);
    assert.deepEqual(await gather(desk, ticket, plans.get('ann')!, capture), capture.key);

    for (const name of ['bob', 'cleo', 'dan']) office.desk(name).online = true;
    office.desk('eve').online = false;
    desk.online = false;
    const bob = office.desk('bob');
    const second = (await distribute(bob, plans.get('bob')!, newCapture(bob)))!;
    assert.match(names(second), /^cleo,dan,operator$|^ann,cleo,dan,operator$/, 'one that stays is too few');
  });

  it('is not safe to wipe as long as others need the share that is on it', async () => {
    office = await Office.open('need', ['ann', 'bob', 'cleo', 'dan']);
    const [ann, bob, cleo] = ['ann', 'bob', 'cleo'].map((name) => office.desk(name)) as [Desk, Desk, Desk];
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    await distribute(ann, plan, capture);
    const about = { association: plan.id, state: capture.state, snapshot: 1, descriptorHash: '00'.repeat(32) };
    await ann.append(plainEvent({ ...about, step: 'commit', phase: 'stored' }));
    const bobs = await office.inPlace(bob, { nonce: '0b'.repeat(16) });
    /** What stands against wiping bob, of whom nothing is stored and nothing needed. */
    const against = (): string => {
      const ground = { fleet: bob, clock: bob.machine.clock, keptShares: () => bob.holder.kept() };
      const nothing = {
        snapshot: 1,
        bytes: 0,
        skipped: 0,
        machine: null,
        points: [],
        shares: null,
        reads: [],
        trial: null,
      };
      const receipt = { association: bobs.id, state: capture.state, descriptorHash: '11'.repeat(32), ...nothing };
      return judge(ground, bob.association(bobs.id), receipt, 0).missing.join('; ');
    };
    assert.doesNotMatch(against(), /without the share/, 'three others have one, and three are needed');
    await office.inPlace(cleo, { nonce: '0c'.repeat(16) });
    assert.match(against(), /without the share that this machine keeps, need ann cannot get its state back/);
    const { desk } = await office.reimage('need ann2', plan);
    await desk.append(plainEvent({ ...about, step: 'restore', phase: 'restored' }));
    await office.syncAll();
    assert.doesNotMatch(against(), /without the share/, 'it has its state');
  });

  it('is told when its share is of no more use, and is not needed for that state any more', async () => {
    office = await Office.open('told', ['ann', 'bob', 'cleo', 'dan']);
    const [ann, cleo, dan] = ['ann', 'cleo', 'dan'].map((name) => office.desk(name)) as [Desk, Desk, Desk];
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    assert.equal(names((await distribute(ann, plan, capture))!), 'bob,cleo,dan,operator');
    await office.inPlace(cleo, { nonce: '0b'.repeat(16) });
    const retire = (): Promise<boolean> =>
      retireShares({ fleet: ann, home: ann.home, log: silent, association: plan.id }, never);
    assert.equal(await retire(), true, 'there is nothing to be told yet');
    assert.equal(cleo.holder.kept().length, 1);
    cleo.online = false;
    assert.equal(names((await distribute(ann, plan, capture))!), 'bob,dan,operator');
    assert.equal(await retire(), false, 'cleo is off');
    assert.deepEqual([cleo.holder.kept().length, dan.holder.kept().length], [1, 1]);
    cleo.online = true;
    assert.equal(await retire(), true);
    assert.deepEqual([cleo.holder.kept().length, dan.holder.kept().length], [0, 1]);
    await cleo.startHolder();
    assert.equal(cleo.holder.kept().length, 0);
    assert.equal(await retire(), true);
    const { desk, ticket } = await office.reimage('told ann2', plan);
    assert.deepEqual(await gather(desk, ticket, plan, capture), capture.key);
  });

  it('erases a share for its source only, and only that of the deal that is named', async () => {
    office = await Office.open('named', ['ann', 'bob', 'cleo', 'dan']);
    const [ann, bob] = [office.desk('ann'), office.desk('bob')];
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    await distribute(ann, plan, capture);
    const about = { association: plan.id, state: capture.state };
    const deal = readDealt(ann.home, plan.id)!.deal;
    const { id } = readDeal(deal);
    const askBob = async (desk: Desk): Promise<SharesClient> =>
      new SharesClient(await desk.connectTo(bob.self, never), 'bob');
    await (await askBob(office.desk('cleo'))).retire({ ...about, deal: id }, never);
    await (await askBob(ann)).retire({ ...about, deal: 'ab'.repeat(16) }, never);
    assert.equal(bob.holder.kept().length, 1);
    const half = await dealShares(await wrapStateKey(capture.key, ann.association(plan.id).body.ticketRecipient!), {
      ...about,
      terms: { needed: 2, total: 3 },
      privateKey: ann.machine.key,
      random: ann.machine.random,
    });
    await (await askBob(ann)).put({ deal: half.deal.bytes, share: half.shares[0]! }, never);
    await (await askBob(ann)).retire({ ...about, deal: id }, never);
    assert.deepEqual(
      bob.holder.kept().map(({ hashes }) => hashes),
      [half.deal.hashes],
      'a new share that was not settled stays',
    );
    // What went to a destination stays known: it is given once.
    const { desk, ticket } = await office.reimage('named ann2', plan);
    assert.deepEqual(await gather(desk, ticket, plan, capture), capture.key);
    const dan = office.desk('dan');
    await new SharesClient(await ann.connectTo(dan.self, never), 'dan').retire({ ...about, deal: id }, never);
    const released = dan.holder.kept().length;
    assert.equal(released, 1);
  });

  it('deals anew where one of the holders is to go since', async () => {
    office = await Office.open('since', ['ann', 'bob', 'cleo', 'dan']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    const first = (await distribute(ann, plan, capture))!;
    assert.equal(names(first), 'bob,cleo,dan,operator');
    await office.inPlace(office.desk('cleo'), { nonce: '0b'.repeat(16) });
    const second = (await distribute(ann, plan, capture))!;
    assert.equal(names(second), 'bob,dan,operator');
  });
});

describe('a capture that is run again', () => {
  it('goes on with the same shares, and publishes nothing anew', async () => {
    office = await Office.open('again', ['ann', 'bob', 'cleo', 'dan']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann, { shares: { needed: 2, total: 3 } });
    const capture = newCapture(ann);
    const first = (await distribute(ann, plan, capture))!;
    const before = ann.events(plan.id).map(({ time, signer }) => `${signer} ${time}`);
    for (const desk of office.desks) {
      desk.machine.clock.set(desk.machine.clock.now() + 1000);
      await desk.startHolder();
    }
    assert.deepEqual(await distribute(ann, plan, capture), first);
    assert.deepEqual(
      ann.events(plan.id).map(({ time, signer }) => `${signer} ${time}`),
      before,
    );
    // One is off: what it said before still counts.
    office.desks.find(({ self }) => self === first.holders[0]!.peerId)!.online = false;
    for (const desk of office.desks) if (!first.holders.some(({ peerId }) => peerId === desk.self)) desk.online = false;
    const third = (await distribute(ann, plan, capture))!;
    assert.deepEqual(
      third.holders.map(({ proof }) => proof),
      first.holders.map(({ proof }) => proof),
    );
    assert.deepEqual(
      third.holders.map(({ confirmed }) => confirmed),
      [false, true, true],
    );
  });

  it('deals anew where a holder must not be one any more, or where there are more; both deals open the key meanwhile', async () => {
    office = await Office.open('anew', ['ann', 'bob', 'cleo', 'dan']);
    const ann = office.desk('ann');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    for (const name of ['dan']) office.desk(name).online = false;
    const first = (await distribute(ann, plan, capture))!;
    assert.deepEqual([first.needed, first.total], [2, 3]);
    office.desk('dan').online = true;
    const second = (await distribute(ann, plan, capture))!;
    assert.deepEqual([second.needed, second.total], [3, 4]);
    const without = new Set([second.holders[0]!.peerId]);
    const third = (await distribute(ann, plan, capture, { stateHolders: without }))!;
    assert.ok(!third.holders.some(({ peerId }) => without.has(peerId)));
    // A deal that was cut off half-way: one holder has a new share, none is settled.
    const half = await dealShares(await wrapStateKey(capture.key, ann.association(plan.id).body.ticketRecipient!), {
      association: plan.id,
      state: capture.state,
      terms: { needed: 2, total: 3 },
      privateKey: ann.machine.key,
      random: ann.machine.random,
    });
    const one = third.holders[0]!.peerId;
    const client = new SharesClient(await ann.connectTo(one, never), 'one');
    await client.put({ deal: half.deal.bytes, share: half.shares[0]! }, never);
    await office.syncAll();
    const { desk, ticket } = await office.reimage('anew ann2', plan);
    for (const name of [...without]) office.desks.find(({ self }) => self === name)!.online = false;
    assert.deepEqual(await gather(desk, ticket, plan, capture), capture.key);
  });

  it('keeps shares of an older state until there is a snapshot of the new one', async () => {
    office = await Office.open('older', ['ann', 'bob', 'cleo']);
    const ann = office.desk('ann');
    const bob = office.desk('bob');
    const plan = await office.inPlace(ann);
    const [old, next] = [newCapture(ann), newCapture(ann)];
    await distribute(ann, plan, old);
    await distribute(ann, plan, next);
    assert.ok(bob.holder.keepsShareOf(old.state) && bob.holder.keepsShareOf(next.state));
    const about = { fleet: ann, home: ann.home, log: silent, association: ann.association(plan.id) };
    await forgetOlderShares({ ...about, state: old.state }, never);
    assert.ok(bob.holder.keepsShareOf(next.state), 'the last deal is of another state: nothing is forgotten');
    await forgetOlderShares({ ...about, state: next.state }, never);
    assert.ok(!bob.holder.keepsShareOf(old.state) && bob.holder.keepsShareOf(next.state));
    assert.equal(readdirSync(bob.home.path('shares')).length, 1);
    const { desk, ticket } = await office.reimage('older ann2', plan);
    assert.deepEqual(await gather(desk, ticket, plan, next), next.key);
    await assert.rejects(gather(desk, ticket, plan, old), refused(/keeps no share/));
  });
});

describe('a share holder', () => {
  it('that was killed between keeping and saying so says it at its next start', async () => {
    office = await Office.open('killed', ['ann', 'bob', 'cleo']);
    const ann = office.desk('ann');
    const bob = office.desk('bob');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    const { append } = bob;
    bob.append = () => Promise.reject(new Error('killed'));
    assert.equal((await distribute(ann, plan, capture))?.total, 2, 'the two others');
    assert.ok(!shareEvents(ann, plan.id).some(({ signer }) => signer === bob.self));
    bob.append = append;
    await bob.startHolder();
    await office.syncAll();
    assert.equal(shareEvents(ann, plan.id).find(({ signer }) => signer === bob.self)?.phase, 'kept');
    const given = (await distribute(ann, plan, capture))!;
    assert.equal(given.holders.length, 3);
  });

  it('erases its share once the state is restored, and the word to whom it went stays', async () => {
    office = await Office.open('erase', ['ann', 'bob', 'cleo']);
    const ann = office.desk('ann');
    const bob = office.desk('bob');
    const plan = await office.inPlace(ann);
    const capture = newCapture(ann);
    await distribute(ann, plan, capture);
    const { desk, ticket } = await office.reimage('erase ann2', plan);
    await gather(desk, ticket, plan, capture);
    await desk.append(
      plainEvent({
        association: plan.id,
        state: capture.state,
        step: 'restore',
        phase: 'restored',
        snapshot: 1,
        descriptorHash: '00'.repeat(32),
      }),
    );
    await office.syncAll();
    const gone = [bob, office.desk('cleo'), office.boss].filter((one) => !one.holder.keepsShareOf(capture.state));
    assert.ok(gone.length >= 2, 'those that gave theirs');
    await assert.rejects(gather(desk, ticket, plan, capture), refused(/erased after the state was restored/));
    await bob.startHolder();
    const file = bob.home.read('shares', `${plan.id}-${capture.state}.json`)!.toString();
    assert.match(file, /"settled":null|"releasedTo":null/);
  });

  it('with a damaged file gives nothing, and starts', async () => {
    office = await Office.open('damaged', ['ann', 'bob', 'cleo']);
    const ann = office.desk('ann');
    const bob = office.desk('bob');
    const plan = await office.inPlace(ann, { shares: { needed: 2, total: 3 } });
    const capture = newCapture(ann);
    await distribute(ann, plan, capture);
    bob.home.write('{"version":1', 'shares', `${plan.id}-${capture.state}.json`);
    await bob.startHolder();
    assert.ok(!bob.holder.keepsShareOf(capture.state));
    const { desk, ticket } = await office.reimage('damaged ann2', plan);
    assert.deepEqual(await gather(desk, ticket, plan, capture), capture.key, 'the two others are enough');
  });
});
