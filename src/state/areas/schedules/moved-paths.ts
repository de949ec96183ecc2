import type { Owners } from '../base/types.ts';

/** What is to be said where a text names paths that lie elsewhere here; empty where it names none. */
export function namesMoved(text: string, owners: Owners): string {
  const paths = text.match(/(?<![\w/.])\/[^\s'"`;:,|&<>()]+/gu) ?? [];
  const moved = paths.find((path) => owners.home(path) !== path);
  return moved === undefined ? '' : `; it names ${moved}, which is ${owners.home(moved)} here: correct it`;
}
