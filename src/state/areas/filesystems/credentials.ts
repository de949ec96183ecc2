import { type ConfigFile, readConfigFile } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { CouldNot } from '../base/types.ts';
import { filesNamedBy } from './fit-line.ts';
import type { FstabEntry } from './fstab.ts';

/** Where people put the user and password of a share. What lies elsewhere is named, not carried. */
export const CREDENTIAL_PATHS = [
  '/etc/*cred*',
  '/etc/*cifs*',
  '/etc/*smb*',
  '/etc/cifs/*',
  '/etc/samba/*cred*',
] as const;
const CARRIED = /^\/etc\/(?:[^/]*(?:cred|cifs|smb)[^/]*|cifs\/[^/]+|samba\/[^/]*cred[^/]*)$/;
export const isCarriedCredential = (path: string): boolean => CARRIED.test(path);

/** Text of `key=value` lines only, as mount.cifs reads it. */
export const isCredentialText = (text: string): boolean =>
  !text.includes('\0') &&
  text
    .split('\n')
    .every((line) => /^\s*(?:#.*)?$|^\s*(?:user(?:name)?|pass(?:word)?|dom(?:ain)?|workgroup)\s*=/.test(line));

export function readCredentials(
  system: System,
  entries: readonly FstabEntry[],
  couldNot: CouldNot[],
): { credentials: ConfigFile[]; absentFiles: string[] } {
  const named = [...new Set(entries.flatMap(filesNamedBy))];
  const absentFiles = named.filter((path) => system.facts(path) === undefined && !system.isUnreadable(path));
  const credentials = named.filter(isCarriedCredential).flatMap((path): ConfigFile[] => {
    if (absentFiles.includes(path)) return [];
    const file = readConfigFile(system, path);
    if (file?.text !== undefined && isCredentialText(file.text)) return [file];
    const why = system.isUnreadable(path)
      ? 'it cannot be read; run as root'
      : 'it holds no user and password of a share';
    couldNot.push({ what: path, why });
    return [];
  });
  return { credentials, absentFiles };
}
