/** How many states there are, and that each published case is one of them, or says why not. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { BOMBS } from './cases/bombs.ts';
import { EXISTING } from './cases/existing.ts';
import { LINKS } from './cases/links.ts';
import { METADATA } from './cases/metadata.ts';
import { NAMES } from './cases/names.ts';
import { PACKS } from './cases/packs.ts';
import { PUBLISHED } from './cases/published.ts';
import { STRUCTURE } from './cases/structure.ts';

const TABLES = [...NAMES, ...LINKS, ...METADATA, ...STRUCTURE, ...PACKS, ...EXISTING];

test('a hundred states and more are refused, or listed, with a reason; each has a name of its own', (t) => {
  const withReason = TABLES.filter(({ must }) => !('harmless' in must));
  assert.ok(withReason.length >= 100);
  const names = [...TABLES, ...BOMBS].map(({ name }) => name);
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  assert.deepEqual(twice, []);
  t.diagnostic(
    `${withReason.length} refused or listed, ${TABLES.length - withReason.length} that come as data, ${BOMBS.length} bombs`,
  );
});

test('each published case is a state, is tried elsewhere, or says why it has no counterpart', (t) => {
  const tried = new Set([...TABLES, ...BOMBS].flatMap(({ cve }) => cve ?? []));
  for (const { cve, triedIn, none } of PUBLISHED) {
    assert.match(cve, /^CVE-\d{4}-\d{4,}$/);
    assert.equal([tried.has(cve), triedIn, none].filter(Boolean).length, 1, cve);
    if (triedIn) assert.ok(existsSync(triedIn), triedIn);
  }
  const listed = new Set(PUBLISHED.map(({ cve }) => cve));
  assert.equal(listed.size, PUBLISHED.length);
  assert.deepEqual(
    [...tried].filter((cve) => !listed.has(cve)),
    [],
  );
  const without = PUBLISHED.filter(({ none }) => none);
  t.diagnostic(`${PUBLISHED.length - without.length} published cases tried, ${without.length} without a counterpart`);
});
