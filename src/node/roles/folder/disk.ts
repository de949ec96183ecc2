import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../../common/errors.ts';
import type { StateId } from '../../../common/ids.ts';
import type { PackSink, PackSource } from '../../../common/ports.ts';
import { Store, type StoreOptions, storeSink, storeSource } from '../../../state/store/index.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT']);
const CLOSED = new Set(['EROFS', 'EACCES', 'EPERM']);
/** What a disk says that was pulled out, or whose connection broke. */
const GONE = new Set(['EIO', 'ENODEV', 'ENXIO', 'ENOENT', 'ENOTDIR', 'ENOTCONN', 'ECONNABORTED', 'ESTALE', 'EUCLEAN']);

/** Opens a store in a folder. Errors of the disk name the folder: see `diskError`. */
export async function openFolderStore(dir: string, options: StoreOptions): Promise<Store> {
  try {
    return await Store.open(dir, options);
  } catch (error) {
    if (error instanceof ResettleError && error.code === 'not-empty') {
      throw new ResettleError('not-empty', error.message, {
        hint: `name a folder of its own, such as ${join(dir, 'resettle')}`,
        cause: error,
      });
    }
    throw diskError(dir, error);
  }
}

/** Does something with a store's disk, and says which folder it was about where the disk fails. */
export async function onDisk<T>(dir: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw diskError(dir, error);
  }
}

/** What a full, closed or absent disk means for a person; `no-point` where it is full. Other errors stay as they are. */
function diskError(dir: string, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  if (FULL.has(errno)) {
    return new ResettleError('no-point', `there is no space left in ${dir}`, {
      hint: 'free some space there, or name a folder on a larger disk; the same command then goes on',
      cause: error,
    });
  }
  if (CLOSED.has(errno)) {
    const why = errno === 'EROFS' ? 'its file system is read-only' : 'it is not allowed';
    return new ResettleError('failed', `${dir} cannot be written: ${why}`, {
      hint: 'name a folder that the user of this command, or of the running agent, may write',
      cause: error,
    });
  }
  if (GONE.has(errno)) {
    return new ResettleError('failed', `the disk of ${dir} cannot be used any more (${errno})`, {
      hint: 'put it in again and run the same command: what is on it stays good',
      cause: error,
    });
  }
  return error;
}

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof ResettleError) {
    return error.code === 'failed' || error.code === 'no-space' ? errnoOf(error.cause) : undefined;
  }
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Takes packs for one state. */
export function diskSink(store: Store, state: StateId): PackSink {
  const sink = storeSink(store, state);
  return { put: (pack, signal) => onDisk(store.dir, sink.put(pack, signal)) };
}

/** Gives the packs of one state. A pack that is missing is damage, but not where the whole disk is gone. */
export function diskSource(store: Store, state: StateId): PackSource {
  const source = storeSource(store, state);
  return {
    async get(id, sizeBytes, into, signal) {
      try {
        await source.get(id, sizeBytes, into, signal);
      } catch (error) {
        if (existsSync(join(store.dir, 'resettle.json')))
          throw errnoOf(error) === 'EIO' ? error : diskError(store.dir, error);
        throw diskError(store.dir, Object.assign(new Error('the store is gone'), { code: 'ENODEV' }));
      }
    },
  };
}
