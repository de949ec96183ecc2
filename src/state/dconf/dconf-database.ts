import { type GVariant, GVariantReader } from './gvariant.ts';
import { printGVariant } from './gvariant-text.ts';
import { readGvdb } from './gvdb.ts';

/** Settings by key, such as `/org/gnome/desktop/session/idle-delay`, ascending. */
export type DconfDatabase = ReadonlyMap<string, GVariant>;

/** Where a user's settings are, beneath the home. */
export const DCONF_USER_DATABASE = '.config/dconf/user';

/** As dconf itself takes keys: a path without empty names, no blanks around lines. */
const KEY = /^(\/[^/\p{Cc}]+)+$/u;

/**
 * What a database of dconf says, read without dconf and without its user's session. The file may be anybody's: undefined
 * where it is no database; keys and values that are damaged are left out.
 */
export function readDconf(file: Buffer): DconfDatabase | undefined {
  const gvdb = readGvdb(file);
  if (!gvdb) return undefined;
  const reader = new GVariantReader(gvdb.isLittle);
  const found = new Map<string, GVariant>();
  for (const key of [...gvdb.values.keys()].sort()) {
    const value = KEY.test(key) ? reader.readVariant(gvdb.values.get(key) as Buffer) : undefined;
    if (value) found.set(key, value);
  }
  return found;
}

/** Those beneath a folder, as `dconf dump` gives them: `dconf load` of the same folder reads it. `folder` ends with `/`. */
export function dumpDconf(database: DconfDatabase, folder = '/'): string {
  const lines = new Map<string, string[]>();
  for (const [key, value] of database) {
    if (!key.startsWith(folder)) continue;
    const slash = key.lastIndexOf('/');
    const section = key.slice(folder.length, slash) || '/';
    const own = lines.get(section) ?? [];
    own.push(`${key.slice(slash + 1)}=${printGVariant(value)}`);
    lines.set(section, own);
  }
  return [...lines]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([section, own]) => `[${section}]\n${own.join('\n')}\n`)
    .join('\n');
}
