import {
  COPY_BACKUP_DELAY_MS,
  COPY_SETTLE_MS,
  DOOR_STALL_MS,
  HOLDER_LOST_AFTER_MS,
  LEASE_IDLE_MS,
  OWN_WORK_RETRY_MS,
  POINT_TICK_MS,
  SCRUB_BYTES_PER_SECOND,
  SCRUB_EVERY_MS,
  UNFINISHED_KEEP_MS,
} from '../../../common/limits.ts';

/** How often and after how long a point does what it does by itself. */
export interface PointTiming {
  readonly tickMs: number;
  readonly leaseIdleMs: number;
  readonly doorStallMs: number;
  readonly unfinishedKeepMs: number;
  readonly scrubEveryMs: number;
  readonly scrubBytesPerSecond: number;
  /** A holder that could not be reached for this long is lost. */
  readonly lostAfterMs: number;
  /** A copy is begun this long after it was seen to be missing. */
  readonly settleMs: number;
  /** And by each holder in turn so much later than by the one before. */
  readonly backupDelayMs: number;
  readonly retryMs: number;
}

export const POINT_TIMING: PointTiming = {
  tickMs: POINT_TICK_MS,
  leaseIdleMs: LEASE_IDLE_MS,
  doorStallMs: DOOR_STALL_MS,
  unfinishedKeepMs: UNFINISHED_KEEP_MS,
  scrubEveryMs: SCRUB_EVERY_MS,
  scrubBytesPerSecond: SCRUB_BYTES_PER_SECOND,
  lostAfterMs: HOLDER_LOST_AFTER_MS,
  settleMs: COPY_SETTLE_MS,
  backupDelayMs: COPY_BACKUP_DELAY_MS,
  retryMs: OWN_WORK_RETRY_MS,
};
