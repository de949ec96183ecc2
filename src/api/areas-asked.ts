import { areasOf } from '../state/areas/base/documents.ts';
import { AREA_NAMES, type AreaName } from '../state/areas/base/names.ts';

/** The areas that a request names; `all` means every one. Throws `usage` for one that there is not. */
export function areasAsked(names: readonly string[]): readonly AreaName[] {
  return names.includes('all') ? AREA_NAMES : areasOf(names);
}
