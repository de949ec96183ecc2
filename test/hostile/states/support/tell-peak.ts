/** Loaded before the program: writes down, at its end, how much memory it had at the most. */
import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const into = process.env.RESETTLE_TEST_PEAK;
if (isMainThread && into !== undefined) {
  process.on('exit', () => {
    const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    writeFileSync(into, `${kib * 1024}`);
  });
}
