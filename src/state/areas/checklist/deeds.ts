import { groupOfArea } from './groups.ts';
import type { OutcomeFile } from './outcome.ts';
import type { ChecklistItem } from './types.ts';

const EVIDENCE = 'what the restore wrote down of itself';

/** What the restore itself says went wrong with its areas. */
export function troubleOf({ status, result }: Pick<OutcomeFile, 'status' | 'result'>): ChecklistItem[] {
  const items: ChecklistItem[] = [];
  if (status !== 'applied') {
    items.push({
      ...{ area: 'snapshot', id: 'restore:areas', group: 'restore', title: 'System areas of this restore' },
      expected: 'brought to their place',
      observed: WHY_NOT[status],
      verdict: 'failed',
      evidence: EVIDENCE,
      remedy: 'give the same "resettle restore" again',
    });
  }
  for (const { area, problems } of result?.failed ?? []) {
    items.push({
      ...{
        area,
        id: `restore:${area}`,
        group: groupOfArea(area),
        title: `All of ${area}`,
        expected: 'brought to its place',
      },
      observed: `taken back: ${told(problems)}`,
      verdict: 'failed',
      evidence: `${EVIDENCE}, in the words of this machine’s programs`,
      remedy: 'put right what they name, and restore again',
    });
  }
  for (const { area, problems } of result?.notWoken ?? []) {
    items.push({
      ...{ area, id: `wake:${area}`, group: groupOfArea(area), title: `${area} in use`, expected: 'in use at once' },
      observed: `in place, and not in use yet: ${told(problems)}`,
      verdict: 'person',
      evidence: EVIDENCE,
      remedy: 'restart this machine',
    });
  }
  return items;
}

const WHY_NOT: Record<Exclude<OutcomeFile['status'], 'applied'>, string> = {
  staged: 'nothing was changed: the restore was cut short',
  applying: 'the restore was cut short',
  'rolled-back': 'taken back, since the restore failed',
  undone: 'taken back by "resettle undo"',
};

const told = (problems: readonly { readonly what: string; readonly why: string }[]): string =>
  problems.map(({ what, why }) => `${what}: ${why}`).join('; ') || 'no reason was given';
