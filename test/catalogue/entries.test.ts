import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { CatalogueRule } from '../../src/state/catalogue/schema.ts';
import { exampleOf, fixtureNames, fixtureOf, isFound, isTaken, Machines, rules, whyOf } from './support.ts';

const machines = new Machines();
after(() => machines.remove());

const ids = rules.map(({ id }) => id);
const named = rules.filter(({ kind }) => kind !== 'general');

/** What is wrong with rules, all of it at once: hundreds of tests would take longer than what they test. */
function assertOfEach(of: readonly CatalogueRule[], wrongWith: (rule: CatalogueRule) => readonly string[]): void {
  const wrong = of.flatMap((rule) => wrongWith(rule).map((what) => `${rule.id}: ${what}`));
  assert.deepEqual(wrong, []);
}

const twiceIn = (list: readonly string[]): string[] => list.filter((item, at) => list.indexOf(item) !== at);

describe('Every rule of the catalogue', () => {
  test('is one of at least 160, and a file that the schema knows', () => {
    assert.ok(ids.length >= 160, `${ids.length} rules`);
    assert.deepEqual(ids, [...new Set(ids)].sort());
  });

  test('says how its application is found, unless it holds for everybody', () => {
    assertOfEach(rules, ({ kind, detect }) => ((kind === 'general') === (detect.length === 0) ? [] : ['detect']));
  });

  test('is found by paths that no other rule is found by', () => {
    assert.deepEqual(twiceIn(rules.flatMap(({ detect }) => detect)), []);
  });

  test('names no path and no program twice', () => {
    assertOfEach(rules, (rule) => {
      const treated = rule.treat.map(({ path }) => path);
      const { detect, include, exclude, never, packages } = rule;
      return [detect, include, exclude, never, packages, treated, rule['close-before']].flatMap(twiceIn);
    });
  });

  test('is carried together with other rules that are there', () => {
    assertOfEach(rules, (rule) => rule['one-unit-with'].filter((id) => !ids.includes(id) || id === rule.id));
  });

  test('has a fixture, and there is no fixture without a rule', () => {
    assert.deepEqual(fixtureNames().sort(), [...ids].sort());
  });

  test('has a fixture that says of each path whether it is taken, and has near misses', () => {
    assertOfEach(rules, (rule) => {
      const { found, takes, leaves, 'not-found': missed } = fixtureOf(rule.id);
      assert.deepEqual([...takes, ...leaves].sort(), Object.keys(found).sort(), rule.id);
      const wrong = [];
      if (takes.length === 0 && rule.include.length > 0) wrong.push('nothing is taken');
      if (leaves.length === 0 && rule.exclude.length > 0) wrong.push('nothing is left');
      if (Object.keys(missed).length === 0 && rule.kind !== 'general') wrong.push('there is no near miss');
      return wrong;
    });
  });

  test('takes and leaves what its fixture says, all other rules beside it', () => {
    assertOfEach(rules, ({ id }) => {
      const { takes, leaves } = fixtureOf(id);
      return [...takes.filter((path) => !isTaken(path)), ...leaves.filter(isTaken)].map(whyOf);
    });
  });

  test('includes nothing that another one excludes, and excludes nothing that another one includes', () => {
    assertOfEach(rules, ({ include, exclude, never }) => {
      const included = include.map(exampleOf).filter((path) => !isTaken(path));
      return [...included, ...[...exclude, ...never].map(exampleOf).filter(isTaken)].map(whyOf);
    });
  });

  test('treats only what is taken of a home', () => {
    assertOfEach(rules, ({ treat }) => {
      const paths = treat.map(({ path }) => exampleOf(path)).filter((path) => path.startsWith('~'));
      return paths.filter((path) => !isTaken(path)).map(whyOf);
    });
  });

  test('is found where its fixture says', () => {
    assertOfEach(named, (rule) => {
      return isFound(rule, machines.withFiles(`${rule.id}-found`, fixtureOf(rule.id).found)) ? [] : ['not found'];
    });
  });

  test('is not found at a near miss', () => {
    assertOfEach(named, (rule) => {
      const missed = fixtureOf(rule.id)['not-found'];
      return isFound(rule, machines.withFiles(`${rule.id}-missed`, missed)) ? ['found'] : [];
    });
  });
});
