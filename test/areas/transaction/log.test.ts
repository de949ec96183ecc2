import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Journal } from '../../../src/state/areas/transaction/journal.ts';
import { parseLog } from '../../../src/state/areas/transaction/log.ts';
import { toSummedJson } from '../../../src/state/format/summed-json.ts';
import { exampleScene } from './support/example.ts';

const line = (entry: object) => `${JSON.stringify(entry)}\n`;
const summed = (entry: object) => `${toSummedJson(entry)}\n`;
const FIRST = line({ did: 'phase', phase: 'before' });

test('what a loss of power left behind the last synced line counts for nothing', () => {
  for (const torn of ['{"did":"st', `${'\0'.repeat(30)}\n`, `{"did"\0\0\0}\n${line({ did: 'step', step: 2 })}`]) {
    const { entries, bytes } = parseLog(Buffer.from(FIRST + torn));
    assert.deepEqual([entries, bytes], [[{ did: 'phase', phase: 'before' }], FIRST.length], JSON.stringify(torn));
  }
});

test('a log goes on behind its last whole line, so that it can be read again', async (t) => {
  const scene = exampleScene(t);
  const transaction = scene.plan();
  transaction.begin(scene.undoDir);
  transaction.close();
  const log = join(scene.undoDir, 'areas', 'log');
  appendFileSync(log, `${FIRST}{"did":"step","st`);
  for (const did of ['undo', 'undo'] as const) {
    const journal = Journal.open(scene.undoDir)!;
    journal.note({ did, changed: [] });
    journal.close();
  }
  assert.equal(readFileSync(log, 'utf8'), FIRST + summed({ did: 'undo', changed: [] }).repeat(2));
});

test('a line that is not what was written is damage, wherever it stands', () => {
  const hurt = summed({ did: 'step', step: 2 }).replace('2', '3');
  assert.throws(() => parseLog(Buffer.from(FIRST + hurt)), /sum/);
  assert.throws(() => parseLog(Buffer.from(hurt + FIRST)), /sum/);
});
