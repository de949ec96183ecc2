import type { Owners } from './types.ts';

/** The same text with homes beneath /home where they are on the target. */
export function mapHomes(text: string, owners: Owners): string {
  return text.replaceAll(/(?<![\w/.-])\/home\/[A-Za-z_][\w.-]*/g, (home) => owners.home(home));
}

/** Where a path beneath a captured home is on the target. */
export const pathInHome = (path: string, home: string, owners: Owners): string =>
  path.startsWith(`${home}/`) ? `${owners.home(home)}${path.slice(home.length)}` : path;
