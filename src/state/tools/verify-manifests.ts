import { join } from 'node:path';
import { hexOf } from '../../common/bytes.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import { type PackId, packId } from '../../common/ids.ts';
import { damaged } from '../format/damaged.ts';
import type { Extent, SnapshotHeader } from '../format/index.ts';
import { showPath } from '../fs/show-path.ts';
import { type CheckedFile, ManifestChecker, type ManifestVisitor } from '../restore/manifest-checker.ts';
import type { Store } from '../store/index.ts';
import { Layout } from '../store/layout.ts';
import { ItemSpool } from './item-spool.ts';
import { manifestParts, openSnapshotOf } from './opened-snapshot.ts';
import { PackFrames, type StateKeys } from './pack-frames.ts';
import { PieceBuckets } from './piece-buckets.ts';
import type { VerifyEvents } from './verify-types.ts';

/** What the manifests of a state say of its files, sorted by pack, in scratch files. */
export class Contents {
  readonly keys: StateKeys;
  readonly pieces: PieceBuckets;
  readonly #folders: ItemSpool;
  readonly #scratch: string;
  /** The number of the first folder of each snapshot, ascending. */
  readonly #starts: { readonly folder: number; readonly snapshot: number }[] = [];
  #folderCount = 0;
  files = 0;

  constructor(keys: StateKeys, scratch: string) {
    this.keys = keys;
    this.pieces = new PieceBuckets(scratch);
    this.#folders = new ItemSpool(scratch);
    this.#scratch = scratch;
  }

  /** Returns the path of a scratch file for the reader of its manifest. */
  begin(snapshot: number): string {
    this.#starts.push({ folder: this.#folderCount, snapshot });
    return join(this.#scratch, `pending${snapshot}`);
  }

  addFolder(parent: number | undefined, name: Uint8Array): number {
    const number = this.#folderCount++;
    this.#folders.setFolder(number, parent, name);
    return number;
  }

  /** Which file of which snapshot lies there. */
  file(folder: number, name: Uint8Array): { snapshot: number; path: string } {
    const { snapshot } = this.#starts.findLast((start) => start.folder <= folder)!;
    return { snapshot, path: showPath(Buffer.concat([Buffer.from('/'), this.#folders.pathIn(folder, name)])) };
  }

  close(): void {
    this.#folders.close();
  }
}

/** Checks every manifest, and gathers which piece of which file lies where. Damage is told, and the rest goes on. */
export async function readManifests(
  store: Store,
  keys: StateKeys,
  headers: readonly SnapshotHeader[],
  packs: ReadonlyMap<PackId, number>,
  scratch: string,
  on: VerifyEvents,
): Promise<Contents> {
  const contents = new Contents(keys, scratch);
  const layout = new Layout(store.dir);
  const frames = new PackFrames((pack) => layout.pack(keys.stateId, pack), keys);
  const indexOfPack = new Map([...packs.keys()].map((id, index) => [id, index]));
  try {
    for (const header of headers) {
      const { snapshot } = header;
      try {
        await readManifest(header, frames, contents, indexOfPack, on);
      } catch (error) {
        if (!(error instanceof ResettleError) || (error.code !== 'damaged' && error.code !== 'refused')) throw error;
        const what = error.code === 'refused' ? 'key' : 'manifest';
        on.onDamage({ what, state: keys.stateId, snapshot, reason: messageOf(error), hint: error.hint });
      }
    }
  } finally {
    frames.close();
  }
  return contents;
}

async function readManifest(
  header: SnapshotHeader,
  frames: PackFrames,
  contents: Contents,
  indexOfPack: ReadonlyMap<PackId, number>,
  on: VerifyEvents,
): Promise<void> {
  const { snapshot } = header;
  const opened = openSnapshotOf(header, contents.keys.stateKey);
  const ownPacks = new Set(header.packs.map(({ id }) => id));
  const scratch = contents.begin(snapshot);
  const checker = new ManifestChecker(new ExtentGatherer(contents, indexOfPack, ownPacks), { scratch });
  try {
    for await (const { part, entries } of manifestParts(opened, frames, on.signal)) {
      checker.part(part, entries);
      on.onProgress({ phase: `manifest ${snapshot}`, bytes: 0, totalBytes: 0, files: contents.files, totalFiles: 0 });
    }
    checker.end(opened.sealed.totals);
  } finally {
    checker.close();
  }
}

class ExtentGatherer implements ManifestVisitor {
  readonly #contents: Contents;
  readonly #indexOfPack: ReadonlyMap<PackId, number>;
  readonly #ownPacks: ReadonlySet<PackId>;

  constructor(contents: Contents, indexOfPack: ReadonlyMap<PackId, number>, ownPacks: ReadonlySet<PackId>) {
    this.#contents = contents;
    this.#indexOfPack = indexOfPack;
    this.#ownPacks = ownPacks;
  }

  folder(parent: number | undefined, name: Uint8Array): number {
    return this.#contents.addFolder(parent, name);
  }

  entry(): void {}

  fileStart(): void {
    this.#contents.files += 1;
  }

  extent({ folder, entry }: CheckedFile, _fileOffset: number, extent: Extent, pack: Uint8Array): void {
    const id = packId(hexOf(pack));
    if (!this.#ownPacks.has(id)) throw damaged('it refers to a pack that the descriptor does not name');
    this.#contents.pieces.add(this.#indexOfPack.get(id)!, folder, entry.name, extent);
  }

  holes(): void {}

  fileEnd(): void {}

  symlink(): void {}

  hardlink(): void {}

  special(): void {}
}
