/** The thread of `watchdog.ts`. */
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { keep } from './kept.ts';

const LOOK_EVERY_MS = 5_000;
/** One that uses no CPU waits for something that does not come, or for its turn on a machine that others use. */
const WAITS_MAX_MS = 1_800_000;
const { shared, hangMs } = workerData as { shared: SharedArrayBuffer; hangMs: number };
const words = new Int32Array(shared, 0, 3);
let last = 0;
let since = process.cpuUsage();
let sinceMs = Date.now();

setInterval(() => {
  const execution = Atomics.load(words, 0);
  if (execution !== last || execution === 0) {
    last = execution;
    since = process.cpuUsage();
    sinceMs = Date.now();
  } else if (process.cpuUsage(since).user / 1000 > hangMs || Date.now() - sinceMs > WAITS_MAX_MS) {
    const [, bytes, name] = words as unknown as [number, number, number];
    const all = Buffer.from(new Uint8Array(shared, 12, name + bytes));
    const target = all.subarray(0, name).toString('utf8');
    // The thread that would write for this one does not come back.
    writeSync(2, `${target} hangs: ${keep('failures', target, all.subarray(name))}\n`);
    process.kill(process.pid, 'SIGKILL');
  }
}, LOOK_EVERY_MS);
