import type { EntrySet } from '../format/entry-set.ts';
import type { FilePlacer, PlacerParts } from './file-placer.ts';
import type { FilesToPlace } from './files-to-place.ts';
import type { Giving } from './given.ts';
import type { LateList, LockList } from './late-list.ts';
import type { LeftBehind } from './left-behind.ts';
import type { KnownContent } from './manifest-checker.ts';
import type { OwnerPolicy } from './owner-policy.ts';
import type { PartSpool } from './part-spool.ts';

/** What contents are planned with. */
export interface ContentParts extends PlacerParts {
  readonly left: LeftBehind;
  readonly giving: Giving;
  readonly owners: OwnerPolicy;
  readonly late: LateList;
  readonly locks: LockList;
  /** Path of the journal folder, of its folder for scratch files, and of the plan. */
  readonly journal: string;
  readonly spool: string;
  readonly planFile: string;
}

/** The files of a restore: planned one by one, then brought to their places. */
export interface Contents extends FilesToPlace {
  /** Places every file that was planned. Throws `damaged` where one did not become whole. */
  place(onFile: () => void): Promise<void>;
  /** What was placed so far. */
  readonly placed: Pick<FilePlacer, 'files' | 'bytes'>;
}

/** How a restore comes by the manifest and by the content of files: out of packs that are held, or from their source. */
export interface ContentWay {
  /** Brings every part of the manifest. */
  manifest(parts: PartSpool, onPack: () => void): Promise<void>;
  /**
   * What decisions need beside the manifest: of a plan, the content of files that may be there already. `candidates`
   * walks the target to find them; `spool` is a folder for scratch files. Undefined where the manifest says it all.
   */
  known(candidates: () => EntrySet, spool: string): Promise<(KnownContent & { close(): void }) | undefined>;
  /** Of a plan, that nothing is known of its content. */
  readonly planned: KnownContent | undefined;
  contents(parts: ContentParts): Contents;
}
