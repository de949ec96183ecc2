import type { ConfigFile } from '../base/config-file.ts';
import { mapHomes } from '../base/home-paths.ts';
import type { Owners } from '../base/types.ts';

/** A unit or script with the target's names of people and paths of homes. */
export function mappedFile(file: ConfigFile, owners: Owners): ConfigFile {
  if (file.text === undefined) return file;
  const text = mapHomes(file.text, owners)
    .replaceAll(
      /^(\s*User\s*=\s*)([a-z_][\w-]*)(?=\s*$)/gm,
      (_, before: string, name: string) => `${before}${owners.user(name)}`,
    )
    .replaceAll(
      /^(\s*Group\s*=\s*)([a-z_][\w-]*)(?=\s*$)/gm,
      (_, before: string, name: string) => `${before}${owners.group(name)}`,
    );
  return text === file.text ? file : { ...file, text };
}
