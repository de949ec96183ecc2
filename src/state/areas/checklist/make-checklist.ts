import { messageOf } from '../../../common/errors.ts';
import type { Documents } from '../base/documents.ts';
import type { System } from '../base/system.ts';
import type { Area, RestoreAbout } from '../base/types.ts';
import { AREAS } from '../registry.ts';
import { unjudged } from './complete.ts';
import { grouped, groupOfArea } from './groups.ts';
import { judge, nobodyLooked, unlookedDeed } from './judge.ts';
import { oneLine, tidy } from './one-line.ts';
import type { Checklist, ChecklistHead, ChecklistItem, ChecklistMachine, OutcomeItem } from './types.ts';
import { countsOf, worstOf } from './verdicts.ts';
import { emptyGroups, neverCaptured, statesOf, wholeArea } from './whole-areas.ts';

/** Linux takes names of 64 characters. */
const MACHINE_NAME_SHOWN = 100;

/** What the system areas of a restore are judged by. */
export interface RestoredAreas {
  readonly documents: Documents;
  readonly system: System;
  readonly about: RestoreAbout;
  /** The areas that the restore was asked for. */
  readonly chosen: readonly string[];
  /** Those that would have come, had they been named. */
  readonly notAsked?: readonly string[];
  readonly outcome: readonly OutcomeItem[];
  /** What the restore says of itself: see `troubleOf`. */
  readonly trouble?: readonly ChecklistItem[];
  /** Default: all that are built. */
  readonly areas?: readonly Area[] | undefined;
}

/**
 * Makes a checklist: of system areas, where the restore had any, and of files. Every item that the capture expected of an
 * area that was looked at is in it, every group of the origin, and every area of the snapshot. Synchronous: for workers.
 */
export function makeChecklist(
  head: Omit<ChecklistHead, 'counts' | 'worst'>,
  files: readonly ChecklistItem[],
  restored?: RestoredAreas,
): Checklist {
  const items = (restored ? allItems(restored, files) : files).map(tidy);
  const counts = countsOf(items);
  const { source, machine } = head;
  return {
    ...head,
    source: shown(source),
    machine: shown(machine),
    into: oneLine(head.into),
    groups: grouped(items),
    counts,
    worst: worstOf(counts),
  };
}

/** A stranger may have chosen the name: it stands in headings. */
const shown = ({ name, os }: ChecklistMachine): ChecklistMachine => ({
  name: oneLine(name, MACHINE_NAME_SHOWN),
  os: oneLine(os, MACHINE_NAME_SHOWN),
});

function allItems(restored: RestoredAreas, files: readonly ChecklistItem[]): ChecklistItem[] {
  const { documents, chosen, notAsked, areas = AREAS } = restored;
  const states = statesOf(documents, chosen, areas, notAsked);
  const items = [...files];
  for (const [name, state] of states) {
    if (state === 'looked-at') items.push(...itemsOfArea(areas.find((area) => area.name === name)!, restored));
    else items.push(wholeArea(name, state, documents));
  }
  items.push(...neverCaptured(documents, states), ...(restored.trouble ?? []));
  return [...items, ...emptyGroups(items, states)];
}

function itemsOfArea(area: Area, { documents, system, about, outcome }: RestoredAreas): ChecklistItem[] {
  const { name } = area;
  const planned = new Map(outcome.filter((one) => one.area === name).map((one) => [oneLine(one.id), one]));
  const expected = documents.checklist.filter((one) => one.area === name).map(tidy);
  const items: ChecklistItem[] = [];
  try {
    const found = area.check(documents.contents.get(name), system, about).map(tidy);
    items.push(...found.map((item) => judge(name, item, planned.get(item.id))));
  } catch (error) {
    items.push(notChecked(name, error));
  }
  const looked = new Set(items.map(({ id }) => id));
  for (const [id, one] of planned) {
    if (looked.has(id)) continue;
    const group = expected.find((other) => other.id === id)?.group ?? groupOfArea(name);
    const deed = unlookedDeed(group, one);
    if (deed) items.push(tidy(deed));
  }
  return [...items, ...unjudged(expected, items).map((one) => nobodyLooked(name, one))];
}

function notChecked(name: string, error: unknown): ChecklistItem {
  return {
    area: name,
    id: `area:${name}`,
    group: groupOfArea(name),
    title: `All of ${name}`,
    expected: 'looked at',
    observed: `the check failed: ${messageOf(error)}`,
    verdict: 'failed',
    evidence: `the check of the area ${name}`,
    remedy: 'look at these items yourself, and report this error',
  };
}
