import { DCONF_KEYS_MAX } from '../../../common/limits.ts';
import type { System } from '../base/system.ts';
import type { CouldNot } from '../base/types.ts';
import type { ApplicationsOptions } from './options.ts';
import type { Person } from './people.ts';
import type { Settings } from './schema.ts';

export const settingsPath = (home: string): string => `${home}/.config/dconf/user`;

/** Keys and values of a database; undefined where there is none that can be read. */
export function readSettings(
  system: System,
  path: string,
  { readDconf }: ApplicationsOptions,
): ReadonlyMap<string, string> | undefined {
  const bytes = system.read(path);
  return bytes && readDconf?.(bytes);
}

/** What people's dconf databases hold, as `dconf dump` would show it: the file itself comes with the home. */
export function settingsOf(
  system: System,
  people: readonly Person[],
  options: ApplicationsOptions,
  couldNot: CouldNot[],
): Settings[] {
  if (!options.readDconf) return [];
  return people.flatMap(({ username, home }): Settings[] => {
    const path = settingsPath(home);
    if (!system.facts(path)) return [];
    const keys = readSettings(system, path, options);
    if (keys) return [{ username, home, keys: Object.fromEntries([...keys].slice(0, DCONF_KEYS_MAX)) }];
    couldNot.push({ what: path, why: 'it is no dconf database that can be read; its file is carried as it is' });
    return [];
  });
}
