import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ResettleError } from '../../../common/errors.ts';
import { fromSummedJson, toSummedJson } from '../../../state/format/summed-json.ts';
import type { Home } from '../../home/home.ts';

export const UNDONE_FILE = 'undone.json';

/** What stays of a restore that was undone, so that the same command given again does not take the one before. */
const UNDONE = z.strictObject({
  format: z.literal(1),
  restore: z.string(),
  /** Null where the restore was cut short before it came to files. */
  state: z.string().nullable(),
  snapshot: z.number().int().nullable(),
  into: z.string(),
  /** ISO 8601. */
  undoneAt: z.string(),
  /** How many items stayed, because they were changed since. Where some did, what they had replaced may be kept beside this. */
  kept: z.number().int().nonnegative(),
});

export type Undone = Readonly<z.infer<typeof UNDONE>>;

/** Undefined where the restore in that folder was not undone to its end. Throws `damaged`. */
export function undoneOf(folder: string): Undone | undefined {
  const path = join(folder, UNDONE_FILE);
  try {
    return UNDONE.parse(fromSummedJson(readFileSync(path, 'utf8')));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code !== undefined) throw cause;
    throw new ResettleError('damaged', `${path} cannot be read`, { cause });
  }
}

/** Durable when it returns. Throws `no-space`. */
export function noteUndone(home: Home, undone: Undone): void {
  home.write(`${toSummedJson(undone)}\n`, 'restores', undone.restore, UNDONE_FILE);
}
