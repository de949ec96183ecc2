import { hexOf } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import { damaged } from '../format/damaged.ts';
import type { Hole } from '../format/entry.ts';
import type { Extent } from '../format/index.ts';
import { close } from '../fs/calls.ts';
import { showPath } from '../fs/show-path.ts';
import type { Buckets } from './buckets.ts';
import type { Contents } from './content-way.ts';
import type { PlannedFile } from './extent-record.ts';
import type { FilePlacer } from './file-placer.ts';
import type { Begun, LeftBehind } from './left-behind.ts';
import type { CheckedFile } from './manifest-checker.ts';
import type { PackFeed } from './pack-feed.ts';
import { type Keys, placePacks } from './place-packs.ts';
import { holdsExtent, holdsHoles } from './present.ts';
import type { Tree } from './tree.ts';

export interface PackFilesParts {
  readonly tree: Tree;
  readonly left: LeftBehind;
  readonly buckets: Buckets;
  readonly packIds: readonly string[];
  readonly feed: PackFeed;
  readonly keys: Keys;
}

interface CurrentFile {
  /** Undefined where nothing is to be done. */
  readonly file: PlannedFile | undefined;
  /** What an earlier run left of it. */
  readonly begun: Begun | undefined;
  doneBytes: number;
  extentBytes: number;
}

const NOTHING: CurrentFile = { file: undefined, begun: undefined, doneBytes: 0, extentBytes: 0 };

/** Sorts the extents of files by the pack that they need, and leaves out what an earlier run did. */
export class PackFiles implements Contents {
  readonly #parts: PackFilesParts;
  readonly #indexOfPack: Map<string, number>;
  readonly placed: FilePlacer;
  #current: CurrentFile = NOTHING;
  #toPlace = 0;
  keptFiles = 0;
  keptBytes = 0;

  constructor(parts: PackFilesParts, placer: FilePlacer) {
    this.#parts = parts;
    this.placed = placer;
    this.#indexOfPack = new Map(parts.packIds.map((id, index) => [id, index]));
  }

  start(file: PlannedFile, { entry }: CheckedFile): void {
    const { tree, left } = this.#parts;
    let begun: Begun | undefined;
    if (tree.target.resumed && !tree.folders.isLost(file.folder)) {
      const isSmall = !entry.goesOn && entry.extents.length <= 1 && file.placing !== 'park';
      if (isSmall && left.isWhole(file, entry)) {
        this.#kept(file);
        return;
      }
      if (!isSmall) begun = left.open(file);
    }
    this.#current = { file, begun, doneBytes: 0, extentBytes: 0 };
  }

  holes(holes: readonly Hole[]): void {
    const { file, begun } = this.#current;
    if (!file || !begun || holdsHoles(begun.fd, holes)) return;
    // A crash can leave such: what is there cannot be trusted.
    throw new ResettleError('failed', `what an earlier run left of ${showPath(file.name)} cannot be used`, {
      hint: 'undo that restore, or remove the file and run it again',
    });
  }

  extent(fileOffset: number, extent: Extent, pack: Uint8Array): void {
    const index = this.#indexOfPack.get(hexOf(pack));
    if (index === undefined) throw damaged('the manifest refers to a pack that the descriptor does not name');
    const current = this.#current;
    if (!current.file) return;
    current.extentBytes += extent.length;
    if (current.begun && holdsExtent(current.begun.fd, fileOffset, extent)) {
      current.doneBytes += extent.length;
      return;
    }
    this.#parts.buckets.add(index, current.file, fileOffset, extent);
  }

  end(): void {
    const { file, begun, doneBytes, extentBytes } = this.#current;
    this.#current = NOTHING;
    if (!file) return;
    const isDone = doneBytes === extentBytes;
    const holeBytes = file.sizeBytes - extentBytes;
    if (begun) {
      try {
        if (isDone && this.#parts.left.isFinished(begun, file)) {
          this.#parts.left.noteInode(begun.fd, file);
          this.#kept(file);
          return;
        }
        this.#parts.left.takeBack(begun, file);
      } finally {
        close(begun.fd);
      }
    }
    this.#toPlace += 1;
    if (isDone) this.#parts.buckets.addReady(file, begun !== undefined);
    else if (begun || holeBytes !== file.holeBytes) this.placed.isThere(file.entry, doneBytes + holeBytes);
  }

  keep(sizeBytes: number): void {
    this.keptFiles += 1;
    this.keptBytes += sizeBytes;
  }

  flush(): void {
    this.#parts.buckets.flush();
  }

  async place(onFile: () => void): Promise<void> {
    const { buckets, feed, keys } = this.#parts;
    const { placed } = this;
    try {
      await placePacks(buckets, feed, keys, placed, onFile);
    } finally {
      placed.close();
    }
    if (placed.files !== this.#toPlace || placed.unfinished > 0) {
      throw damaged('not every file of the manifest became whole');
    }
  }

  close(): void {
    if (this.#current.begun) close(this.#current.begun.fd);
    this.#current = NOTHING;
  }

  #kept({ sizeBytes, placing }: PlannedFile): void {
    if (placing !== 'park') this.keep(sizeBytes);
  }
}
