import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AREA_ITEMS_MAX } from '../../../src/common/limits.ts';
import type { Verdict } from '../../../src/state/areas/base/check-item.ts';
import { troubleOf } from '../../../src/state/areas/checklist/deeds.ts';
import type { ChecklistItem, OutcomeItem } from '../../../src/state/areas/checklist/types.ts';
import { exitStatusOf, sentenceOf } from '../../../src/state/areas/checklist/verdicts.ts';
import { allItems, checklistOf, documentsOf, expecting, fakeArea, found, planned } from './support/fake.ts';

/** What becomes of one item that the check of accounts judged so, after the restore had planned that. */
function judged(verdict: Verdict, plan?: Partial<OutcomeItem>): ChecklistItem {
  const outcome = plan?.action ? [planned('accounts', 'user:ann', plan.action, plan)] : [];
  const checklist = checklistOf([fakeArea('accounts', [found('accounts', 'user:ann', verdict)])], { outcome });
  return allItems(checklist).find(({ id }) => id === 'user:ann')!;
}

test('what was withheld is skipped with the reason, unless it is as expected all the same', () => {
  const plan = {
    action: 'withhold',
    detail: 'root would run it; --allow-privileged brings it',
    effect: 'root-runs',
  } as const;
  const item = judged('failed', plan);
  assert.equal(item.verdict, 'skipped');
  assert.equal(item.isWithheld, true);
  assert.match(item.observed, /left out because root would run it$/);
  assert.match(item.remedy!, /--allow-privileged/);
  assert.equal(judged('person', plan).verdict, 'skipped');
  for (const verdict of ['same', 'changed'] as const) {
    assert.equal(judged(verdict, plan).verdict, verdict);
    assert.equal(judged(verdict, plan).isWithheld, undefined);
  }
  assert.doesNotMatch(judged('failed', { ...plan, effect: undefined }).remedy!, /privileged/);
});

test('what a person was asked for is for a person, with the remedy that was given', () => {
  const plan = { action: 'ask', detail: 'attach the disk' } as const;
  for (const verdict of ['failed', 'skipped', 'person'] as const) {
    assert.equal(judged(verdict, plan).verdict, 'person');
    assert.equal(judged(verdict, plan).remedy, 'attach the disk');
  }
  assert.equal(judged('same', plan).verdict, 'same');
});

test('what was kept is for a person where it is not as captured', () => {
  const item = judged('failed', { action: 'keep', detail: 'ann is another person here' });
  assert.equal(item.verdict, 'person');
  assert.match(item.observed, /ann is another person here/);
  assert.equal(judged('changed', { action: 'keep' }).verdict, 'changed');
});

test('what was to be done and is not there has failed, and says what can be done', () => {
  for (const plan of [undefined, { action: 'add' }, { action: 'same' }] as const) {
    assert.equal(judged('failed', plan).verdict, 'failed');
    assert.ok(judged('failed', plan).remedy);
  }
});

test('what the restore did and no check looks at is for a person; what it only left is told', () => {
  const actions = ['add', 'replace', 'merge', 'remove', 'withhold', 'ask', 'keep', 'same'] as const;
  const outcome = actions.map((action) => planned('accounts', `user:${action}`, action));
  const items = allItems(checklistOf([fakeArea('accounts', [])], { outcome }));
  const verdicts = items.filter(({ area }) => area === 'accounts').map(({ id, verdict }) => `${id} ${verdict}`);
  assert.deepEqual(verdicts, [
    ...['user:add person', 'user:replace person', 'user:merge person', 'user:remove person'],
    ...['user:withhold skipped', 'user:ask person', 'user:keep person'],
  ]);
});

test('an item of the capture that nobody looked at has failed, also where the check itself failed', () => {
  const documents = documentsOf(['accounts'], { checklist: expecting('accounts', 'user:ann', 'user:ben') });
  const looked = checklistOf([fakeArea('accounts', [found('accounts', 'user:ann')])], { documents });
  const verdictOf = (id: string, of = looked) => allItems(of).find((item) => item.id === id)?.verdict;
  assert.equal(verdictOf('user:ann'), 'same');
  assert.equal(verdictOf('user:ben'), 'failed');
  const thrown = checklistOf(
    [
      fakeArea('accounts', () => {
        throw new Error('/etc/passwd is odd');
      }),
      fakeArea('ttys', [found('ttys', 'tty:1')]),
    ],
    { documents: documentsOf(['accounts', 'ttys'], { checklist: documents.checklist }) },
  );
  for (const id of ['area:accounts', 'user:ann', 'user:ben']) assert.equal(verdictOf(id, thrown), 'failed');
  assert.match(allItems(thrown).find(({ id }) => id === 'area:accounts')!.observed, /passwd is odd/);
  assert.equal(verdictOf('tty:1', thrown), 'same', 'the other areas go on');
});

