import type { ExpectedItem } from '../base/documents.ts';
import { OWNERS_AS_CAPTURED } from '../base/owners-as-captured.ts';
import type { System } from '../base/system.ts';
import type { Area, SourceMachine } from '../base/types.ts';
import { tidy } from './one-line.ts';

/**
 * The checklist that is made at collection: every item of what an area captured, judged on the source itself by the look
 * that will judge it after the restore. Those of all areas are stored as `checklist.json`. Throws what the area throws.
 */
export function checkAtCapture(
  area: Area,
  content: unknown,
  system: System,
  about: { readonly source: SourceMachine; readonly nowMs: number },
): ExpectedItem[] {
  const found = area.check(content, system, { identity: 'same', owners: OWNERS_AS_CAPTURED, ...about });
  return found.map((item) => ({ ...tidy(item), area: area.name }));
}
