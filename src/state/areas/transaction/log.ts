import { fromSummedJson } from '../../format/summed-json.ts';
import type { AreaName } from '../base/names.ts';
import type { Present } from './node.ts';
import type { Phase } from './steps.ts';

/** Paths of folders with their times, in nanoseconds, decimal. */
export type FolderTimes = readonly (readonly [string, string])[];

/** One line of a journal's log. What has to be on disk before the next thing is done is synced. */
export type LogEntry =
  /** What was there of steps that could not know it when they were planned. Synced. */
  | { readonly did: 'late'; readonly found: readonly (readonly [number, Present])[] }
  /** From here on a phase's steps may be done, in their order; and the times of the folders that they lie in. Synced. */
  | { readonly did: 'intent'; readonly phase: Phase; readonly times: FolderTimes }
  /** A step is about to be done. */
  | { readonly did: 'step'; readonly step: number }
  /** It failed, and these steps of the phase were not begun. Synced. */
  | { readonly did: 'halt'; readonly phase: Phase; readonly notBegun: readonly number[] }
  /** A phase is done. Synced. */
  | { readonly did: 'phase'; readonly phase: Phase }
  /** The changes of these areas are about to be taken back, the others stay. Synced. */
  | { readonly did: 'back'; readonly areas: readonly AreaName[] }
  /** Units that run are about to be stopped. Synced. */
  | { readonly did: 'stopping'; readonly units: readonly string[] }
  | { readonly did: 'started'; readonly units: readonly string[] }
  /** Areas that the running machine is about to take notice of. Synced. */
  | { readonly did: 'waking'; readonly areas: readonly AreaName[] }
  /** The times of all those folders when everything was done: what is other at an undo was changed by somebody. */
  | { readonly did: 'left'; readonly times: FolderTimes }
  /** Everything is about to be put back, but for the times of these folders, which somebody changed. Synced. */
  | { readonly did: 'undo'; readonly changed: readonly string[] }
  /** A phase was put back, but for so many things (earlier versions did not say). Synced. */
  | { readonly did: 'undone'; readonly phase: Phase; readonly kept?: number };

/**
 * What a log says, up to the first line that is not whole: a loss of power leaves gaps only in what was not synced, and so
 * behind all that was. `bytes`: how long that part is. Throws for a line without a gap that is not what was written.
 */
export function parseLog(log: Buffer): { entries: LogEntry[]; bytes: number } {
  const entries: LogEntry[] = [];
  let bytes = 0;
  for (let end = log.indexOf('\n'); end >= 0; end = log.indexOf('\n', bytes)) {
    const entry = parseLine(log.toString('utf8', bytes, end));
    if (!entry) break;
    entries.push(entry);
    bytes = end + 1;
  }
  return { entries, bytes };
}

function parseLine(line: string): LogEntry | undefined {
  try {
    return fromSummedJson(line) as LogEntry;
  } catch (error) {
    // What never came to the disk reads as zeros.
    if (line.includes('\0')) return undefined;
    throw error;
  }
}
