import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { LevelChooser } from '../../src/state/capture/level-chooser.ts';
import { LEVEL_MAX, LEVEL_MIN } from '../../src/state/format/compression.ts';

const pack = fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.double({ min: 0, max: 1e6, noNaN: true }));

test('the level stays within its bounds, whatever the times are', () => {
  fc.assert(
    fc.property(fc.array(pack), (packs) => {
      const chooser = new LevelChooser();
      for (const [workMs, waitMs] of packs) {
        chooser.onPack(workMs, waitMs);
        assert.ok(chooser.level >= LEVEL_MIN && chooser.level <= LEVEL_MAX);
      }
    }),
  );
});

test('a slow holder raises the level, a busy processor lowers it, and what is between leaves it', () => {
  const chooser = new LevelChooser();
  assert.equal(chooser.level, LEVEL_MIN);
  for (let packs = 0; packs < 20; packs++) chooser.onPack(100, 900);
  assert.equal(chooser.level, LEVEL_MAX);
  chooser.onPack(80, 20);
  assert.equal(chooser.level, LEVEL_MAX);
  for (let packs = 0; packs < 20; packs++) chooser.onPack(100, 0);
  assert.equal(chooser.level, LEVEL_MIN);
});

test('a holder that is always busy is not helped by compression, however long it is waited for', () => {
  const chooser = new LevelChooser(0);
  for (let packs = 0; packs < 20; packs++) chooser.onPack(100, 900, 800);
  assert.equal(chooser.level, LEVEL_MAX);
  for (let packs = 0; packs < 20; packs++) chooser.onPack(100, 900, 3);
  assert.equal(chooser.level, 0);
});
