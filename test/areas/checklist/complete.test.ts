import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CheckItem, ORIGIN_GROUPS } from '../../../src/state/areas/base/check-item.ts';
import { AREA_NAMES, type AreaName } from '../../../src/state/areas/base/names.ts';
import { unjudged } from '../../../src/state/areas/checklist/complete.ts';
import type { OutcomeItem } from '../../../src/state/areas/checklist/types.ts';
import { exitStatusOf, needsSomebody, sentenceOf } from '../../../src/state/areas/checklist/verdicts.ts';
import { allItems, checklistOf, documentsOf, expecting, fakeArea, found, planned } from './support/fake.ts';

const verdict = fc.constantFrom('same', 'changed', 'person', 'failed', 'skipped');
const id = fc.constantFrom('user:ann', 'user:ben', 'group:lab', 'file:/etc/x', 'line\nbreak', '\u202eeman');
const action = fc.constantFrom<OutcomeItem['action']>('add', 'merge', 'remove', 'same', 'keep', 'withhold', 'ask');

/** One area of a snapshot, with whatever its check gives, and whatever was planned. */
const area = fc.record({
  name: fc.constantFrom<AreaName>(...AREA_NAMES),
  isChosen: fc.boolean(),
  isReadable: fc.boolean(),
  throws: fc.boolean(),
  expected: fc.array(id, { maxLength: 6 }),
  found: fc.array(fc.tuple(id, verdict, fc.constantFrom(...ORIGIN_GROUPS, 'application x', 'odd')), { maxLength: 8 }),
  planned: fc.array(fc.tuple(id, action), { maxLength: 6 }),
});
const snapshot = fc.uniqueArray(area, { selector: ({ name }) => name, maxLength: 6 });

test('whatever areas give, all that was expected is judged, every group is there, and the counts add up', () => {
  fc.assert(
    fc.property(snapshot, (all) => {
      const areas = all.map(({ name, throws, found: items }) =>
        fakeArea(
          name,
          throws
            ? () => {
                throw new Error('no');
              }
            : items.map(([one, of, group]) => found(name, one, of, { group })),
        ),
      );
      const readable = all.filter(({ isReadable }) => isReadable);
      const checklist = checklistOf(areas, {
        documents: documentsOf(
          all.map(({ name }) => name),
          {
            contents: new Map(readable.map(({ name }) => [name, {}])),
            checklist: all.flatMap(({ name, expected }) => expecting(name, ...expected)),
          },
        ),
        chosen: all.filter(({ isChosen }) => isChosen).map(({ name }) => name),
        outcome: all.flatMap(({ name, planned: items }) => items.map(([one, what]) => planned(name, one, what))),
      });
      const items = allItems(checklist);
      for (const { name, isChosen, isReadable, expected } of all) {
        const judged = items.filter((item) => item.area === name);
        assert.ok(judged.length > 0 || (isChosen && isReadable), `${name} is not passed over`);
        if (!isChosen) assert.equal(judged.filter((one) => one.id === `area:${name}`)[0]?.verdict, 'skipped');
        else if (!isReadable) assert.equal(judged.filter((one) => one.id === `area:${name}`)[0]?.verdict, 'person');
        else
          for (const one of expected)
            assert.ok(
              countOf(judged, one) >=
                countOf(
                  expected.map((x) => ({ id: x })),
                  one,
                ),
            );
      }
      assert.deepEqual(
        checklist.groups.map(({ name }) => name).filter((name) => (ORIGIN_GROUPS as readonly string[]).includes(name)),
        [...ORIGIN_GROUPS],
      );
      const { same, changed, person, failed, skipped, withheld, total } = checklist.counts;
      assert.equal(same + changed + person + failed + skipped, total);
      assert.equal(total, items.length);
      assert.ok(withheld <= skipped);
      assert.equal(exitStatusOf(checklist.counts), failed > 0 ? 1 : items.some(needsSomebody) ? 3 : 0);
      const order = ['same', 'changed', 'skipped', 'person', 'failed'];
      assert.equal(order.indexOf(checklist.worst), Math.max(...items.map((item) => order.indexOf(item.verdict))));
      assert.equal(sentenceOf(checklist.counts).startsWith('All is well'), exitStatusOf(checklist.counts) === 0);
      for (const item of items) if (needsSomebody(item)) assert.ok(item.remedy, `${item.id} says what can be done`);
    }),
    { numRuns: 300 },
  );
});

const shown = (text: string): string => text.replace('\n', '\\x0a').replace('\u202e', '\\x202e');
const countOf = (items: readonly { readonly id: string }[], wanted: string): number =>
  items.filter((item) => shown(item.id) === shown(wanted)).length;

test('an expected item is not taken for judged because another group has one of the same id', () => {
  const one = (group: string): CheckItem => found('services', 'unit:x', 'same', { group });
  assert.deepEqual(unjudged([one('a'), one('b')], [one('b'), one('b')]), [], 'as many as were expected');
  assert.deepEqual(unjudged([one('a'), one('b')], [one('b')]), [one('a')]);
  assert.deepEqual(unjudged([one('a'), one('a')], [one('a')]), [one('a')]);
  assert.deepEqual(unjudged([one('a')], [one('b')]), [], 'it may stand in another group than at capture');
});
