import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PathRule } from '../../src/state/catalogue/compile.ts';
import { RuleWalk } from '../../src/state/catalogue/rule-walk.ts';

type Action = 'include' | 'exclude' | 'never' | 'whole';
interface Said {
  readonly action: Action;
  readonly plain: number;
  readonly partial: number;
  readonly regex: RegExp;
}

const HOMES = ['/h/a', '/h/b'];

/** What a pattern names at one home, or at /: slowly, by regular expressions. */
function said(action: Action, pattern: string): Said[] {
  const names = pattern.split('/').slice(1);
  if (names.at(-1) === '**') names[names.length - 1] = '*';
  const home = pattern.startsWith('~') ? 1 : 0;
  const plain = names.filter((name) => !name.includes('*')).length + home;
  const partial = names.filter((name) => /\*/.test(name) && /[^*]/.test(name)).length;
  const tail = names
    .map((name) => (name === '**' ? '(?:/[^/]+)*' : `/${name.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}`))
    .join('');
  return (home ? HOMES : ['']).map((base) => ({ action, plain, partial, regex: new RegExp(`^${base}${tail}$`) }));
}

/** What the rules come to, straight from the words of the README. */
function reference(
  rules: readonly PathRule[],
  roots: readonly string[],
  whole: readonly string[],
  path: string,
): boolean {
  const all = [
    ...rules.flatMap((rule) =>
      (['include', 'exclude', 'never'] as const).flatMap((action) =>
        rule[action].flatMap((text) => said(action, text)),
      ),
    ),
    ...[...HOMES, ...roots].flatMap((text) => said('include', text)),
    ...whole.flatMap((text) => said('whole', text)),
  ];
  const names = path.split('/').slice(1);
  const places = names.map((_, at) => `/${names.slice(0, at + 1).join('/')}`);
  const at = (place: string) => all.filter(({ regex }) => regex.test(place));
  if (places.some((place) => at(place).some(({ action }) => action === 'whole'))) return true;
  if (places.some((place) => at(place).some(({ action }) => action === 'never'))) return false;
  const claims =
    places
      .toReversed()
      .map(at)
      .find((found) => found.length > 0) ?? [];
  const plain = Math.max(...claims.map((claim) => claim.plain));
  const plainest = claims.filter((claim) => claim.plain === plain);
  const partial = Math.max(...plainest.map((claim) => claim.partial));
  const strongest = plainest.filter((claim) => claim.partial === partial);
  return strongest.length > 0 && strongest.every(({ action }) => action === 'include');
}

const name = fc.constantFrom('a', 'b', 'c', 'a.x', 'b.x', 'h');
const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((names) => `/${names.join('/')}`);
const part = fc.oneof({ weight: 4, arbitrary: name }, fc.constantFrom('*', '*.x', 'a*', '**', '**'));
const parts = fc.array(part, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`);
const pattern = fc.oneof(
  parts.map((text) => `~${text}`),
  parts,
  parts.map((text) => `/h/*${text}`),
);
const patterns = fc.array(pattern, { maxLength: 3 });
const rule = fc.record({
  id: fc.constantFrom('one', 'two', 'three'),
  kind: fc.constantFrom('application' as const, 'general' as const),
  include: patterns,
  exclude: patterns,
  never: fc.oneof({ weight: 3, arbitrary: fc.constant<string[]>([]) }, patterns),
});
const world = fc.record({
  rules: fc.uniqueArray(rule, { maxLength: 4, selector: ({ id }) => id }),
  roots: fc.array(path, { maxLength: 2 }),
  whole: fc.oneof({ weight: 3, arbitrary: fc.constant<string[]>([]) }, fc.array(path, { maxLength: 2 })),
});
const bytes = (paths: readonly string[]) => paths.map((text) => Buffer.from(text));
const walkOf = ({ rules, roots, whole }: { rules: readonly PathRule[]; roots: string[]; whole: string[] }) =>
  new RuleWalk(rules, { homes: bytes(HOMES), roots: bytes(roots), whole: bytes(whole) });
const inHome = fc.tuple(fc.constantFrom('', ...HOMES), path).map(([home, rest]) => `${home}${rest}`);

test('a walk decides as the rules say, on any rules and paths', () => {
  fc.assert(
    fc.property(world, fc.array(inHome, { minLength: 1, maxLength: 8 }), (given, paths) => {
      const walk = walkOf(given);
      for (const one of paths) {
        const state = walk.at(Buffer.from(one));
        assert.equal(state.isTaken, reference(given.rules, given.roots, given.whole, one), one);
        assert.equal(walk.claims(Buffer.from(one))[0], state.by);
      }
    }),
    { numRuns: 3000 },
  );
});

test('where nothing beneath a folder may be taken, nothing is', () => {
  fc.assert(
    fc.property(world, inHome, path, (given, above, below) => {
      const walk = walkOf(given);
      if (!walk.at(Buffer.from(above)).mayHoldTaken) {
        assert.equal(walk.at(Buffer.from(above + below)).isTaken, false);
      }
    }),
    { numRuns: 3000 },
  );
});

test('the order of rules and of their patterns does not matter, nor for what is told', () => {
  fc.assert(
    fc.property(world, inHome, (given, one) => {
      const backward = given.rules.toReversed().map((each) => ({
        ...each,
        include: each.include.toReversed(),
        exclude: each.exclude.toReversed(),
        never: each.never.toReversed(),
      }));
      const told = (rules: readonly PathRule[]) => walkOf({ ...given, rules }).claims(Buffer.from(one));
      assert.deepEqual(told(backward), told(given.rules));
    }),
    { numRuns: 1000 },
  );
});
