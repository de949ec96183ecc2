import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Became } from '../../src/state/restore/became.ts';
import type { ItemDecision, Numbered } from '../../src/state/restore/decision-log.ts';

const dir = mkdtempSync(join(tmpdir(), 'resettle-became-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const decision = (number: number): Numbered<ItemDecision> => {
  const item = {
    kind: 'file',
    action: 'create',
    folder: 0,
    name: Buffer.from('a'),
    sizeBytes: 1,
    mtimeNs: 1n,
    group: 0,
  };
  return { ...item, number } as Numbered<ItemDecision>;
};

test('what files became is read again, behind a record that was cut short too', () => {
  const plan = join(dir, 'plan');
  for (const number of [3, 4]) {
    const became = new Became(plan);
    became.add(number, { group: 0, sizeBytes: 100 + number, mtimeNs: 7n });
    became.close();
    appendFileSync(`${plan}.became`, 'cut short');
  }
  const became = new Became(plan);
  assert.deepEqual(
    [3, 4, 5].map((number) => became.of(decision(number)).sizeBytes),
    [103, 104, 1],
  );
  became.close();
});