test('every area of the snapshot is told: not chosen, only where asked, of a later version, unknown', () => {
  const checklist = checklistOf([fakeArea('accounts', []), fakeArea('printers', []), fakeArea('security', [])], {
    documents: documentsOf(['accounts', 'printers', 'security', 'hostname', 'brains'], {
      contents: new Map([
        ['accounts', {}],
        ['printers', {}],
        ['security', {}],
      ]),
      problems: [{ what: 'area hostname', why: 'it is of a later version' }],
      checklist: expecting('printers', 'printer:lab', 'printer:old'),
    }),
    chosen: ['accounts', 'hostname'],
    notAsked: ['security'],
  });
  const of = (area: string) => allItems(checklist).filter((item) => item.area === area);
  assert.deepEqual(
    of('printers').map(({ id, group, verdict, isWithheld, expected }) => [id, group, verdict, isWithheld, expected]),
    [['area:printers', 'remote printers', 'skipped', undefined, '2 items as captured']],
  );
  assert.match(of('printers')[0]!.remedy!, /--areas printers/);
  assert.equal(of('security')[0]?.isWithheld, true, 'it is withheld unless it is named');
  assert.equal(of('hostname')[0]?.verdict, 'person');
  assert.match(of('hostname')[0]!.observed, /later version/);
  assert.equal(of('brains')[0]?.verdict, 'person');
  assert.equal(exitStatusOf(checklist.counts), 3);
});

test('a group of the origin in which nothing stands says why', () => {
  const reasonOf = (group: string, more: Parameters<typeof checklistOf>[1] = {}) =>
    allItems(checklistOf([fakeArea('printers', [])], more)).find(({ id }) => id === `origin:${group}`)?.observed;
  assert.equal(reasonOf('remote printers'), 'the old machine had no printers');
  assert.match(reasonOf('ttys')!, /had no terminal settings.+or the area ttys was not captured/);
  const network = { documents: documentsOf(['network']), chosen: [] };
  assert.equal(reasonOf('media connection', network), undefined, 'the area itself stands there');
  assert.match(reasonOf('networking files', network)!, /network was not chosen/);
});

test('what the capture could not take is for a person', () => {
  const documents = documentsOf(['accounts']);
  documents.machine.couldNot.push({ area: 'accounts', what: '/etc/shadow', why: 'it cannot be read; run as root' });
  documents.machine.couldNot.push({ area: 'network', what: '/etc/netplan', why: 'it cannot be read; run as root' });
  const items = allItems(checklistOf([fakeArea('accounts', [])], { documents }));
  assert.deepEqual(
    items.filter(({ verdict }) => verdict === 'person').map(({ id, group }) => `${id} in ${group}`),
    ['capture:/etc/netplan in media connection', 'capture:/etc/shadow in passwords'],
  );
});

test('what the restore itself says went wrong is in the list', () => {
  assert.deepEqual(troubleOf({ status: 'applied' }), []);
  assert.equal(troubleOf({ status: 'rolled-back' })[0]?.verdict, 'failed');
  const problems = [{ what: '/etc/sudoers.d/lab', why: 'syntax error near line 1' }];
  const result = { failed: [{ area: 'security', problems }], notWoken: [{ area: 'network', problems }] };
  const items = troubleOf({ status: 'applied', result });
  assert.deepEqual(
    items.map(({ area, verdict }) => `${area} ${verdict}`),
    ['security failed', 'network person'],
  );
  for (const { observed, remedy } of items) assert.ok(/syntax error/.test(observed) && remedy);
});

test('the sentence counts as people do', () => {
  const counts = { same: 0, changed: 0, person: 0, failed: 0, skipped: 0, withheld: 0, total: 0 };
  assert.equal(sentenceOf({ ...counts, same: 214, total: 214 }), 'All is well: 214 items as they were.');
  assert.equal(
    sentenceOf({ ...counts, same: 1, changed: 2, skipped: 3, total: 6 }),
    'All is well: 1 item as it was, 2 changed, 3 left out.',
  );
  assert.equal(
    sentenceOf({ ...counts, same: 9, person: 2, skipped: 1, withheld: 1, failed: 1, total: 13 }),
    '3 items need you, 1 failed; 9 of 13 are in order.',
  );
  assert.equal(sentenceOf({ ...counts, failed: 1, total: 1 }), '1 item failed; 0 of 1 are in order.');
});

test('as many items as a document may have are judged', () => {
  const ids = Array.from({ length: AREA_ITEMS_MAX }, (_, at) => `unit:${at}`);
  const check = ids.slice(1).map((id) => found('services', id));
  const documents = documentsOf(['services'], { checklist: expecting('services', ...ids) });
  const { counts } = checklistOf([fakeArea('services', check)], { documents });
  assert.equal(counts.same, AREA_ITEMS_MAX - 1);
  assert.equal(counts.failed, 1);
});
