import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ResettleError } from '../../common/errors.ts';
import type { PackId, StateId } from '../../common/ids.ts';
import { PACK_MAX_BYTES, POINT_PACKS_IN_FLIGHT } from '../../common/limits.ts';
import type { PackHolder } from '../../common/ports.ts';
import { damaged } from '../format/damaged.ts';
import { codeOf } from '../fs/errno.ts';
import { orNoSpace } from '../fs/no-space.ts';
import { fromThreadError } from '../threads/thread-error.ts';
import { WorkerThread } from '../threads/worker-thread.ts';
import { BufferPool } from './buffer-pool.ts';
import { Layout } from './layout.ts';
import type { FromStoreWorker, StoreCall, StoreWorkerData, ToStoreWorker } from './messages.ts';
import type { HeldState, KeyName, PackSize, SnapshotFile, StateUsage, StoreOptions } from './types.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  onProgress?(bytes: number): void;
}

/**
 * A store in a folder, opened by its owner. Files are written, hashed and synced in a worker thread; what was written
 * is durable when a call has settled. Errors: `not-found`, `damaged`, `refused`, `no-space`, `usage` for a bad id or name.
 */
export class Store implements PackHolder {
  readonly dir: string;
  readonly #layout: Layout;
  readonly #worker: WorkerThread<FromStoreWorker>;
  readonly #pool: BufferPool;
  readonly #pending = new Map<number, Pending>();
  #id = '';
  #calls = 0;
  #failure: Error | undefined;

