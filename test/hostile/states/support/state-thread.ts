/** Restores hostile states one after another, each by the name of its table and its place there. */
import { parentPort } from 'node:worker_threads';
import type { HostileState } from './hostile-state.ts';
import { restoreHere } from './restore-here.ts';
import { runState } from './run-state.ts';

export interface StateJob {
  readonly table: string;
  readonly index: number;
}

/** `isWhole`: see `runState`. */
export interface StateVerdict {
  readonly isWhole: boolean;
  readonly failure: string | undefined;
}

const port = parentPort!;
const tell = (verdict: StateVerdict): void => port.postMessage(verdict);

port.on('message', async ({ table, index }: StateJob) => {
  try {
    const module = (await import(table)) as Readonly<Record<string, readonly HostileState[]>>;
    tell({ isWhole: await runState(Object.values(module)[0]![index]!, restoreHere), failure: undefined });
  } catch (error) {
    tell({ isWhole: true, failure: error instanceof Error ? error.stack : String(error) });
  }
});
