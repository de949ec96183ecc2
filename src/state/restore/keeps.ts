import { close, createFile, removeFile, sameTime, setMode, setOwner, setTime, statOf } from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import type { OwnerPolicy } from './owner-policy.ts';

const PROBE = Buffer.from('probe');
const PROBE_MODE = 0o640;
const PROBE_OWNER = 12_345;
/** Odd in every digit, so that what a file system rounds shows. */
const PROBE_TIME_NS = 1_234_567_891_123_456_789n;
/** FAT's times are of two seconds, and some servers' of one. */
const ROUGH_TIME_NS = 2_000_000_000n;

/** `roughly`: to within `ROUGH_TIME_NS`. */
export type TimesKept = 'exactly' | 'roughly' | 'not';

/** What a file system keeps of files, tried with one. */
export interface Keeps {
  /** New files get our own owner and group, as they do but where a mount says otherwise. */
  readonly ownersAreOurs: boolean;
  readonly owners: boolean;
  readonly modes: boolean;
  readonly times: TimesKept;
}

/** Tries it in an open folder of ours. */
export function probeKeeps(folder: number, owners: OwnerPolicy): Keeps {
  const fd = createFile(folder, PROBE);
  try {
    const fresh = statOf(fd);
    tolerate(() => setMode(fd, PROBE_MODE));
    tolerate(() => setTime(fd, PROBE_TIME_NS));
    if (owners.asRoot) tolerate(() => setOwner(fd, PROBE_OWNER, PROBE_OWNER));
    const { uid, mode, mtimeNs } = statOf(fd);
    return {
      ownersAreOurs: owners.isOurs({ uid: Number(fresh.uid), gid: Number(fresh.gid) }),
      owners: !owners.asRoot || uid === BigInt(PROBE_OWNER),
      modes: (mode & 0o777n) === BigInt(PROBE_MODE),
      times: timesKept(mtimeNs, PROBE_TIME_NS),
    };
  } finally {
    close(fd);
    removeFile(folder, PROBE);
  }
}

function tolerate(set: () => void): void {
  try {
    set();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
}

/** How a time is kept that was set and read back. */
export function timesKept(found: bigint, wanted: bigint): TimesKept {
  if (sameTime(found, wanted)) return 'exactly';
  const difference = found > wanted ? found - wanted : wanted - found;
  return difference <= ROUGH_TIME_NS ? 'roughly' : 'not';
}

/** Whether two times are the same as far as a file system keeps them; where it keeps none, nothing speaks against it. */
export function timesMatch(a: bigint, b: bigint, { times }: Pick<Keeps, 'times'>): boolean {
  if (times === 'not') return true;
  const kept = timesKept(a, b);
  return kept === 'exactly' || (times === 'roughly' && kept === 'roughly');
}
