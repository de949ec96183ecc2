/** Whether a target takes far too long over an input: by the time that its thread was at work, whatever else the machine does. */
import { Finding, judge } from './judge.ts';
import type { Target } from './target.ts';

/** Nothing here takes a tenth of it but passphrases, which are slow by intent. */
const SLOW_CPU_MS = 3_000;
/** An execution that took this long by the clock is looked at again. */
export const SUSPECT_MS = 400;
const LOOKS = 3;

/** Throws `Finding` where it is slow each time. */
export async function assertNotSlow(target: Target, input: Uint8Array): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < LOOKS && least > SLOW_CPU_MS; look++) {
    const before = process.threadCpuUsage();
    await judge(target, input);
    const { user, system } = process.threadCpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  if (least > SLOW_CPU_MS) {
    throw new Finding('slow', `${input.length} bytes take ${Math.round(least)} ms of a CPU at least`);
  }
}
