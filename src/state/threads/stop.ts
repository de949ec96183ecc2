import { workerData } from 'node:worker_threads';
import { ResettleError } from '../../common/errors.ts';

/** What every worker of ours is started with beside its own data. */
export interface StopData {
  readonly stop: SharedArrayBuffer;
}

let flag: Int32Array | undefined;

/** In a worker: whether the thread that started it has asked it to end. Cheap enough for every file. */
export function stopRequested(): boolean {
  flag ??= new Int32Array((workerData as StopData).stop);
  return Atomics.load(flag, 0) !== 0;
}

/** Throws `interrupted` once the worker was asked to end: descriptors are closed on the way out. */
export function throwIfStopped(): void {
  if (stopRequested()) throw new ResettleError('interrupted', 'interrupted');
}
