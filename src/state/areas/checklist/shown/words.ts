import type { Verdict } from '../../base/check-item.ts';
import { oneLine } from '../one-line.ts';
import type { ChecklistItem, Counts } from '../types.ts';

/** A verdict as people read it; what was withheld is left out too, and somebody may want it. */
export type ShownVerdict = Verdict | 'withheld';

export const WORDS: Readonly<Record<ShownVerdict, string>> = {
  same: 'as it was',
  changed: 'changed',
  person: 'needs you',
  failed: 'failed',
  skipped: 'left out',
  withheld: 'withheld',
};

/** What matters most first. */
const SHOWN_ORDER: readonly ShownVerdict[] = ['failed', 'person', 'withheld', 'changed', 'skipped', 'same'];

export const shownVerdict = ({ verdict, isWithheld }: ChecklistItem): ShownVerdict =>
  isWithheld ? 'withheld' : verdict;

export const byWeight = (a: ChecklistItem, b: ChecklistItem): number =>
  SHOWN_ORDER.indexOf(shownVerdict(a)) - SHOWN_ORDER.indexOf(shownVerdict(b));

/** How many there are of each, without those that there are none of. */
export function tally(counts: Counts): { readonly verdict: ShownVerdict; readonly count: number }[] {
  const of = { ...counts, skipped: counts.skipped - counts.withheld };
  return SHOWN_ORDER.map((verdict) => ({ verdict, count: of[verdict] })).filter(({ count }) => count > 0);
}

/** `2026-01-31 12:05 UTC` of ISO 8601; the text itself where it is none. */
export function shownTime(iso: string): string {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? oneLine(iso) : `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** A group of which only its reason is to be told. */
export const isPlaceholder = ({ area, id }: ChecklistItem): boolean => area === 'snapshot' && id.startsWith('origin:');
