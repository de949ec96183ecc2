import { z } from 'zod';
import type { CheckItem, Verdict } from '../../../../src/state/areas/base/check-item.ts';
import type { Documents, ExpectedItem } from '../../../../src/state/areas/base/documents.ts';
import type { AreaName } from '../../../../src/state/areas/base/names.ts';
import type { System } from '../../../../src/state/areas/base/system.ts';
import type { Area } from '../../../../src/state/areas/base/types.ts';
import { groupOfArea } from '../../../../src/state/areas/checklist/groups.ts';
import { makeChecklist, type RestoredAreas } from '../../../../src/state/areas/checklist/make-checklist.ts';
import type { Checklist, ChecklistItem, OutcomeItem } from '../../../../src/state/areas/checklist/types.ts';
import { ABOUT } from '../../support/machine.ts';

export const HEAD = {
  restore: '20260131-120000000-0a1b2c3d',
  state: 'f00d',
  snapshot: 3,
  source: { name: 'old-desk', os: 'Debian GNU/Linux 12 (bookworm)' },
  machine: { name: 'new-desk', os: 'Debian GNU/Linux 13 (trixie)' },
  into: '/',
  capturedAt: '2026-01-30T16:45:00.000Z',
  restoredAt: '2026-01-31T12:00:00.000Z',
  madeAt: '2026-01-31T12:05:00.000Z',
};

/** An item as an area's check gives it. */
export function found(area: AreaName, id: string, verdict: Verdict = 'same', more: Partial<CheckItem> = {}): CheckItem {
  return {
    id,
    group: groupOfArea(area),
    title: id.replace(/^\w+:/, ''),
    expected: 'as captured',
    observed: verdict === 'same' ? 'as captured' : 'something else',
    verdict,
    evidence: `/etc/${area}`,
    ...more,
  };
}

/** An area whose check gives these items, or throws. */
export function fakeArea(name: AreaName, check: readonly CheckItem[] | (() => never)): Area {
  return {
    name,
    version: 1,
    schema: z.unknown(),
    writes: [],
    capture: () => undefined,
    plan() {},
    check: () => (typeof check === 'function' ? check() : check),
  };
}

export const expecting = (area: AreaName, ...ids: readonly string[]): ExpectedItem[] =>
  ids.map((id) => ({ ...found(area, id), area }));

export const planned = (
  area: AreaName,
  id: string,
  action: OutcomeItem['action'],
  more: Partial<OutcomeItem> = {},
): OutcomeItem => ({ area, id, title: id.replace(/^\w+:/, ''), action, detail: 'for a reason', ...more });

/** What a snapshot of these areas says. */
export function documentsOf(areas: readonly string[], more: Partial<Documents> = {}): Documents {
  return {
    machine: {
      format: 1,
      source: ABOUT.source,
      asRoot: true,
      capturedAt: HEAD.capturedAt,
      areas: areas.map((name) => ({ name, version: 1 })),
      roots: [],
      couldNot: [],
    },
    contents: new Map(areas.map((name) => [name as AreaName, {}])),
    checklist: [],
    problems: [],
    ...more,
  };
}

/** No area of these tests looks at it. */
const NO_SYSTEM = {} as System;

/** A checklist of fake areas; all that the snapshot has were chosen unless it says otherwise. */
export function checklistOf(
  areas: readonly Area[],
  more: Partial<RestoredAreas> = {},
  files: readonly ChecklistItem[] = [],
): Checklist {
  const names = areas.map(({ name }) => name);
  return makeChecklist(HEAD, files, {
    ...{ documents: documentsOf(names), system: NO_SYSTEM, about: ABOUT, chosen: names, outcome: [], areas },
    ...more,
  });
}

export const allItems = ({ groups }: Checklist): ChecklistItem[] => groups.flatMap(({ items }) => items);
