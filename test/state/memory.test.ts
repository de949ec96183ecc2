import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { captureTree, restoreTree, temporaryFolder } from './support/source-machine.ts';

const KIB = 1024;

async function peakOf(folder: string, count: number): Promise<number> {
  const home = join(folder, `home${count}`);
  for (let index = 0; index < count; index++) {
    if (index % 1000 === 0) mkdirSync(join(home, `${index / 1000}`), { recursive: true });
    writeFileSync(join(home, `${Math.floor(index / 1000)}`, `file-with-a-name-${index}`), `${index}`);
  }
  let peak = 0;
  const sampler = new Worker(
    'const { parentPort } = require("node:worker_threads"); setInterval(() => parentPort.postMessage(process.memoryUsage.rss()), 10)',
    { eval: true },
  );
  sampler.on('message', (rss: number) => {
    peak = Math.max(peak, rss);
  });
  const captured = await captureTree(folder, [home]);
  await restoreTree(captured, join(folder, `target${count}`));
  await sampler.terminate();
  return peak;
}

test('memory does not grow with the number of files', async (t) => {
  const folder = temporaryFolder(t);
  await peakOf(folder, 2_000);
  const few = await peakOf(folder, 4_000);
  const many = await peakOf(folder, 12_000);
  const perFile = (many - few) / 8_000;
  assert.ok(perFile < 8 * KIB, `${Math.round(perFile)} bytes a file`);
});
