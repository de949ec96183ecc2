import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { HostileState } from './hostile-state.ts';
import { isForUs } from './is-for-us.ts';
import { runState } from './run-state.ts';
import type { StateJob, StateVerdict } from './state-thread.ts';

/**
 * A test for each state of a table, the first export of that module. Those that are damaged are refused in one thread after
 * another; what is restored has threads of its own, as in the program.
 */
export function testAll(states: readonly HostileState[], table: URL): void {
  let thread: Worker | undefined;
  after(() => thread?.terminate());
  for (const [index, state] of states.entries()) {
    if (!isForUs(state)) continue;
    test(`hostile: ${state.name}`, async () => {
      if ('refused' in state.must) {
        thread ??= startThread();
        const job: StateJob = { table: table.href, index };
        thread.postMessage(job);
        const [{ failure, isWhole }] = (await Promise.race([once(thread, 'message'), ended(thread)])) as [StateVerdict];
        assert.equal(failure, undefined, failure);
        if (isWhole) return;
      }
      await runState(state);
    });
  }
}

async function ended(thread: Worker): Promise<never> {
  await once(thread, 'exit');
  throw new Error('the thread ended');
}

function startThread(): Worker {
  const stop = new SharedArrayBuffer(4);
  return new Worker(new URL('./state-thread.ts', import.meta.url), { workerData: { stop } });
}
