import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { blake3 } from '@napi-rs/blake-hash';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { ResettleError } from '../../../src/common/errors.ts';
import type { AssociationId, StateId } from '../../../src/common/ids.ts';
import type { GivenShares } from '../../../src/node/roles/source/types.ts';
import { unwrapStateKey } from '../../../src/state/format/index.ts';
import { type EventBody, plainEvent, sealTerms } from '../../../src/state/records/index.ts';
import { makeMachine, put } from '../../support/small-machine.ts';
import { Office, until } from './support/office.ts';

async function officeWithFile(
  t: Parameters<typeof Office.open>[0],
  options: Partial<Parameters<typeof Office.open>[1]> = {},
) {
  const office = await Office.open(t, { points: { nas: 100 }, ...options });
  writeFileSync(office.path('file'), 'content');
  return office;
}

test('the association that exists is used, and options that differ from it are a mistake that names them', async (t) => {
  const office = await officeWithFile(t, { points: { nas: 100, den: 100 } });
  const file = [office.path('file')];
  const id = await office.associate({ points: [office.point('den').machine.peerId] });
  for (const more of [{}, { points: ['den'] }, { replicas: 1 }, { points: ['den'], replicas: 1 }]) {
    const done = await office.capture(file, more);
    assert.deepEqual([done.association, done.pointName], [id, 'den']);
  }
  for (const [more, what] of [
    [{ points: ['nas'] }, /other points/],
    [{ points: [] }, /other points/],
    [{ points: ['den', 'nas'] }, /other points/],
    [{ replicas: 2 }, /another number of copies/],
  ] as const) {
    await assert.rejects(office.capture(file, more), (error: ResettleError) => {
      assert.equal(error.code, 'usage');
      assert.match(error.message, what);
      assert.match(error.hint!, /resettle associate/);
      return true;
    });
  }
  assert.equal(office.source.log.roster().associations.size, 1);
});

test('of several associations the one that fits is used; where none tells, they are listed, and one can be named', async (t) => {
  const office = await officeWithFile(t, { points: { nas: 100, den: 100 } });
  const file = [office.path('file')];
  const nas = await office.associate({ points: [office.point('nas').machine.peerId] });
  const den = await office.associate({ points: [office.point('den').machine.peerId] });
  assert.equal((await office.capture(file, { points: ['nas'] })).association, nas);
  await assert.rejects(office.capture(file), (error: ResettleError) => {
    assert.equal(error.code, 'ambiguous');
    for (const id of [nas, den]) assert.ok(error.message.includes(id.slice(0, 12)), error.message);
    assert.match(error.hint!, /--for ID/);
    return true;
  });
  assert.equal((await office.capture(file, { for: den.slice(0, 12) })).association, den);
});

test('nothing is captured for an association that was ended', async (t) => {
  const office = await officeWithFile(t);
  const id = await office.associate();
  await office.source.log.append({ type: 'ending', association: id });
  const done = await office.capture([office.path('file')]);
  assert.notEqual(done.association, id);
  await assert.rejects(office.capture([office.path('file')], { for: id }), { code: 'not-found' });
});

test('users and paths of the terms are what is captured; a user that is not there is listed', async (t) => {
  const passwd = { text: '' };
  const office = await officeWithFile(t, { source: { passwd: () => passwd.text } });
  passwd.text = `ann:x:1000:1000::${office.path('ann')}:/bin/sh\nbob:x:1001:1001::/nonexistent:/bin/sh\n`;
  writeFileSync(office.path('ann'), 'ann has a file for a home');
  const terms = { users: ['ann', 'zuleika'], areas: [], paths: [office.path('file')], mapUsers: [] };
  const id = await office.associate({ sealed: await sealTerms(terms, [office.source.ageRecipient]) });
  const done = await office.capture([]);
  assert.deepEqual([done.association, done.files, done.skipped], [id, 2, 1]);
  const skipped = office.events.find((event) => event.event === 'skipped');
  assert.deepEqual(skipped, { event: 'skipped', path: 'user zuleika', reason: 'this machine has no such user' });
  assert.equal(office.said(id, 'commit')!.skipped, 1);
  assert.ok(!JSON.stringify(office.source.log.events(id)).includes('zuleika'), 'no name of a user is told');
});

test('an association names areas; one that says nothing means everything that areas take', async (t) => {
  const office = await officeWithFile(t);
  const root = office.path('machine');
  makeMachine(root, 'oldbox', [{ name: 'ann', id: 1000 }]);
  put(root, '/home/ann/notes', { content: 'notes', uid: 1000, gid: 1000 });
  const all = await office.capture([], { root });
  const documents = (files: number) => files - 1;
  assert.ok(documents(all.files) > 5, `${all.files} files`);
  const said = (areas: string[]) => ({ users: [], areas, paths: [], mapUsers: [] });
  const id = await office.associate({ sealed: await sealTerms(said(['homes']), [office.source.ageRecipient]) });
  const homes = await office.capture([], { root, for: id });
  assert.equal(documents(homes.files), 3, 'machine.json, checklist.json, homes.json, and the notes');
  const other = await office.associate({ sealed: await sealTerms(said(['attic']), [office.source.ageRecipient]) });
  await assert.rejects(office.capture([], { root, for: other }), { code: 'usage', message: /attic/ });
});

