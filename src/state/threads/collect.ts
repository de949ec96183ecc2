import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Native memory that may wait to be freed before the young generation is collected. */
const COLLECT_EVERY_BYTES = 8 * 1024 * 1024;

type Collect = (options: { type: 'minor' } | { type: 'major'; flavor: 'last-resort' }) => void;

let collect: Collect | undefined;
let allocatedBytes = 0;

/**
 * Tells that a call has given a fresh buffer of native memory that dies soon. V8 counts the few bytes of its handle and
 * sees no reason to collect, so a thread that opens a segment after the other would keep a hundred MiB of dead ones.
 * A collection of the young generation frees them; it takes a millisecond or two (docs/PERFORMANCE.md).
 */
export function noteNativeBytes(byteCount: number): void {
  allocatedBytes += byteCount;
  if (allocatedBytes < COLLECT_EVERY_BYTES) return;
  allocatedBytes = 0;
  collector()({ type: 'minor' });
}

/** Frees what a phase left behind, before the next one takes its own: 20 to 50 ms, in a worker only. */
export function collectAfterPhase(): void {
  collector()({ type: 'major', flavor: 'last-resort' });
}

function collector(): Collect {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  return collect;
}
