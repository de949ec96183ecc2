import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PathRule } from '../../src/state/catalogue/compile.ts';
import { explainPath } from '../../src/state/catalogue/explain.ts';

const RULES: PathRule[] = [
  { id: 'caches', kind: 'general', include: [], exclude: ['~/**/Cache'], never: ['~/**/*.lock'] },
  { id: 'app', kind: 'application', include: ['~/.config/app', '/etc/app'], exclude: ['~/.config/*'], never: [] },
];
const explain = (path: string, whole: string[] = []) =>
  explainPath(
    RULES,
    { homes: [Buffer.from('/home/zoë')], roots: [Buffer.from('/srv')], whole: whole.map((one) => Buffer.from(one)) },
    Buffer.from(path),
  );
const HOME = '/home/zoë is a home: all in it is taken that no rule excludes';

test('what decided comes first, what else was said follows in the order in which it would hold', () => {
  assert.deepEqual(explain('/home/zoë/.config/app/Cache/x'), {
    isTaken: false,
    because: 'general rule "caches" excludes ~/**/Cache',
    others: ['rule "app" includes ~/.config/app', 'rule "app" excludes ~/.config/*', HOME],
  });
  assert.deepEqual(explain('/home/zoë/.config/app/a'), {
    isTaken: true,
    because: 'rule "app" includes ~/.config/app',
    others: ['rule "app" excludes ~/.config/*', HOME],
  });
  assert.equal(explain('/home/zoë/x.lock').because, 'general rule "caches" never takes ~/**/*.lock');
  assert.deepEqual(explain('/home/zoë/letter'), { isTaken: true, because: HOME, others: [] });
});

test('what no rule decided is told too', () => {
  assert.deepEqual(explain('/opt/x'), {
    isTaken: false,
    because: 'no area takes it, and no rule includes it',
    others: [],
  });
  assert.equal(explain('/srv/x').because, '/srv is what an area takes: all in it that no rule excludes');
  const given = explain('/home/zoë/.config/b/c', ['/home/zoë/.config/b']);
  assert.deepEqual([given.isTaken, given.because], [true, '/home/zoë/.config/b was given by hand: it is taken whole']);
});
