import { cpuSecondsOf, descendantsOf, nameOf, peakBytesOf, resetPeakOf } from './processes.ts';

const SAMPLE_EVERY_MS = 50;

/** What one step of a contestant has cost, over all processes that this one has started, directly or not. */
export interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of the process that had the most: the kernel's high-water mark, last read at most 50 ms before its end. */
  readonly peakBytes: number;
  readonly peakOf: string;
}

/** CPU seconds of every process that came from this one, dead or alive. */
function cpuSecondsOfAll(): number {
  let sum = cpuSecondsOf(process.pid).endedChildren;
  for (const pid of descendantsOf(process.pid)) {
    const { own, endedChildren } = cpuSecondsOf(pid);
    sum += own + endedChildren;
  }
  return sum;
}

/** Runs `step` and measures it. `names` says what long-lived processes are called; others go by their program. */
export async function measure(names: ReadonlyMap<number, string>, step: () => Promise<void>): Promise<Cost> {
  let peakBytes = 0;
  let peakOf = '';
  const sample = (): void => {
    for (const pid of descendantsOf(process.pid)) {
      const bytes = peakBytesOf(pid);
      if (bytes <= peakBytes) continue;
      peakBytes = bytes;
      peakOf = names.get(pid) ?? nameOf(pid);
    }
  };
  for (const pid of descendantsOf(process.pid)) resetPeakOf(pid);
  const cpuBefore = cpuSecondsOfAll();
  const timer = setInterval(sample, SAMPLE_EVERY_MS);
  const started = performance.now();
  try {
    await step();
  } finally {
    clearInterval(timer);
  }
  const seconds = (performance.now() - started) / 1000;
  sample();
  return { seconds, cpuSeconds: cpuSecondsOfAll() - cpuBefore, peakBytes, peakOf };
}
