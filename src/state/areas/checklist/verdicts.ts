import type { Verdict } from '../base/check-item.ts';
import type { ChecklistItem, Counts } from './types.ts';

/** From what needs nobody to what needs somebody most. */
const ORDER: readonly Verdict[] = ['same', 'changed', 'skipped', 'person', 'failed'];

/** Scripts ask for this: 1 where something failed, 3 where something needs a person or was withheld, else 0. */
export function exitStatusOf({ failed, person, withheld }: Counts): 0 | 1 | 3 {
  if (failed > 0) return 1;
  return person + withheld > 0 ? 3 : 0;
}

export function countsOf(items: readonly ChecklistItem[]): Counts {
  const counts = { same: 0, changed: 0, person: 0, failed: 0, skipped: 0, withheld: 0, total: 0 };
  for (const { verdict, isWithheld } of items) {
    counts[verdict] += 1;
    counts.total += 1;
    if (isWithheld) counts.withheld += 1;
  }
  return counts;
}

/** The verdict of a whole checklist. */
export function worstOf(counts: Counts): Verdict {
  return ORDER.findLast((verdict) => counts[verdict] > 0) ?? 'same';
}

/** The whole in one sentence. */
export function sentenceOf(counts: Counts): string {
  const { same, changed, failed, person, withheld, skipped, total } = counts;
  const needs = person + withheld;
  if (failed + needs > 0) {
    const parts = [
      needs > 0 ? `${items(needs)} ${needs === 1 ? 'needs' : 'need'} you` : '',
      failed > 0 ? `${needs > 0 ? failed : items(failed)} failed` : '',
    ];
    return `${parts.filter(Boolean).join(', ')}; ${same + changed} of ${total} are in order.`;
  }
  const others = [changed > 0 ? `${changed} changed` : '', skipped > 0 ? `${skipped} left out` : ''];
  return `All is well: ${[`${items(same)} as ${same === 1 ? 'it was' : 'they were'}`, ...others].filter(Boolean).join(', ')}.`;
}

const items = (count: number): string => `${count} ${count === 1 ? 'item' : 'items'}`;

/** Needs somebody: failed, for a person, or withheld. */
export const needsSomebody = ({ verdict, isWithheld }: ChecklistItem): boolean =>
  verdict === 'failed' || verdict === 'person' || isWithheld === true;