test('users of the terms are those of the machine that is captured, where that is another', async (t) => {
  const office = await officeWithFile(t);
  const root = office.path('machine');
  makeMachine(root, 'oldbox', [{ name: 'zuleika', id: 1000 }]);
  put(root, '/home/zuleika/notes', { content: 'notes', uid: 1000, gid: 1000 });
  const terms = { users: ['zuleika'], areas: [], paths: [], mapUsers: [] };
  const id = await office.associate({ sealed: await sealTerms(terms, [office.source.ageRecipient]) });
  const done = await office.capture([], { root, for: id });
  assert.deepEqual([done.files, done.skipped], [1, 0]);
});

test('a destination that is to be named needs a recovery key or a code, and gets its key when it is named', async (t) => {
  const office = await officeWithFile(t);
  const open = await office.associate({ destination: null });
  await assert.rejects(office.capture([office.path('file')], { for: open }), {
    code: 'usage',
    message: /its destination is not named yet/,
  });
  const code = await generateX25519Identity();
  const id = await office.associate({ destination: null, codeRecipient: await identityToRecipient(code) });
  const done = await office.capture([office.path('file')], { for: id.slice(0, 10) });
  const { keys } = office.point('nas').held(done.state);
  assert.deepEqual([...keys.keys()], ['code']);
  assert.equal(done.machine, null);
  assert.match(done.missing.join(), /the destination is not named yet/);

  // The source was switched off when the destination was named.
  await office.source.log.append({ type: 'naming', association: id, destination: office.destination.peerId });
  office.role.start();
  const file = await until('the holder has the key', () => keys.get(office.destination.peerId));
  assert.deepEqual(
    await unwrapStateKey(file, office.destination.ageIdentity),
    await unwrapStateKey(keys.get('code')!, code),
  );
  const again = await office.capture([office.path('file')]);
  assert.deepEqual([again.state, again.snapshot, again.machine], [done.state, 2, office.destination.peerId]);
});

const shareOf = (given: GivenShares[], office: () => Office, confirm: boolean) => ({
  distributeShares: async (wish: { association: string; exclude: readonly string[] }): Promise<GivenShares> => {
    const den = office().point('den').machine;
    const mug = office().point('mug').machine;
    assert.ok(!wish.exclude.includes(den.peerId));
    const proofs = [den, mug].map(({ peerId }) => ({ peerId, proof: blake3(peerId).toString('hex') }));
    given.push({ needed: 2, total: 2, holders: proofs });
    if (confirm) {
      const [association] = office().source.log.roster().associations.values();
      const { stateId } = wish as unknown as { stateId: string };
      for (const one of [den, mug]) {
        await office().say(
          one,
          plainEvent({
            association: association!.id,
            state: stateId as never,
            step: 'share',
            phase: 'kept',
            proof: blake3(one.peerId).toString('hex'),
          }),
        );
      }
    }
    return given.at(-1)!;
  },
});

const inPlace = { mode: 'in-place' as const, destination: null };

async function ticketed(office: Office) {
  const recipient = await identityToRecipient(await generateX25519Identity());
  return await office.associate(
    { ...inPlace, ticketRecipient: recipient, ticketSealed: new Uint8Array(9) },
    office.operator,
  );
}

function keptShare(association: AssociationId, state: string): EventBody {
  return plainEvent({ association, state: state as StateId, step: 'share', phase: 'kept', proof: '00'.repeat(32) });
}

test('in place with a ticket: shares go to members that do not hold the state, and it is safe when each has confirmed its own', async (t) => {
  for (const confirm of [true, false]) {
    const given: GivenShares[] = [];
    const forgotten: string[] = [];
    let office: Office | undefined;
    office = await officeWithFile(t, {
      points: { nas: 100, den: 0, mug: 0 },
      source: {
        ...shareOf(given, () => office!, confirm),
        forgetOlderShares: async (_, state) => void forgotten.push(state),
        hardware: {
          digests: () => new Uint8Array(17),
          weakness: () => 'this machine can be told by its MAC addresses only',
        },
      },
    });
    const id = await ticketed(office);
    await office.say(office.point('den').machine, keptShare(id, 'ab'.repeat(32)));
    const done = await office.capture([office.path('file')], { for: 'laptop' });
    assert.equal(done.association, id);
    assert.equal(given.length, 1);
    assert.deepEqual(forgotten, confirm ? [done.state] : [], 'shares of an earlier state go when this one is safe');
    assert.equal(done.safe, confirm, done.missing.join());
    if (!confirm) assert.match(done.missing.join(), /den has not signed that it keeps its share of the key/);
    assert.deepEqual([...office.point('nas').held(done.state).keys.keys()], [], 'no key lies beside the state');
    assert.match(office.notes(), /MAC addresses only/);
    assert.deepEqual(office.said(id, 'commit')!.machine, new Uint8Array(17));
  }
});

