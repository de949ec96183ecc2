import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type PackId, packId } from '../../common/ids.ts';
import type { PackSink } from '../../common/ports.ts';
import { orNoSpace } from '../fs/no-space.ts';
import { THIS_MACHINE } from '../plan/source-tree.ts';
import { WorkerThread } from '../threads/worker-thread.ts';
import type { CaptureWorkerData, FromCaptureWorker } from './messages.ts';
import type { Capture, CaptureEvents, CaptureOptions, CaptureResult, PlanSummary } from './types.ts';

/**
 * Scans the given paths in a worker thread; phase `scan`. The plan says how many bytes a capture can take at most;
 * `run` then does what was planned. Throws `usage`, `not-found`, `nothing-left`, or the signal's reason.
 */
export async function planCapture(options: CaptureOptions, on: CaptureEvents): Promise<Capture> {
  on.signal.throwIfAborted();
  /** All that the worker itself writes lies there, or beside it. */
  const noted = (error: unknown) => orNoSpace(error, options.scratchDir);
  const scratch = await mkdtemp(join(options.scratchDir, 'capture-')).catch((error: unknown) => {
    throw noted(error);
  });
  const data: CaptureWorkerData = {
    paths: options.paths,
    filter: options.filter,
    exclude: options.exclude,
    tree: options.tree ?? THIS_MACHINE,
    scratch,
    stateId: options.stateId,
    stateKey: options.stateKey,
    cacheFile: options.cacheFile,
    settleMs: options.settleMs ?? SETTLE_MS,
  };
  const worker = new WorkerThread<FromCaptureWorker>(new URL('./worker.ts', import.meta.url), data, SEMI_SPACE_MB);
  const close = async () => {
    await worker.stop();
    await rm(scratch, { recursive: true, force: true });
  };
  try {
    const plan = await scanned(worker, options.missingPacks ?? (async (packs) => packs), on);
    return {
      plan,
      run: (sink, events) => run(worker, sink, events, noted),
      committed: async () => {
        try {
          await settled(worker);
          return undefined;
        } catch (error) {
          return noted(error) as Error;
        }
      },
      close,
    };
  } catch (error) {
    await close();
    throw noted(error);
  }
}

/** Rejects with the signal's reason when it aborts; `settle` ends the listening. */
function abortable<T>(
  signal: AbortSignal,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const settle =
      <A>(settled: (value: A) => void) =>
      (value: A) => {
        signal.removeEventListener('abort', onAbort);
        settled(value);
      };
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    start(settle(resolve), settle(reject));
  });
}

/** Larger ones were no faster, and each MiB of it keeps more of native memory waiting. */
const SEMI_SPACE_MB = 8;
/** What a clock of whole seconds, or of FAT's two, may hide, and a second more. */
const SETTLE_MS = 3_000;

function settled(worker: WorkerThread<FromCaptureWorker>): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.listen((message) => message.type === 'settled' && resolve(), reject);
    worker.post({ type: 'committed' });
  });
}

function scanned(
  worker: WorkerThread<FromCaptureWorker>,
  missingPacks: NonNullable<CaptureOptions['missingPacks']>,
  on: CaptureEvents,
): Promise<PlanSummary> {
  return abortable(on.signal, (resolve, reject) => {
    worker.listen((message) => {
      if (message.type === 'progress') on.onProgress(message.progress);
      else if (message.type === 'planned') resolve(message.plan);
      else if (message.type === 'known') {
        missingPacks(message.packs).then((packs) => worker.post({ type: 'missing', packs }), reject);
      }
    }, reject);
  });
}

async function run(
  worker: WorkerThread<FromCaptureWorker>,
  sink: PackSink,
  on: CaptureEvents,
  noted: (error: unknown) => unknown,
): Promise<CaptureResult> {
  // A failed put aborts the others, and whoever calls aborts them all.
  const puts = new AbortController();
  const signal = AbortSignal.any([on.signal, puts.signal]);
  const pending = new Set<Promise<void>>();
  try {
    const result = await abortable<CaptureResult>(on.signal, (resolve, reject) => {
      const put = async (index: number, id: PackId, sizeBytes: number, buffer: ArrayBuffer) => {
        await sink.put({ id, bytes: new Uint8Array(buffer, 0, sizeBytes) }, signal);
        worker.post({ type: 'buffer', index, buffer }, [buffer]);
      };
      worker.listen(
        (message) => {
          if (message.type === 'progress') on.onProgress(message.progress);
          else if (message.type === 'done') resolve(message.result);
          else if (message.type === 'pack') {
            const task = put(message.index, packId(message.id), message.sizeBytes, message.buffer);
            pending.add(task);
            task.then(() => pending.delete(task), reject);
          }
        },
        (error) => reject(noted(error)),
      );
      worker.post({ type: 'run' });
    });
    await Promise.all(pending);
    return result;
  } catch (error) {
    puts.abort(error);
    await worker.stop();
    throw error;
  }
}
