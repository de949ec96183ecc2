import { after, test } from 'node:test';
import type { HostileState } from './hostile-state.ts';
import { isForUs } from './is-for-us.ts';
import { runState } from './run-state.ts';
import { StateThread } from './state-thread.ts';

/**
 * A test for each state of a table, the first export of that module, all in one thread. `isUndone`: each restore has a
 * thread of its own, as in the program, and is taken back; that takes five times as long. By hand all of them are.
 */
export function testAll(states: readonly HostileState[], table: URL, { isUndone = false } = {}): void {
  // Started when the first state of the table has its turn.
  let thread: StateThread | undefined;
  after(() => thread?.end());
  for (const [index, state] of states.entries()) {
    if (!isForUs(state)) continue;
    test(`hostile: ${state.name}`, async () => {
      if (isUndone) return await runState(state);
      thread ??= new StateThread();
      await thread.run(table, index);
    });
  }
}
