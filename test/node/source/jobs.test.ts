import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type EventBody, plainEvent, sealTerms } from '../../../src/state/records/index.ts';
import { makeBulk } from '../../support/trees.ts';
import { Office, until } from './support/office.ts';

const BATCH = 'cd'.repeat(16);
const nobody = (): void => {};

async function officeWithFile(t: Parameters<typeof Office.open>[0]) {
  const office = await Office.open(t, { points: { nas: 500 } });
  writeFileSync(office.path('file'), 'content');
  return office;
}

test('a detached capture goes on by itself, waits for a point that is not there, and is done when it comes', async (t) => {
  const office = await officeWithFile(t);
  await office.point('nas').vanish();
  const { association } = await office.role.detach({ paths: [office.path('file')], for: 'desk' }, nobody);
  await until('it waits', () => office.said(association, 'activity')?.phase === 'waiting');
  assert.deepEqual(office.said(association, 'activity')!.notes, ['no point can take it']);
  assert.equal(office.role.jobs().length, 1);
  await office.point('nas').start();
  await until('it is done', () => office.said(association, 'commit') !== undefined && office.role.jobs().length === 0);
  assert.equal(office.said(association, 'activity')!.phase, 'idle');
});

test('what cannot work is told at once, and what turns out not to work is kept with its reason', async (t) => {
  const office = await officeWithFile(t);
  await assert.rejects(office.role.detach({ paths: [office.path('nosuch')], for: 'desk' }, nobody), {
    code: 'not-found',
  });
  await assert.rejects(office.role.detach({ paths: [office.path('file')], for: 'nobody' }, nobody), {
    code: 'not-found',
  });
  assert.deepEqual(office.role.jobs(), []);
  await office.point('nas').vanish();
  const { association } = await office.role.detach({ paths: [office.path('file')], for: 'desk' }, nobody);
  await until('it waits', () => office.said(association, 'activity')?.phase === 'waiting');
  rmSync(office.path('file'));
  const [job] = await until('it has ended', () => (office.role.jobs()[0]?.ended ? office.role.jobs() : undefined));
  assert.equal(job!.ended!.code, 'not-found');
  assert.equal(office.said(association, 'activity')!.phase, 'failed');
  assert.deepEqual(office.said(association, 'activity')!.notes, ['something that was to be captured is not there']);
  assert.ok(!JSON.stringify(office.said(association, 'activity')).includes(office.dir), 'no path is told');
});

test('a detached capture that an agent took down with it goes on when there is an agent again', async (t) => {
  const office = await officeWithFile(t);
  const nas = office.point('nas');
  let left = 11;
  nas.onStored = () => {
    left -= 1;
    if (left === 0) office.role.stop();
  };
  const bulk = makeBulk(office.path('bulk'), 90);
  const { association } = await office.role.detach({ paths: [bulk], for: 'desk' }, nobody);
  await until('it was stopped', () => left <= 0 && office.role.running().length === 0);
  assert.equal(office.said(association, 'commit'), undefined);
  assert.equal(office.role.jobs().length, 1);
  const before = nas.receivedBytes;
  const next = office.roleAgain();
  next.start();
  await until('it is done', () => office.said(association, 'commit') !== undefined && next.jobs().length === 0);
  assert.ok(nas.receivedBytes - before < 0.75 * office.said(association, 'commit')!.bytes, 'it went on');
  next.stop();
});

test('a capture is cancelled by the beginning of its association, gives its lease back, and does not go on', async (t) => {
  const office = await officeWithFile(t);
  const nas = office.point('nas');
  const bulk = makeBulk(office.path('bulk'), 90);
  let stored = 0;
  nas.onStored = () => {
    stored += 1;
    if (stored === 2) nas.faults.stall = true;
  };
  const { association } = await office.role.detach({ paths: [bulk], for: 'desk' }, nobody);
  await until('it sends', () => stored >= 2);
  assert.deepEqual(office.role.cancel(association.slice(0, 8)), { association });
  assert.deepEqual(office.role.jobs(), []);
  nas.letGo();
  await until('it has ended', () => office.role.running().length === 0 && nas.leases.size === 0);
  assert.equal(office.said(association, 'activity')!.phase, 'idle');
  assert.throws(() => office.role.cancel(association.slice(0, 8)), { code: 'not-found' });
  assert.throws(() => office.role.cancel('1'), { code: 'not-found' });
});