test('in place: where one who has a share is to be wiped too, the source deals anew by itself, and it is safe again', async (t) => {
  let dealt: readonly string[] = ['den', 'mug'];
  let office: Office | undefined;
  const deals: string[] = [];
  const distributeShares = async (wish: { association: string; stateId: StateId; exclude: readonly string[] }) => {
    deals.push(dealt.join());
    const holders = dealt.map((name) => {
      const { peerId } = office!.point(name).machine;
      assert.ok(!wish.exclude.includes(peerId));
      return { peerId, proof: blake3(`${deals.length} ${peerId}`).toString('hex') };
    });
    for (const [index, name] of dealt.entries()) {
      const about = { association: wish.association as AssociationId, state: wish.stateId };
      const { proof } = holders[index]!;
      await office!.say(office!.point(name).machine, plainEvent({ ...about, step: 'share', phase: 'kept', proof }));
    }
    return { needed: 2, total: 2, holders };
  };
  office = await officeWithFile(t, { points: { nas: 100, den: 0, mug: 0, pan: 0 }, source: { distributeShares } });
  const id = await ticketed(office);
  const done = await office.capture([office.path('file')], { for: 'laptop' });
  assert.deepEqual([done.safe, deals], [true, ['den,mug']]);
  const keeper = office.wordKeeper({ distributeShares });
  const look = (isBusy = false): Promise<void> => keeper.look(() => isBusy, AbortSignal.timeout(60_000));
  await look();
  assert.equal(deals.length, 1, 'nothing is wrong');
  const { peerId: mug } = office.point('mug').machine;
  const leaves = await office.associate(
    { ...inPlace, source: mug, nonce: '0c'.repeat(16) },
    office.point('mug').machine,
  );
  dealt = ['den', 'pan'];
  await look(true);
  assert.equal(deals.length, 1, 'not beside a capture');
  await look();
  assert.deepEqual(deals, ['den,mug', 'den,pan']);
  assert.equal(office.said(id, 'commit')!.phase, 'safe');
  await look();
  assert.equal(deals.length, 2);
  assert.ok(leaves !== id);
  // A share that has gone to the destination ends that.
  const { peerId: den } = office.point('den').machine;
  await office.associate({ ...inPlace, source: den, nonce: '0d'.repeat(16) }, office.point('den').machine);
  const released = { association: id, state: done.state, step: 'share', phase: 'released', peers: [mug] } as const;
  await office.say(office.point('pan').machine, plainEvent({ ...released, proof: '00'.repeat(32) }));
  await look();
  assert.equal(deals.length, 2);
});

test('in place without anything that survives the wipe is refused, with what to do', async (t) => {
  const office = await officeWithFile(t);
  await assert.rejects(office.capture([office.path('file')], { for: 'laptop' }), (error: ResettleError) => {
    assert.equal(error.code, 'usage');
    assert.match(error.message, /no ticket, no recovery key and no code/);
    assert.match(error.hint!, /associate laptop --in-place/);
    return true;
  });
  assert.equal(office.source.log.roster().associations.size, 0);
});

test('in place with a recovery key only: the source makes the association itself, and says that nobody has tried the key', async (t) => {
  const office = await officeWithFile(t, { recovery: true });
  const done = await office.capture([office.path('file')], { for: 'laptop' });
  const association = office.source.log.roster().associations.get(done.association)!;
  assert.deepEqual([association.body.mode, association.body.ticketRecipient], ['in-place', null]);
  assert.deepEqual([...office.point('nas').held(done.state).keys.keys()], ['recovery']);
  assert.deepEqual(done.missing, ["nobody has tried the fleet's recovery key"]);
  assert.equal((await office.capture([office.path('file')], { for: 'laptop' })).snapshot, 2);
});

test('a ticket without shares to give out opens nothing, and is refused unless there is another way', async (t) => {
  const office = await officeWithFile(t);
  await ticketed(office);
  await assert.rejects(office.capture([office.path('file')], { for: 'laptop' }), { code: 'not-built' });
});

test('a machine that is to be reinstalled itself is no point', async (t) => {
  const office = await officeWithFile(t, { points: { nas: 100, den: 100 } });
  const { machine } = office.point('nas');
  const id = await office.associate();
  await office.say(machine, {
    ...office.source.log.roster().associations.get(id)!.body,
    ...inPlace,
    source: machine.peerId,
    nonce: 'ab'.repeat(16),
  });
  const done = await office.capture([office.path('file')]);
  assert.equal(done.pointName, 'den');
});
