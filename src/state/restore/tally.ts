import type { ItemDecision } from './decision-log.ts';
import type { RestoreResult } from './types.ts';

type Counts = Pick<RestoreResult, 'files' | 'folders' | 'symlinks' | 'hardlinks' | 'specials' | 'bytes'>;

const COUNT_OF = {
  file: 'files',
  symlink: 'symlinks',
  hardlink: 'hardlinks',
  fifo: 'specials',
  character: 'specials',
  block: 'specials',
} as const;

/** Counts what is in place as captured. */
export class Tally {
  readonly counts: { -readonly [K in keyof Counts]: Counts[K] } = {
    files: 0,
    folders: 0,
    symlinks: 0,
    hardlinks: 0,
    specials: 0,
    bytes: 0,
  };

  add(kind: ItemDecision['kind'], sizeBytes: number): void {
    this.counts[COUNT_OF[kind]] += 1;
    if (kind === 'file') this.counts.bytes += sizeBytes;
  }
}
