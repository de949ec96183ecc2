import type { OwnerTable } from '../accounts/owner-table.ts';
import { ownersOf } from '../accounts/owners.ts';
import { AREAS } from '../registry.ts';
import type { ChecklistParts } from './messages.ts';

/** What a checklist of areas is made with. The table is what this program wrote down of the restore. */
export const parts: ChecklistParts = { areas: AREAS, ownersOf: (table) => ownersOf(table as OwnerTable) };
