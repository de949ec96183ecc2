import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PathRule } from '../../src/state/catalogue/compile.ts';
import { RuleWalk } from '../../src/state/catalogue/rule-walk.ts';

const rule = (id: string, patterns: Partial<PathRule>): PathRule => ({
  id,
  kind: 'application',
  include: [],
  exclude: [],
  never: [],
  ...patterns,
});
const HOMES = [Buffer.from('/home/ann')];
const walkOf = (...rules: PathRule[]) => new RuleWalk(rules, { homes: HOMES });
const taken = (walk: RuleWalk, path: string) => walk.at(Buffer.from(path)).isTaken;

test('beneath homes everything is taken that nothing excludes, elsewhere only what a rule includes', () => {
  const walk = walkOf(rule('caches', { exclude: ['~/.cache', '~/**/node_modules'], include: ['/var/lib/x'] }));
  assert.equal(taken(walk, '/home/ann/letter'), true);
  assert.equal(taken(walk, '/home/ann/.cache/thumbs/a'), false);
  assert.equal(taken(walk, '/home/ann/a/node_modules/b'), false);
  assert.equal(taken(walk, '/home/ann/node_modules'), false);
  assert.equal(taken(walk, '/home/ann/Node_modules'), true);
  assert.equal(taken(walk, '/home/bob/letter'), false);
  assert.equal(taken(walk, '/var/lib/x/y/z'), true);
  assert.equal(taken(walk, '/var/lib/xy'), false);
});

test('the deepest place that a pattern names decides, then more plain names, and a tie excludes', () => {
  const walk = walkOf(
    rule('a', { exclude: ['~/.config/a', '~/.x/*', '~/t'], include: ['~/.config/a/keep', '~/t'] }),
    rule('b', { include: ['~/.x/b'] }),
  );
  assert.equal(taken(walk, '/home/ann/.config/a/other'), false);
  assert.equal(taken(walk, '/home/ann/.config/a/keep/it'), true);
  assert.equal(walk.at(Buffer.from('/home/ann/.config/a')).mayHoldTaken, true);
  assert.equal(walk.at(Buffer.from('/home/ann/.config/a/other')).mayHoldTaken, false);
  assert.equal(taken(walk, '/home/ann/.x/b'), true);
  assert.equal(taken(walk, '/home/ann/.x/c'), false);
  assert.equal(taken(walk, '/home/ann/t'), false);
});

test('never beats all', () => {
  const walk = walkOf(rule('a', { never: ['~/.ssh/agent'], include: ['~/.ssh/agent/keep'] }));
  const state = walk.at(Buffer.from('/home/ann/.ssh/agent/keep'));
  assert.equal(state.isTaken, false);
  assert.equal(state.by?.pattern, '~/.ssh/agent');
});
