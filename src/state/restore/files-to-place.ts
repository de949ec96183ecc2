import type { Hole } from '../format/entry.ts';
import type { Extent } from '../format/index.ts';
import type { PlannedFile } from './extent-record.ts';
import type { CheckedFile } from './manifest-checker.ts';

/** What a plan hands over of each file that is to be in place as captured, and which of them are there already. */
export interface FilesToPlace {
  /** Files that an earlier run, or somebody, has put there as captured, and their bytes. */
  readonly keptFiles: number;
  readonly keptBytes: number;
  /** The file as it will be here. */
  start(file: PlannedFile, checked: CheckedFile): void;
  /** Holes, and extents, of the file that was started. */
  holes(holes: readonly Hole[]): void;
  extent(fileOffset: number, extent: Extent, pack: Uint8Array): void;
  end(): void;
  /** A file that needs nothing. */
  keep(sizeBytes: number): void;
  /** Everything was planned. */
  flush(): void;
  /** Closes what an error left open. */
  close(): void;
}