  private constructor(dir: string, buffers: number) {
    this.dir = dir;
    this.#layout = new Layout(dir);
    this.#pool = new BufferPool(buffers);
    const data: StoreWorkerData = { dir };
    this.#worker = new WorkerThread<FromStoreWorker>(new URL('./worker.ts', import.meta.url), data);
    this.#worker.listen(
      (message) => this.#answer(message),
      (error) => this.#fail(error),
    );
  }

  /** The store's own id, 64 hexadecimal digits. */
  get id(): string {
    return this.#id;
  }

  /**
   * Opens a store; `create` makes it in an empty or absent folder. Locks it and empties its `tmp`, but not where
   * `readOnly` says that nothing shall be written.
   */
  static async open(dir: string, options: StoreOptions = {}): Promise<Store> {
    const store = new Store(resolve(dir), options.buffers ?? POINT_PACKS_IN_FLIGHT);
    try {
      const how = options.readOnly ? 'read' : options.create ? 'create' : 'own';
      store.#id = (await store.#call('open', how)) as string;
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  async states(): Promise<HeldState[]> {
    return (await this.#call('states')) as HeldState[];
  }

  /** Makes the folders of a state, if they are not there. */
  async createState(id: StateId): Promise<void> {
    await this.#call('createState', id);
  }

  async writeInfo(id: StateId, info: unknown): Promise<void> {
    await this.#call('writeInfo', id, info);
  }

  async readInfo(id: StateId): Promise<unknown | undefined> {
    return await this.#call('readInfo', id);
  }

  /** What the point that owns this store keeps about itself: any JSON, a hint. */
  async writePointFile(value: unknown): Promise<void> {
    await this.#call('writePointFile', value);
  }

  async readPointFile(): Promise<unknown | undefined> {
    return await this.#call('readPointFile');
  }

  async writeKey(id: StateId, name: KeyName, bytes: Uint8Array): Promise<void> {
    await this.#call('writeKey', id, name, bytes);
  }

  async readKey(id: StateId, name: KeyName): Promise<Uint8Array | undefined> {
    return (await this.#call('readKey', id, name)) as Uint8Array | undefined;
  }

  /** Who has a key file of this state. */
  async keyNames(id: StateId): Promise<KeyName[]> {
    return (await this.#call('keyNames', id)) as KeyName[];
  }

  async packSize(id: StateId, pack: PackId): Promise<number | undefined> {
    return (await this.#call('packSize', id, pack)) as number | undefined;
  }

  /** Of these packs, those that are not there at all. */
  async missingPacks(id: StateId, packs: readonly PackId[]): Promise<PackId[]> {
    return (await this.#call('missingPacks', id, packs)) as PackId[];
  }

  borrow(signal: AbortSignal): Promise<Uint8Array> {
    return this.#pool.borrow(signal);
  }

  giveBack(buffer: Uint8Array): void {
    this.#pool.giveBack(buffer.buffer as ArrayBuffer);
  }

  /** Takes the borrowed buffer back, whatever comes of it. */
  async storePack(id: StateId, pack: PackId, buffer: Uint8Array, sizeBytes: number): Promise<void> {
    const memory = buffer.buffer as ArrayBuffer;
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > memory.byteLength) {
      this.giveBack(buffer);
      throw damaged(`a pack cannot have ${sizeBytes} bytes`);
    }
    await this.#send({ call: 0, name: 'storePack', args: [id, pack], buffer: memory, sizeBytes }, [memory]);
  }

  /** Reads a pack into a borrowed buffer, from its front; returns its size. The reader checks the id. */
  async loadPack(id: StateId, pack: PackId, buffer: Uint8Array): Promise<number> {
    // Without waiting: what a stranger's disk calls a pack may be a FIFO.
    const file = await open(this.#layout.pack(id, pack), constants.O_RDONLY | constants.O_NONBLOCK).catch(
      (error: unknown) => {
        if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ELOOP') throw error;
        throw new ResettleError('not-found', `pack ${pack.slice(0, 12)} is not in the store`, {
          hint: 'restore from another copy of this state',
          cause: error,
        });
      },
    );
    try {
      const stats = await file.stat();
      const { size } = stats;
      if (!stats.isFile()) throw damaged(`pack ${pack.slice(0, 12)} is not a file`);
      if (size > PACK_MAX_BYTES || size > buffer.length) throw damaged(`pack ${pack.slice(0, 12)} is too large`);
      for (let read = 0; read < size; ) {
        const { bytesRead } = await file.read(buffer, read, size - read, read);
        if (bytesRead === 0) throw damaged(`pack ${pack.slice(0, 12)} ends early`);
        read += bytesRead;
      }
      return size;
    } finally {
      await file.close();
    }
  }

  /** Reads each pack from the disk; returns those that are missing or damaged. */
  async verifyPacks(id: StateId, packs: readonly PackSize[], onPack?: (bytes: number) => void): Promise<PackId[]> {
    const message: ToStoreWorker = { call: 0, name: 'verifyPacks', args: [id, packs] };
    return (await this.#send(message, [], onPack)) as PackId[];
  }

  /** Takes a damaged pack out of the state: it is missing from now on, until it is stored again. */
  async setPackAside(id: StateId, pack: PackId): Promise<void> {
    await this.#call('setPackAside', id, pack);
  }

  /** Takes a damaged descriptor out of the state: that snapshot is not held any more, until it is committed again. */
  async setSnapshotAside(id: StateId, snapshot: number): Promise<void> {
    await this.#call('setSnapshotAside', id, snapshot);
  }

  /** Bytes of the state now, counted on the disk. */
  async usage(id: StateId): Promise<StateUsage> {
    return (await this.#call('usage', id)) as StateUsage;
  }

  /** Commits a snapshot. The same bytes again are fine; other bytes are `refused`. */
  async writeDescriptor(id: StateId, snapshot: number, bytes: Uint8Array): Promise<void> {
    await this.#call('writeDescriptor', id, snapshot, bytes);
  }

  async readDescriptor(id: StateId, snapshot: number): Promise<Uint8Array | undefined> {
    return (await this.#call('readDescriptor', id, snapshot)) as Uint8Array | undefined;
  }

  /** What there is of descriptors, by number, without a look into them. */
  async snapshotFiles(id: StateId): Promise<SnapshotFile[]> {
    return (await this.#call('snapshotFiles', id)) as SnapshotFile[];
  }

  /** Every pack that is there, whatever refers to it. */
  async packs(id: StateId): Promise<PackSize[]> {
    return (await this.#call('packs', id)) as PackSize[];
  }

  /** Takes a snapshot out of the state; what only that one refers to is dropped afterwards, never before. */
  async dropSnapshot(id: StateId, snapshot: number): Promise<void> {
    await this.#call('dropSnapshot', id, snapshot);
  }

  /** Removes every other pack of the state; returns the bytes freed. */
  async dropPacksExcept(id: StateId, keep: readonly PackId[]): Promise<number> {
    return (await this.#call('dropPacksExcept', id, keep)) as number;
  }

  async deleteState(id: StateId): Promise<void> {
    await this.#call('deleteState', id);
  }

  /** Bytes that this process may still write to the file system. */
  async freeBytes(): Promise<number> {
    return (await this.#call('freeBytes')) as number;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#pending.keys()].length > 0 ? [this.#call('freeBytes')] : []);
    this.#fail(new ResettleError('failed', 'the store was closed'));
    await this.#worker.terminate();
  }

  #call(name: StoreCall, ...args: unknown[]): Promise<unknown> {
    return this.#send({ call: 0, name, args });
  }

  #send(message: ToStoreWorker, transfer: ArrayBuffer[] = [], onProgress?: (bytes: number) => void): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    const call = ++this.#calls;
    return new Promise((resolveCall, reject) => {
      this.#pending.set(call, { resolve: resolveCall, reject, ...(onProgress && { onProgress }) });
      this.#worker.post({ ...message, call }, transfer);
    });
  }

  #answer(message: FromStoreWorker): void {
    const pending = this.#pending.get(message.call);
    if ('progressBytes' in message) {
      pending?.onProgress?.(message.progressBytes);
      return;
    }
    if (message.buffer) this.#pool.giveBack(message.buffer);
    this.#pending.delete(message.call);
    if ('error' in message) pending?.reject(orNoSpace(fromThreadError(message.error), this.dir));
    else pending?.resolve(message.value);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const pending of this.#pending.values()) pending.reject(this.#failure);
    this.#pending.clear();
  }
}
