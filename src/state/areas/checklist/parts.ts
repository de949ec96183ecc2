import { OWNERS_AS_CAPTURED } from '../base/owners-as-captured.ts';
import { AREAS } from '../registry.ts';
import type { ChecklistParts } from './messages.ts';

const REAL_PARTS: ChecklistParts = { areas: AREAS, ownersOf: () => OWNERS_AS_CAPTURED };

/** The real ones, or those of a test's module. */
export async function loadParts(module: string | undefined): Promise<ChecklistParts> {
  return module === undefined ? REAL_PARTS : ((await import(module)) as { readonly parts: ChecklistParts }).parts;
}