test('a source captures by itself what an operator it accepts has started, once', async (t) => {
  const office = await officeWithFile(t);
  const terms = { users: [], areas: [], paths: [office.path('file')], mapUsers: [] };
  const sealed = await sealTerms(terms, [office.source.ageRecipient]);
  const id = await office.associate({ start: { batch: BATCH, atOnce: 1 }, sealed }, office.operator);
  office.role.start();
  await until('it is done', () => office.said(id, 'commit') !== undefined && office.role.jobs().length === 0);
  await new Promise((done) => setTimeout(done, 1_500));
  assert.equal(office.point('nas').commits.length, 1);
});

test('it waits while others of its batch are at work, and not for one that has gone silent', async (t) => {
  const office = await Office.open(t, { points: { nas: 500, mate: 0 } });
  writeFileSync(office.path('file'), 'content');
  const mate = office.point('mate').machine;
  const terms = { users: [], areas: [], paths: [office.path('file')], mapUsers: [] };
  const start = { batch: BATCH, atOnce: 1 };
  const sealed = await sealTerms(terms, [office.source.ageRecipient]);
  const id = await office.associate({ start, sealed }, office.operator);
  const { body } = office.source.log.roster().associations.get(id)!;
  await mate.log.insert([office.source.log.envelopeOf(id as never)!]);
  const other = await mate.log.append({
    ...body,
    source: mate.peerId,
    nonce: randomBytes(16).toString('hex'),
    ticketSealed: null,
    sealed: null,
  });
  await office.spread();
  const says = (phase: EventBody['phase']) =>
    office.say(
      mate,
      plainEvent({
        association: other.hash as never,
        step: 'activity',
        phase,
      }),
    );
  await says('sending');
  office.role.start();
  await until('it waits', () => office.said(id, 'activity')?.phase === 'waiting');
  await new Promise((done) => setTimeout(done, 1_000));
  assert.equal(office.said(id, 'activity')!.phase, 'waiting', 'its mate is at work');
  // The mate is switched off in the middle; what it said last stands for ever.
  await office.point('mate').vanish();
  await until('it is done', () => office.said(id, 'commit') !== undefined);
  assert.ok(!existsSync(office.home.path('jobs', `${id}.json`)) || office.role.jobs().length <= 1);
});

test('one that an operator started and a person cancelled does not start again', async (t) => {
  const office = await officeWithFile(t);
  await office.point('nas').vanish();
  const terms = { users: [], areas: [], paths: [office.path('file')], mapUsers: [] };
  const sealed = await sealTerms(terms, [office.source.ageRecipient]);
  const id = await office.associate({ start: { batch: BATCH, atOnce: 1 }, sealed }, office.operator);
  office.role.start();
  await until('it waits for a point', () => office.said(id, 'activity')?.notes.length === 1);
  office.role.cancel(id.slice(0, 8));
  await office.point('nas').start();
  await office.say(office.operator, {
    ...office.source.log.roster().associations.get(id)!.body,
    nonce: 'ef'.repeat(16),
    start: null,
    ticketSealed: null,
    sealed,
  });
  await new Promise((done) => setTimeout(done, 2_000));
  assert.equal(office.said(id, 'commit'), undefined);
  assert.equal(office.role.jobs()[0]!.ended!.code, 'interrupted');
  const done = await office.capture([office.path('file')], { for: id });
  assert.equal(done.association, id);
  assert.deepEqual(office.role.jobs(), [], 'a person’s own capture settles it');
});
