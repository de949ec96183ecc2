/** States that are small and would take all memory: the real program, in a process of its own, takes less than 400 MiB. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, test } from 'node:test';
import { BOMBS } from './cases/bombs.ts';
import { Forging } from './support/forging.ts';
import { Bench } from './support/real-process.ts';
import { MEMORY_MAX_BYTES } from './support/run-state.ts';

const bench = new Bench();
after(() => bench.remove());

for (const { name, forge, args, status, says, isLong } of BOMBS) {
  if (isLong) continue;
  test(`hostile: ${name}`, async () => {
    const snapshot = new Forging();
    const descriptor = await forge(snapshot);
    const store = await bench.store(snapshot, descriptor ?? undefined);
    const target = bench.path(`target of ${name.slice(0, 40)}`);
    const ended = await bench.run(...args(store, target));
    assert.equal(ended.signal, null);
    assert.equal(ended.status, status, ended.stdout + ended.stderr);
    assert.match(ended.stdout, says);
    assert.ok(ended.peakBytes > 0);
    assert.ok(ended.peakBytes < MEMORY_MAX_BYTES, `it took ${Math.round(ended.peakBytes / 2 ** 20)} MiB`);
    if (status === 7) assert.ok(!existsSync(`${target}/r/a`));
  });
}
