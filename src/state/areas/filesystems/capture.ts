import type { System } from '../base/system.ts';
import type { Captured, CouldNot } from '../base/types.ts';
import { readCredentials } from './credentials.ts';
import { parseCrypttab } from './crypttab.ts';
import { readDevices, readVolumeGroups } from './devices.ts';
import { parseFstab } from './fstab.ts';
import type { FilesystemsContent } from './schema.ts';

export function captureFilesystems(system: System): Captured<FilesystemsContent> | undefined {
  const couldNot: CouldNot[] = [];
  const read = <Parsed extends { readonly badLines: readonly number[] }>(
    path: string,
    parse: (text: string) => Parsed,
  ): Parsed => {
    if (system.isUnreadable(path)) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
    const parsed = parse(system.text(path) ?? '');
    for (const line of parsed.badLines.slice(0, 20)) {
      couldNot.push({ what: `line ${line} of ${path}`, why: 'its fields are not whole' });
    }
    return parsed;
  };
  const { entries: fstab } = read('/etc/fstab', parseFstab);
  const { entries: crypttab } = read('/etc/crypttab', parseCrypttab);
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
