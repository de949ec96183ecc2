import type { CheckItem, Verdict } from '../base/check-item.ts';
import type { ChecklistItem, OutcomeItem } from './types.ts';

const LOOK = 'look at it on this machine, and compare it with the old one';
const IS_DEED: ReadonlySet<OutcomeItem['action']> = new Set(['add', 'replace', 'merge', 'remove']);
const IN_ORDER: ReadonlySet<Verdict> = new Set(['same', 'changed']);

/**
 * What an area's check found, in the light of what the restore had planned: what it left out is not its failure. An item that
 * is as expected all the same stays so.
 */
export function judge(area: string, item: CheckItem, planned: OutcomeItem | undefined): ChecklistItem {
  if (IN_ORDER.has(item.verdict)) return { ...item, area };
  if (planned?.action === 'withhold') return withheld(area, item, planned);
  if (planned?.action === 'ask') return { ...item, area, verdict: 'person', remedy: planned.detail };
  const { verdict } = item;
  if (planned?.action === 'keep' && verdict === 'failed') {
    const observed = `${item.observed}; what was there was kept: ${planned.detail}`;
    return {
      ...item,
      area,
      observed,
      verdict: 'person',
      remedy: item.remedy ?? 'look which of the two is the right one',
    };
  }
  const isOpen = verdict === 'person' || verdict === 'failed';
  return { ...item, area, ...(isOpen && { remedy: item.remedy ?? LOOK }) };
}

function withheld(area: string, item: CheckItem, planned: OutcomeItem): ChecklistItem {
  const observed = `${item.observed}; left out because ${because(planned)}`;
  const remedy = planned.effect ? remedyOf(planned) : (item.remedy ?? remedyOf(planned));
  return { ...item, area, observed, verdict: 'skipped', isWithheld: true, remedy };
}

const because = ({ detail }: OutcomeItem): string => detail.replace(/; --allow-privileged brings it$/, '');

function remedyOf({ effect }: OutcomeItem): string {
  return effect
    ? 'if you trust the old machine, restore again as root with --allow-privileged; else leave it out'
    : 'set it up on this machine by hand, if you want it';
}

/** An item that the restore planned and that no check looked at; undefined where nothing was to be done for it. */
export function unlookedDeed(group: string, planned: OutcomeItem): ChecklistItem | undefined {
  const { area, id, title, action, detail } = planned;
  const item = { area, id, group, title, expected: 'as captured', evidence: 'what the restore wrote down of itself' };
  if (action === 'withhold') return withheld(area, { ...item, observed: 'not here', verdict: 'failed' }, planned);
  if (action === 'ask') return { ...item, observed: 'nothing was done', verdict: 'person', remedy: detail };
  if (action === 'keep') {
    return { ...item, observed: `what was there was kept: ${detail}`, verdict: 'person', remedy: LOOK };
  }
  if (!IS_DEED.has(action)) return undefined;
  return { ...item, observed: `done (${detail}), and nothing checks it`, verdict: 'person', remedy: LOOK };
}

/** An item of the capture's checklist that nobody looked at after the restore. */
export function nobodyLooked(area: string, { id, group, title, expected }: CheckItem): ChecklistItem {
  return {
    ...{ area, id, group, title, expected },
    observed: 'nobody looked',
    verdict: 'failed',
    evidence: 'it stands in the checklist of the capture, and in no check after the restore',
    remedy: LOOK,
  };
}
