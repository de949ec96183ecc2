import { OWNERS_AS_CAPTURED } from '../base/owners-as-captured.ts';
import { AREAS } from '../registry.ts';
import type { ChecklistParts } from './messages.ts';

/** What a checklist of areas is made with. */
export const parts: ChecklistParts = { areas: AREAS, ownersOf: () => OWNERS_AS_CAPTURED };
