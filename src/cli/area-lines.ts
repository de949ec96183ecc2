import type { ApiEvent } from '../api/contract.ts';

const WORDS: Readonly<Record<string, string>> = {
  add: 'add',
  replace: 'replace',
  merge: 'merge',
  remove: 'remove',
  same: 'as it is',
  keep: 'keep',
  withhold: 'withheld',
  ask: 'for you',
};

/**
 * One item of an area's plan. Where the plan is what was asked for, everything; else what is left out, what needs a person,
 * and of what only root may bring the difference too.
 */
export function areaLines(event: ApiEvent, whole: boolean): string[] {
  const { area, action, title, detail, effect, difference } = event as unknown as {
    area: string;
    action: string;
    title: string;
    detail: string;
    effect: string | null;
    difference: readonly string[];
  };
  const isTold = whole || action === 'withhold' || action === 'ask' || action === 'keep' || effect !== null;
  if (!isTold || (action === 'same' && !whole)) return [];
  const head = `${area.padEnd(13)} ${(WORDS[action] ?? action).padEnd(8)} ${title}: ${detail}`;
  return [head, ...(whole || effect !== null ? difference : []).map((line) => `    ${line}`)];
}
