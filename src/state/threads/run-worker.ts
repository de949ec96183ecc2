import type { MessagePort } from 'node:worker_threads';
import { toThreadError } from './thread-error.ts';

/** Does a worker's one piece of work and lets the thread end; an error is told as `failed`. */
export function runWorker(port: MessagePort, work: () => Promise<void>): void {
  work()
    .catch((error: unknown) => port.postMessage({ type: 'failed', error: toThreadError(error) }))
    .finally(() => port.close());
}
