import type { z } from 'zod';
import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import type { System } from '../base/system.ts';
import type { Captured, CouldNot } from '../base/types.ts';
import { readCredentials } from './credentials.ts';
import { parseCrypttab } from './crypttab.ts';
import { readDevices, readVolumeGroups } from './devices.ts';
import { parseFstab } from './fstab.ts';
import { cryptEntry, type FilesystemsContent, fstabEntry } from './schema.ts';

/** Lines that are named one by one. */
const TOLD_MAX = 20;

export function captureFilesystems(system: System): Captured<FilesystemsContent> | undefined {
  const couldNot: CouldNot[] = [];
  const fstab = readTable(system, '/etc/fstab', parseFstab, fstabEntry, couldNot);
  const crypttab = readTable(system, '/etc/crypttab', parseCrypttab, cryptEntry, couldNot);
  const devices = readDevices(system, couldNot);
  if (fstab.length + crypttab.length + devices.length + couldNot.length === 0) return undefined;
  return {
    content: {
      fstab: fstab.map((entry) => ({ ...entry, options: [...entry.options] })),
      devices,
      volumeGroups: readVolumeGroups(system, devices),
      crypttab,
      ...readCredentials(system, fstab, couldNot),
    },
    couldNot,
  };
}

/** The lines of a table that a document can hold; each of the others is told. */
function readTable<Entry>(
  system: System,
  path: string,
  parse: (text: string) => { readonly entries: readonly Entry[]; readonly badLines: readonly number[] },
  schema: z.ZodType,
  couldNot: CouldNot[],
): Entry[] {
  if (system.isUnreadable(path)) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
  const { entries, badLines } = parse(system.text(path) ?? '');
  for (const line of badLines.slice(0, TOLD_MAX)) {
    couldNot.push({ what: `line ${line} of ${path}`, why: 'its fields are not whole' });
  }
  // A document that holds one wrong line would be refused with all the others.
  const right = entries.filter((entry) => schema.safeParse(entry).success).slice(0, AREA_ITEMS_MAX);
  const left = entries.length - right.length;
  if (left > 0) couldNot.push({ what: `${left} lines of ${path}`, why: 'they hold what no line of it may hold' });
  return right;
}
