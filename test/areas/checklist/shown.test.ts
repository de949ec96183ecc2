import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Verdict } from '../../../src/state/areas/base/check-item.ts';
import {
  checklistHtml,
  checklistLines,
  isChecklistHtml,
  summaryLines,
} from '../../../src/state/areas/checklist/index.ts';
import { makeChecklist } from '../../../src/state/areas/checklist/make-checklist.ts';
import { oneLine } from '../../../src/state/areas/checklist/one-line.ts';
import { STYLE } from '../../../src/state/areas/checklist/shown/html-style.ts';
import type { Checklist, ChecklistItem } from '../../../src/state/areas/checklist/types.ts';
import { HEAD } from './support/fake.ts';
import { sampleChecklist } from './support/sample.ts';

const VERDICTS: readonly Verdict[] = ['same', 'changed', 'person', 'failed', 'skipped'];
const HOSTILE = `</style></script><script>alert(1)</script><img src="//evil" onerror='x()'>&amp;\u001b[2J\u0007\n\u202e"`;

/** A checklist in which every text that comes from elsewhere is this one. */
function allOf(text: string): Checklist {
  const items = VERDICTS.flatMap((verdict): ChecklistItem[] => {
    const item = {
      ...{ area: text, id: text, group: text, title: text, expected: text, observed: text, verdict, evidence: text },
      ...{ remedy: text, names: [text, text] },
    };
    return [
      item,
      { ...item, group: 'home' },
      { ...item, group: `application ${text}`, area: 'snapshot', id: `origin:${text}` },
    ];
  });
  const machine = { name: text, os: text };
  return makeChecklist({ ...HEAD, source: machine, machine, into: text, capturedAt: text }, items);
}

/** Its tags, in order, with nothing that is text. Throws where it is not well formed. */
function tagsOf(page: string): string[] {
  const style = /<style>[^<]*<\/style>/.exec(page);
  const tags = page.replace(style?.[0] ?? '', '').match(/<[^>]*>/g) ?? [];
  const open: string[] = [];
  for (const tag of tags) {
    assert.match(tag, /^<(!doctype html|\/?[a-z0-9]+( [a-z-]+="[^"<>]*"| open)*)>$/, tag);
    const [, end, name] = /^<(\/?)([a-z0-9!]+)/.exec(tag)!;
    if (['!doctype', '!', 'meta', 'br'].includes(name!)) continue;
    if (end === '') open.push(name!);
    else assert.equal(open.pop(), name, tag);
  }
  assert.deepEqual(open, []);
  return tags;
}

test('hostile text in every field is text on the page, and leads nowhere', () => {
  const page = checklistHtml(allOf(HOSTILE));
  const names = new Set(tagsOf(page).map((tag) => /^<\/?([a-z0-9]*)/.exec(tag)![1]));
  for (const name of ['script', 'img', 'a', 'link', 'iframe', 'form', 'svg', 'base', 'object']) {
    assert.ok(!names.has(name), `there is no ${name}`);
  }
  for (const tag of tagsOf(page)) assert.doesNotMatch(tag, / (src|href|style|on[a-z]+)=/);
  assert.doesNotMatch(STYLE, /url\(|@import/);
  assert.ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;'), 'it is there to be read');
  assert.ok(page.includes('&amp;amp;'));
  assert.doesNotMatch(page.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  assert.match(page, /default-src 'none'/, 'and a browser would fetch nothing');
});

test('a page is well formed, whatever texts are in it', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('<', '"', "'", '&', '<!--', '</main>'));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 5 }), (parts) => {
      const { length } = tagsOf(checklistHtml(allOf(`x${parts.join('')}`)));
      assert.equal(length, tagsOf(checklistHtml(allOf('x'))).length);
    }),
    { numRuns: 100 },
  );
});

test('nothing in a checklist moves the cursor of a terminal', () => {
  const checklist = allOf(HOSTILE);
  const options = { all: true, colour: false };
  for (const line of [...checklistLines(checklist, options), ...summaryLines(checklist)]) {
    assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
  }
  assert.equal(oneLine('a\u200db ç 東'), 'a\u200db ç 東', 'names of people stay readable');
  assert.equal(oneLine('x'.repeat(2_000)).length, 1_000);
});

test('a page has headings of tables, a verdict in words in every row, and the needy first', () => {
  const page = checklistHtml(sampleChecklist());
  assert.ok(isChecklistHtml(page));
  assert.ok(!isChecklistHtml(page.replace('resettle checklist', 'something else')));
  const rows = page.match(/<tr role="row"><th scope="row".*?<\/tr>/gs) ?? [];
  assert.equal(
    rows.length,
    sampleChecklist()
      .groups.flatMap(({ items }) => items)
      .filter(({ id }) => !id.startsWith('origin:')).length,
  );
  for (const row of rows)
    assert.match(row, /class="chip (\w+)">(as it was|changed|needs you|withheld|left out|failed)</);
  assert.equal((page.match(/<th scope="col"/g) ?? []).length % 5, 0);
  const needed = page.slice(page.indexOf('What needs you'), page.indexOf('Item by item'));
  const order = [...needed.matchAll(/<h3><span class="chip (\w+)"/g)].map(([, verdict]) => verdict);
  assert.deepEqual(order, ['failed', 'failed', 'person', 'person', 'withheld', 'withheld']);
  assert.equal((needed.match(/<dt>To do<\/dt>/g) ?? []).length, 6);
  assert.ok(page.indexOf('4 items need you, 2 failed') < page.indexOf('What needs you'));
});

test('where all is well the page says so, and nothing needs anybody', () => {
  const item = { area: 'files', id: 'x', group: 'home', title: 'x', expected: 'x', observed: 'x', evidence: 'x' };
  const page = checklistHtml(makeChecklist(HEAD, [{ ...item, verdict: 'same' }]));
  assert.match(page, /class="sentence well">All is well: 1 item as it was\.</);
  assert.doesNotMatch(page, /What needs you/);
});

test('as lines, a checklist is what it was when somebody looked at it', () => {
  const lines = checklistLines(sampleChecklist(), { all: false, colour: false, widthChars: 100 });
  const golden = new URL('./support/sample.txt', import.meta.url);
  assert.equal(`${lines.join('\n')}\n`, readFileSync(golden, 'utf8'));
  for (const line of lines) assert.ok(line.length <= 100, line);
});

test('items that are as they were are shown where they are asked for, and colours only then', () => {
  const lines = (all: boolean, colour: boolean) => checklistLines(sampleChecklist(), { all, colour }).join('\n');
  assert.doesNotMatch(lines(false, false), /User ann/);
  assert.match(lines(true, false), /AS IT WAS {2}User ann/);
  assert.ok(!lines(true, false).includes('\u001b'));
  assert.ok(lines(false, true).includes('\u001b[31mFAILED'));
});

test('the summary of a restore names what needs somebody, and where there is more', () => {
  const lines = summaryLines(sampleChecklist());
  assert.equal(lines[0], '4 items need you, 2 failed; 9 of 18 are in order.');
  assert.match(lines.join('\n'), /failed: Printer plotter: no such queue\n {4}-> /);
  assert.match(lines.at(-1)!, /resettle checklist 20260131-120000000-0a1b2c3d/);
});
