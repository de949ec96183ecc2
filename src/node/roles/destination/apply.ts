import { mkdirSync } from 'node:fs';
import { hexOf } from '../../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { DRY_RUN_ITEMS_MAX } from '../../../common/limits.ts';
import type { PackSource } from '../../../common/ports.ts';
import {
  type ConflictCounts,
  type ConflictPolicy,
  REPLACED,
  type RestoreEvents,
  type RestoreOptions,
  type RestoreResult,
  restoreSnapshot,
  type UserMapping,
} from '../../../state/restore/index.ts';
import { namesOfShownPath } from '../../../state/tools/index.ts';
import type { Emit } from '../../events.ts';
import type { Home } from '../../home/home.ts';
import { ProgressMeter } from '../../progress-meter.ts';

/** Where a snapshot goes, and how. */
export interface RestoreWish {
  /** Absolute: what was captured goes below it. */
  readonly into: string;
  /** The contents of the one captured PATH go straight into it. */
  readonly strip: boolean;
  /** It is the root of a machine: users are those that this machine has. */
  readonly root: boolean;
  readonly onConflict?: ConflictPolicy | undefined;
  /** As root only. */
  readonly allowPrivileged: boolean;
  readonly mapUsers: readonly UserMapping[];
  /** Nothing is written; each item is told. */
  readonly dryRun: boolean;
  /** Only these paths, as `store ls` shows them, and what lies beneath them. */
  readonly only?: readonly string[] | undefined;
}

export interface ApplyOptions {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** A snapshot whose signer was settled and whose key was opened. */
export type Subject = Pick<RestoreOptions, 'descriptor' | 'stateKey' | 'expected'> & { readonly source: PackSource };

/** What became of it. */
export interface Applied {
  /** What `undo` takes; null after a dry run. */
  readonly restore: string | null;
  readonly into: string;
  readonly dryRun: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly resumed: boolean;
  readonly conflicts: ConflictCounts;
  /** Items that were left out by the capture or here, withheld, or put beside what was there. */
  readonly skipped: number;
}

/** Restores a snapshot, tells of each item that needs a person, and returns what `done` says of it. */
export function applySnapshot(
  options: ApplyOptions,
  subject: Subject,
  wish: RestoreWish,
  emit: Emit,
  signal: AbortSignal,
): Promise<Applied> {
  const restoreId = newRestoreId(options.clock, options.random);
  return applyBy((asked, on) => restoreSnapshot({ ...subject, ...asked }, on), options, restoreId, wish, emit, signal);
}

/** What a wish says to whoever carries it out. */
type Asked = Omit<RestoreOptions, keyof Subject>;

/** The same by whatever restores: `carryOut` is told how. */
export async function applyBy(
  carryOut: (asked: Asked, on: RestoreEvents) => Promise<RestoreResult>,
  { home, clock }: Pick<ApplyOptions, 'home' | 'clock'>,
  restoreId: string,
  wish: RestoreWish,
  emit: Emit,
  signal: AbortSignal,
): Promise<Applied> {
  const isRoot = process.getuid?.() === 0;
  if (wish.allowPrivileged && !isRoot) {
    emit({ event: 'note', message: 'privileged effects stay withheld: only root can bring them' });
  }
  mkdirSync(home.path('restores'), { recursive: true, mode: 0o700 });
  const meter = new ProgressMeter(clock, emit);
  let items = 0;
  const result = await carryOut(
    {
      target: wish.into,
      strip: wish.strip,
      restoreId,
      allowPrivileged: wish.allowPrivileged && isRoot,
      mapUsers: wish.mapUsers,
      ...(wish.only && { only: wish.only.map(namesOfShownPath) }),
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
      signal,
    },
  );
  meter.finish();
  if (items > DRY_RUN_ITEMS_MAX) emit({ event: 'note', message: `and ${items - DRY_RUN_ITEMS_MAX} items more` });
  const { skippedAtCapture, withheld, conflicts, conflictItems } = result;
  for (const report of [skippedAtCapture, withheld, conflictItems]) {
    for (const { path, reason } of report.items) {
      emit(reason === REPLACED ? { event: 'replaced', path } : { event: 'skipped', path, reason });
    }
  }
  return {
    restore: wish.dryRun ? null : result.restoreId,
    into: wish.into,
    dryRun: wish.dryRun,
    files: result.files,
    bytes: result.bytes,
    resumed: result.resumed,
    conflicts,
    skipped: skippedAtCapture.count + withheld.count + conflicts.keptBoth + conflicts.skipped,
  };
}

/** Ids of later restores come later in the alphabet: `20260131-235959123-` (UTC) and eight hexadecimal digits. */
export function newRestoreId(clock: Clock, random: RandomBytes): string {
  const digits = new Date(clock.now()).toISOString().replaceAll(/\D/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-${hexOf(random(4))}`;
}
