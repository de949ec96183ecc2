import { join } from 'node:path';
import { hexOf } from '../../common/bytes.ts';
import { type PackId, packId } from '../../common/ids.ts';
import { damaged } from '../format/damaged.ts';
import type { HardlinkEntry, Hole, SpecialEntry, SymlinkEntry } from '../format/entry.ts';
import type { Entry, Extent, ManifestPart, Metadata } from '../format/index.ts';
import { type CheckedFile, ManifestChecker, type ManifestVisitor } from '../restore/manifest-checker.ts';
import { FolderTrail } from './folder-trail.ts';
import { ItemSpool } from './item-spool.ts';
import { manifestParts, type OpenedSnapshot } from './opened-snapshot.ts';
import { OwnerNames } from './owner-names.ts';
import type { PackFrames } from './pack-frames.ts';

/** What has metadata: no continuation of a file, no folder above what was captured. */
export type ItemEntry = Exclude<Entry, { readonly kind: 'more' | 'ancestor' }>;

/** What a walk comes upon. The holes and extents of a file follow it, then its end. */
export type WalkEvent =
  | {
      readonly type: 'item';
      /** From the top, without a slash in front; bytes. */
      readonly path: Buffer;
      readonly entry: ItemEntry;
      /** The number of a file's entry. */
      readonly number: number | undefined;
      /** Of a hard link: the path of the file that it is. */
      readonly linkTo: Buffer | undefined;
      readonly userName: Uint8Array | undefined;
      readonly groupName: Uint8Array | undefined;
    }
  | { readonly type: 'holes'; readonly holes: readonly Hole[] }
  | { readonly type: 'extent'; readonly pack: PackId; readonly fileOffset: number; readonly extent: Extent }
  | { readonly type: 'file-end' };

/**
 * Everything in a snapshot: the entries of a folder, then each subfolder with what is in it. The manifest is checked on
 * the way: a walk that ends without an error was of a whole one. Memory does not grow with it; `scratch` takes the paths of linked files.
 * Throws `damaged`.
 */
export async function* walkManifest(
  snapshot: OpenedSnapshot,
  frames: PackFrames,
  scratch: string,
  signal: AbortSignal,
): AsyncGenerator<WalkEvent, void> {
  const visitor = new Walker(new ItemSpool(scratch), snapshot);
  const checker = new ManifestChecker(visitor, { scratch: join(scratch, 'pending') });
  try {
    for await (const { part, entries } of manifestParts(snapshot, frames, signal)) {
      visitor.begin(part);
      checker.part(part, entries);
      yield* visitor.take();
    }
    checker.end(snapshot.sealed.totals);
  } finally {
    checker.close();
    visitor.close();
  }
}

/** Turns what the checker tells into events. */
class Walker implements ManifestVisitor {
  readonly #names = new OwnerNames();
  readonly #linked: ItemSpool;
  readonly #packs: ReadonlySet<PackId>;
  readonly #trail = new FolderTrail();
  #folders = 0;
  #events: WalkEvent[] = [];

  constructor(linked: ItemSpool, { header }: OpenedSnapshot) {
    this.#linked = linked;
    this.#packs = new Set(header.packs.map(({ id }) => id));
  }

  begin(part: ManifestPart): void {
    this.#names.add(part);
  }

  take(): WalkEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  close(): void {
    this.#linked.close();
  }

  /** A folder is told when the walk goes into it: whatever changes it afterwards lies in it. */
  folder(parent: number | undefined, name: Uint8Array, metadata: Metadata | undefined): number {
    const number = this.#folders++;
    const path = this.#trail.enter(number, parent, name);
    this.#linked.setFolder(number, parent, name);
    if (metadata) this.#tell({ kind: 'folder', name, ...metadata }, path);
    return number;
  }

  entry(): void {}

  fileStart({ entry, number, folder }: CheckedFile): void {
    this.#item(entry, number);
    if (entry.group > 0) this.#linked.setItem(entry.group, folder, entry.name);
  }

  holes(_file: CheckedFile, holes: readonly Hole[]): void {
    this.#events.push({ type: 'holes', holes });
  }

  extent(_file: CheckedFile, fileOffset: number, extent: Extent, pack: Uint8Array): void {
    const id = packId(hexOf(pack));
    if (!this.#packs.has(id)) throw damaged('the manifest refers to a pack that the descriptor does not name');
    this.#events.push({ type: 'extent', pack: id, fileOffset, extent });
  }

  fileEnd(): void {
    this.#events.push({ type: 'file-end' });
  }

  symlink(_number: number, _folder: number, entry: SymlinkEntry): void {
    this.#item(entry);
  }

  hardlink(_number: number, _folder: number, entry: HardlinkEntry): void {
    this.#item(entry, undefined, this.#linked.item(entry.group));
  }

  special(_number: number, _folder: number, entry: SpecialEntry): void {
    this.#item(entry);
  }

  #item(entry: ItemEntry, number?: number, linkTo?: Buffer): void {
    this.#tell(entry, this.#trail.pathOf(entry.name), number, linkTo);
  }

  #tell(entry: ItemEntry, path: Buffer, number?: number, linkTo?: Buffer): void {
    const userName = this.#names.user(entry.uid);
    const groupName = this.#names.group(entry.gid);
    this.#events.push({ type: 'item', path, entry, number, linkTo, userName, groupName });
  }
}
