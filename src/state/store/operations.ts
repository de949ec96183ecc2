import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Blake3Hasher } from '@napi-rs/blake-hash';
import { asBuffer } from '../../common/bytes.ts';
import { makeFolderDurably, syncFolder } from '../../common/durable-folders.ts';
import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import { type PackId, packId, type StateId, stateId } from '../../common/ids.ts';
import { DESCRIPTOR_MAX_BYTES, KEY_FILE_MAX_BYTES } from '../../common/limits.ts';
import { makeFolders } from '../../common/make-folders.ts';
import { damaged } from '../format/damaged.ts';
import { digest } from '../format/digest.ts';
import { codeOf, isUnreadable, reasonOf } from '../fs/errno.ts';
import { writeDurably } from './durable.ts';
import { isKeyName, isPackName, isStateName, type Layout } from './layout.ts';
import { namesIn } from './names-in.ts';
import { deviceOf, openStore } from './open-store.ts';
import { statIfThere } from './stat-if-there.ts';
import type { HeldState, KeyName, PackSize, SnapshotFile, StateUsage } from './types.ts';

/** Read at a time where a whole file is hashed. */
const PIECE_BYTES = 1024 * 1024;
const INFO_MAX_BYTES = 1024 * 1024;

/** What a store does, synchronously, in its worker. One deleter: the owner of the store. */
export class StoreOperations {
  readonly #layout: Layout;
  /** Of the store's file system; undefined while it is not open for writing. */
  #device: bigint | undefined;
  readonly #piece = Buffer.allocUnsafeSlow(PIECE_BYTES);

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** Returns the store's id. */
  open(how: 'create' | 'own' | 'read'): string {
    const { id, device } = openStore(this.#layout, how);
    if (how !== 'read') this.#device = device;
    return id;
  }

  states(): HeldState[] {
    return namesIn(this.#layout.states)
      .filter(isStateName)
      .sort()
      .map((name) => this.#held(stateId(name)));
  }

  createState(id: StateId): void {
    this.#mustBeThere();
    for (const folder of [this.#layout.keys(id), this.#layout.snapshots(id), this.#layout.packs(id)]) {
      makeFolderDurably(folder);
      failpoint('store.state-folder-made');
    }
  }

  writeInfo(id: StateId, info: unknown): void {
    this.#write(this.#layout.state(id), this.#layout.info(id), Buffer.from(`${JSON.stringify(info)}\n`));
  }

  readInfo(id: StateId): unknown {
    return hintIn(this.#layout.info(id));
  }

  /** What the point that owns this store keeps about itself: a hint. */
  writePointFile(value: unknown): void {
    this.#write(this.#layout.dir, this.#layout.pointFile, Buffer.from(`${JSON.stringify(value)}\n`));
  }

  readPointFile(): unknown {
    return hintIn(this.#layout.pointFile);
  }

  writeKey(id: StateId, name: KeyName, bytes: Uint8Array): void {
    this.#write(this.#layout.keys(id), this.#layout.key(id, name), bytes);
  }

  readKey(id: StateId, name: KeyName): Uint8Array | undefined {
    return readIfThere(this.#layout.key(id, name), KEY_FILE_MAX_BYTES);
  }

  keyNames(id: StateId): KeyName[] {
    return namesIn(this.#layout.keys(id))
      .map((file) => file.replace(/\.age$/, ''))
      .filter(isKeyName)
      .sort();
  }

  packSize(id: StateId, pack: PackId): number | undefined {
    return statIfThere(this.#layout.pack(id, pack))?.size;
  }

  /** Of these packs, those that are not there at all. */
  missingPacks(id: StateId, packs: readonly PackId[]): PackId[] {
    return packs.filter((pack) => this.packSize(id, pack) === undefined);
  }

  storePack(id: StateId, pack: PackId, bytes: Uint8Array): void {
    if (digest(bytes).toString('hex') !== pack) throw damaged(`these bytes are not pack ${pack.slice(0, 12)}`);
    const path = this.#layout.pack(id, pack);
    const present = statIfThere(path);
    if (present?.size === bytes.length && this.#isWhole(path, pack)) {
      // A process that was killed may have left it there without having synced its name.
      syncFolder(dirname(path));
      return;
    }
    // Nothing is renamed over a folder.
    if (present?.isDirectory()) this.setPackAside(id, pack);
    this.#write(this.#layout.packFolder(id, pack), path, bytes);
    failpoint('store.pack-stored');
    rmSync(this.#layout.damagedPack(id, pack), { recursive: true, force: true });
  }

  /** Takes a damaged pack out of the state; what can still be read of it stays until a whole one is stored. */
  setPackAside(id: StateId, pack: PackId): void {
    // It may have been stored again since it was found damaged.
    if (this.#isWhole(this.#layout.pack(id, pack), pack)) return;
    this.#setAside(id, this.#layout.pack(id, pack), this.#layout.damagedPack(id, pack));
  }

  /** Takes a damaged descriptor out of the state. */
  setSnapshotAside(id: StateId, snapshot: number): void {
    this.#setAside(id, this.#layout.snapshot(id, snapshot), join(this.#layout.damaged(id), `snapshot-${snapshot}`));
  }

  /** The packs that are missing or damaged; tells the bytes of each one that was read. */
  verifyPacks(id: StateId, packs: readonly PackSize[], onPack: (bytes: number) => void): PackId[] {
    return packs
      .filter(({ id: pack, sizeBytes }) => {
        const path = this.#layout.pack(id, pack);
        const whole = this.packSize(id, pack) === sizeBytes && this.#isWhole(path, pack);
        onPack(sizeBytes);
        return !whole;
      })
      .map((pack) => pack.id);
  }

  writeDescriptor(id: StateId, snapshot: number, bytes: Uint8Array): void {
    const path = this.#layout.snapshot(id, snapshot);
    const present = readIfThere(path, DESCRIPTOR_MAX_BYTES);
    if (present) {
      if (present.equals(asBuffer(bytes))) {
        syncFolder(this.#layout.snapshots(id));
        return;
      }
      throw new ResettleError('refused', `state ${id.slice(0, 12)} has another snapshot ${snapshot} already`, {
        hint: 'capture again: the next snapshot takes the next number',
      });
    }
    this.#syncNames(id);
    this.#write(this.#layout.snapshots(id), path, bytes);
  }

  /** What it names may be there since a process that was killed before it had synced a name. */
  #syncNames(id: StateId): void {
    const packs = this.#layout.packs(id);
    for (const prefix of namesIn(packs)) syncFolder(join(packs, prefix));
    for (const folder of [packs, this.#layout.keys(id), this.#layout.state(id), this.#layout.states]) {
      if (existsSync(folder)) syncFolder(folder);
    }
  }

  readDescriptor(id: StateId, snapshot: number): Uint8Array | undefined {
    return readIfThere(this.#layout.snapshot(id, snapshot), DESCRIPTOR_MAX_BYTES);
  }

  /** What the snapshots' files say of themselves; `writtenAtMs` is the file's modification time. */
  snapshotFiles(id: StateId): SnapshotFile[] {
    return this.#snapshots(id).flatMap((snapshot) => {
      const stats = statIfThere(this.#layout.snapshot(id, snapshot));
      return stats ? [{ snapshot, sizeBytes: stats.size, writtenAtMs: stats.mtimeMs }] : [];
    });
  }

  /** Every pack that is there, whatever refers to it. */
  packs(id: StateId): PackSize[] {
    return [...this.#packFiles(id)].map(({ name, sizeBytes }) => ({ id: name, sizeBytes }));
  }

  /** Durably. Its packs stay: drop them afterwards, never before. */
  dropSnapshot(id: StateId, snapshot: number): void {
    rmSync(this.#layout.snapshot(id, snapshot), { force: true });
    failpoint('store.snapshot-dropped');
    syncFolder(this.#layout.snapshots(id));
  }

  dropPacksExcept(id: StateId, keep: readonly PackId[]): number {
    const kept = new Set<string>(keep);
    let freed = 0;
    for (const { name, path, sizeBytes, folder } of this.#packFiles(id)) {
      if (kept.has(name)) continue;
      rmSync(path, { recursive: true, force: true });
      failpoint('store.pack-dropped');
      syncFolder(folder);
      freed += sizeBytes;
    }
    for (const name of namesIn(this.#layout.damaged(id))) {
      if (!isPackName(name) || kept.has(name)) continue;
      const path = join(this.#layout.damaged(id), name);
      freed += statIfThere(path)?.size ?? 0;
      rmSync(path, { recursive: true, force: true });
    }
    return freed;
  }

  deleteState(id: StateId): void {
    const folder = this.#layout.state(id);
    if (!existsSync(folder)) return;
    // Descriptors first: what a crash leaves is a state that nothing can be restored of, never half of one.
    rmSync(this.#layout.snapshots(id), { recursive: true, force: true });
    syncFolder(folder);
    failpoint('store.snapshots-deleted');
    rmSync(folder, { recursive: true, force: true });
    failpoint('store.state-deleted');
    syncFolder(this.#layout.states);
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#layout.dir);
    return bavail * bsize;
  }

  /** Bytes of the state now, counted on the disk. */
  usage(id: StateId): StateUsage {
    const small = [this.#layout.snapshots(id), this.#layout.keys(id), this.#layout.damaged(id)].flatMap((folder) =>
      namesIn(folder).map((name) => statIfThere(join(folder, name))?.size ?? 0),
    );
    let packBytes = 0;
    for (const { sizeBytes } of this.#packFiles(id)) packBytes += sizeBytes;
    return { packBytes, usedBytes: small.reduce((sum, size) => sum + size, packBytes) };
  }

  #setAside(id: StateId, from: string, to: string): void {
    this.#mustBeThere();
    makeFolderDurably(this.#layout.damaged(id));
    try {
      // A file and a folder do not take each other's place.
      if (existsSync(from)) rmSync(to, { recursive: true, force: true });
      renameSync(from, to);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    failpoint('store.set-aside');
    syncFolder(dirname(from));
    syncFolder(dirname(to));
  }

  #write(folder: string, path: string, bytes: Uint8Array): void {
    this.#mustBeThere();
    makeFolderDurably(folder);
    makeFolders(this.#layout.tmp, 0o700);
    writeDurably(this.#layout.tmp, path, bytes);
  }

  /** A disk that was unmounted leaves its mount point, which must not be taken for it. */
  #mustBeThere(): void {
    if (this.#device === undefined) {
      throw new ResettleError('failed', `the store in ${this.#layout.dir} was opened to be read only`);
    }
    if (deviceOf(this.#layout) !== this.#device) {
      throw new ResettleError('failed', `the store is not in ${this.#layout.dir} any more`, {
        hint: 'put its disk in again, and run the same command again',
      });
    }
  }

  #isWhole(path: string, pack: PackId): boolean {
    try {
      return this.#digestOf(path) === pack;
    } catch (error) {
      if (error instanceof ResettleError || isUnreadable(error)) return false;
      throw error;
    }
  }

  /** Piece by piece through one buffer: a fresh one for each pack made the process grow by 150 MiB. */
  #digestOf(path: string): string {
    const hasher = new Blake3Hasher();
    // Without waiting: it may be a FIFO.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(fd).isFile()) throw damaged(`${path} is not a file`);
      for (;;) {
        const count = readSync(fd, this.#piece, 0, this.#piece.length, null);
        if (count === 0) return hasher.digest('hex');
        hasher.update(this.#piece.subarray(0, count));
      }
    } finally {
      closeSync(fd);
    }
  }

  #snapshots(id: StateId): number[] {
    return namesIn(this.#layout.snapshots(id))
      .filter((name) => /^[1-9]\d{0,9}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  #held(id: StateId): HeldState {
    const snapshots = this.#snapshots(id);
    return { stateId: id, info: this.readInfo(id), snapshots, ...this.usage(id) };
  }

  *#packFiles(id: StateId): Generator<{ name: PackId; path: string; folder: string; sizeBytes: number }> {
    for (const prefix of namesIn(this.#layout.packs(id))) {
      const folder = join(this.#layout.packs(id), prefix);
      for (const name of namesIn(folder)) {
        if (!isPackName(name)) continue;
        const path = join(folder, name);
        yield {
          name: packId(name),
          path,
          folder,
          sizeBytes: statIfThere(path)?.size ?? 0,
        };
      }
    }
  }
}

/** A hint only: what is true is signed and stands elsewhere. Whatever is wrong with it, it is as if it were not there. */
function hintIn(path: string): unknown {
  try {
    const bytes = readIfThere(path, INFO_MAX_BYTES);
    return bytes && (JSON.parse(bytes.toString('utf8')) as unknown);
  } catch {
    return undefined;
  }
}

function readIfThere(path: string, maxBytes: number): Buffer | undefined {
  const stats = statIfThere(path);
  if (!stats) return undefined;
  // On a disk from somebody else it may be a FIFO, which would never end.
  if (!stats.isFile()) throw damaged(`${path} is not a file`);
  if (stats.size > maxBytes) throw damaged(`${path} is larger than it can be`);
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (!isUnreadable(error)) throw error;
    throw damaged(`${path} cannot be read: ${reasonOf(error)}`, error);
  }
}
