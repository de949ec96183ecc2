import { makeFolderDurably } from '../../../common/durable-folders.ts';
import { DRY_RUN_ITEMS_MAX } from '../../../common/limits.ts';
import type { FolderPath } from '../../../state/format/index.ts';
import { REPLACED, type RestoreResult } from '../../../state/restore/index.ts';
import type { Emit } from '../../events.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import type { Applied, ApplyGround, Asked, CarryOut, RestoreWish } from './apply-types.ts';

/** Restores the files of a wish: all of them, or those that were chosen. */
export class FilesRun {
  readonly #carryOut: CarryOut;
  readonly #ground: ApplyGround;
  readonly #wish: RestoreWish;
  readonly #emit: Emit;
  readonly #signal: AbortSignal;

  constructor(carryOut: CarryOut, ground: ApplyGround, wish: RestoreWish, emit: Emit, signal: AbortSignal) {
    this.#carryOut = carryOut;
    this.#ground = ground;
    this.#wish = wish;
    this.#emit = emit;
    this.#signal = signal;
  }

  /** Puts one captured folder below `target`, a folder that is nobody's yet, and tells of nothing. */
  async fetch(path: FolderPath, target: string, restoreId: string): Promise<void> {
    const scratchDir = this.#ground.home.scratchDir();
    const on = { onProgress() {}, signal: this.#signal };
    await this.#carryOut({ target, strip: false, restoreId, only: [path], scratchDir }, on);
  }

  /** `target` of `more`: another folder than the wish's. */
  async run(
    restoreId: string,
    more: Pick<Asked, 'only' | 'owners' | 'places' | 'base'> & Partial<Pick<Asked, 'target'>> = {},
  ): Promise<Applied> {
    const wish = this.#wish;
    const emit = this.#emit;
    const { home, clock } = this.#ground;
    makeFolderDurably(home.path('restores'));
    const meter = new ProgressMeter(clock, emit);
    let items = 0;
    const result = await this.#carryOut(
      {
        target: wish.into,
        strip: wish.strip,
        restoreId,
        allowPrivileged: wish.allowPrivileged && process.getuid?.() === 0,
        // Areas decide who becomes whom, by the same wish.
        mapUsers: more.owners ? [] : wish.mapUsers,
        ...more,
        dryRun: wish.dryRun,
        scratchDir: home.scratchDir(),
        ...(wish.onConflict === undefined ? {} : { onConflict: wish.onConflict }),
        ...(wish.root ? { root: wish.into } : {}),
        ...(wish.dryRun ? {} : { undoDir: home.path('restores', restoreId) }),
      },
      {
        onProgress: meter.onProgress,
        onItem: (item) => {
          items += 1;
          if (items <= DRY_RUN_ITEMS_MAX) emit({ event: 'item', ...item });
        },
        signal: this.#signal,
      },
    );
    meter.finish();
    if (items > DRY_RUN_ITEMS_MAX) emit({ event: 'note', message: `and ${items - DRY_RUN_ITEMS_MAX} items more` });
    return this.#told(result);
  }

  #told(result: RestoreResult): Applied {
    const { into, dryRun } = this.#wish;
    const { skippedAtCapture, withheld, conflicts, conflictItems } = result;
    for (const report of [skippedAtCapture, withheld, conflictItems]) {
      for (const { path, reason } of report.items) {
        this.#emit(reason === REPLACED ? { event: 'replaced', path } : { event: 'skipped', path, reason });
      }
    }
    return {
      restore: dryRun ? null : result.restoreId,
      into,
      dryRun,
      files: result.files,
      bytes: result.bytes,
      resumed: result.resumed,
      conflicts,
      skipped: skippedAtCapture.count + withheld.count + conflicts.keptBoth + conflicts.skipped,
      areas: null,
    };
  }
}
