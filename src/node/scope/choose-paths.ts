import { type BigIntStats, lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ResettleError } from '../../common/errors.ts';

export interface ChosenPaths {
  readonly paths: readonly string[];
  /** PATHs that lie in the agent's own folders, and so are no part of any state. */
  readonly own: readonly string[];
}

const keyOf = (stats: BigIntStats): string => `${stats.dev}:${stats.ino}`;

/**
 * What of the given absolute PATHs may be captured. Every one must exist, one inside another too. Those inside the
 * agent's own folders are left out, whatever links lead there: a scan that starts beneath them would not see them.
 * `root`: the folder that is the captured machine's root. Throws `not-found`.
 */
export function choosePaths(paths: readonly string[], ownFolders: readonly string[], root: string): ChosenPaths {
  const own = new Set(
    ownFolders.flatMap((folder) => {
      const stats = statSync(folder, { bigint: true, throwIfNoEntry: false });
      return stats ? [keyOf(stats)] : [];
    }),
  );
  const chosen: string[] = [];
  const left: string[] = [];
  for (const path of paths) (liesIn(join(root, path), own) ? left : chosen).push(path);
  return { paths: chosen, own: left };
}

function liesIn(path: string, folders: ReadonlySet<string>): boolean {
  try {
    lstatSync(path);
    // The last name is taken as it is: a link at the end is captured as a link.
    for (let at = join(realpathSync(dirname(path)), basename(path)); ; at = dirname(at)) {
      if (folders.has(keyOf(lstatSync(at, { bigint: true })))) return true;
      if (at === dirname(at)) return false;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return false;
    throw new ResettleError('not-found', `cannot capture ${path}: it does not exist`, {
      hint: 'check the path',
      cause: error,
    });
  }
}
