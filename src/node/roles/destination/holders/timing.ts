import {
  HOLDER_PROBE_AFTER_MS,
  HOLDER_PROBE_MS,
  HOLDER_RETRY_FIRST_MS,
  HOLDER_RETRY_LAST_MS,
  HOLDER_STALL_BYTES,
  HOLDER_STALL_MS,
  RESTORE_RECONNECT_MS,
} from '../../../../common/limits.ts';

/** How patient a restore is with its holders. */
export interface Timing {
  /** A holder that gives nothing for so long is left. */
  readonly stallMs: number;
  /** Less within `stallMs` counts as nothing, where another holder has the pack. */
  readonly stallBytes: number;
  /** A holder that gives nothing for so long is asked whether it is there, and has so long to answer. */
  readonly probeAfterMs: number;
  readonly probeMs: number;
  readonly retryFirstMs: number;
  readonly retryLastMs: number;
  /** Nobody gives anything for so long: the restore ends. */
  readonly reconnectMs: number;
}

export const TIMING: Timing = {
  stallMs: HOLDER_STALL_MS,
  stallBytes: HOLDER_STALL_BYTES,
  probeAfterMs: HOLDER_PROBE_AFTER_MS,
  probeMs: HOLDER_PROBE_MS,
  retryFirstMs: HOLDER_RETRY_FIRST_MS,
  retryLastMs: HOLDER_RETRY_LAST_MS,
  reconnectMs: RESTORE_RECONNECT_MS,
};
