import type { OwnerTable } from '../accounts/owner-table.ts';
import { ownersOf } from '../accounts/owners.ts';
import { AREAS } from '../registry.ts';
import type { ChecklistParts } from './messages.ts';

/** The table is what this program wrote down of the restore. */
const REAL_PARTS: ChecklistParts = { areas: AREAS, ownersOf: (table) => ownersOf(table as OwnerTable) };

/** The real ones, or those of a test's module. */
export async function loadParts(module: string | undefined): Promise<ChecklistParts> {
  return module === undefined ? REAL_PARTS : ((await import(module)) as { readonly parts: ChecklistParts }).parts;
}
