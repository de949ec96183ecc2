import type { ConfigFile } from '../base/config-file.ts';
import { mapHomes } from '../base/home-paths.ts';
import type { Owners } from '../base/types.ts';

/** A unit or script with the target's names of people and paths of homes. */
export function mappedFile(file: ConfigFile, owners: Owners): ConfigFile {
  if (file.text === undefined) return file;
  const text = mapHomes(file.text, owners)
    .replaceAll(
      /^([^\S\n]*User[^\S\n]*=[^\S\n]*)([a-z_][\w-]*)(?=[^\S\n]*$)/gm,
      (_, before: string, name: string) => `${before}${owners.user(name)}`,
    )
    .replaceAll(
      /^([^\S\n]*Group[^\S\n]*=[^\S\n]*)([a-z_][\w-]*)(?=[^\S\n]*$)/gm,
      (_, before: string, name: string) => `${before}${owners.group(name)}`,
    );
  return text === file.text ? file : { ...file, text };
}
