import { ORIGIN_GROUPS } from '../base/check-item.ts';
import type { Documents } from '../base/documents.ts';
import { type AreaName, isAreaName } from '../base/names.ts';
import type { Area } from '../base/types.ts';
import { FILLED_BY, groupOfArea } from './groups.ts';
import type { ChecklistItem } from './types.ts';

/** What can be done with an area of a snapshot. */
/** `not-asked`: it would have come, had it been named; nobody said that others alone are wanted. */
export type AreaState = 'looked-at' | 'not-chosen' | 'not-asked' | 'unreadable';

/** By name, for every area that the snapshot has. */
export function statesOf(
  { machine, contents }: Documents,
  chosen: readonly string[],
  areas: readonly Area[],
  notAsked: readonly string[] = [],
): Map<string, AreaState> {
  return new Map(
    machine.areas.map(({ name }): [string, AreaState] => {
      if (!chosen.includes(name) && isAreaName(name)) {
        return [name, notAsked.includes(name) ? 'not-asked' : 'not-chosen'];
      }
      const isReadable = isAreaName(name) && contents.has(name) && areas.some((area) => area.name === name);
      return [name, isReadable ? 'looked-at' : 'unreadable'];
    }),
  );
}

/** One item for an area that was not looked at, in the name of all its items. */
export function wholeArea(name: string, state: Exclude<AreaState, 'looked-at'>, documents: Documents): ChecklistItem {
  const count = documents.checklist.filter(({ area }) => area === name).length;
  const item = {
    area: name,
    id: `area:${name}`,
    group: groupOfArea(name),
    title: `All of ${name}`,
    expected: count === 1 ? '1 item as captured' : count > 0 ? `${count} items as captured` : 'as captured',
  };
  if (state === 'not-chosen' || state === 'not-asked') {
    return {
      ...item,
      observed: 'left out: this area was not chosen',
      verdict: 'skipped',
      evidence: 'what the restore was asked for',
      remedy: `restore again with --areas ${name} to bring it`,
      ...(state === 'not-asked' && { isWithheld: true }),
    };
  }
  const why = documents.problems.find(({ what }) => what === `area ${name}`)?.why;
  return {
    ...item,
    observed: `not looked at: ${why ?? 'this version of resettle does not know the area'}`,
    verdict: 'person',
    evidence: 'the snapshot’s own word',
    remedy: 'restore it with a version of resettle that knows it, or set it up by hand',
  };
}

const isLeftOut = (state: AreaState | undefined): boolean => state === 'not-chosen' || state === 'not-asked';

/** What the capture could not read, and what of the documents cannot be read now. */
export function neverCaptured(
  { machine, problems }: Documents,
  states: ReadonlyMap<string, AreaState>,
): ChecklistItem[] {
  const lost = machine.couldNot
    .filter(({ area }) => !isLeftOut(states.get(area)))
    .map(
      ({ area, what, why }): ChecklistItem => ({
        area,
        id: `capture:${what}`,
        group: groupOfArea(area),
        title: what,
        expected: 'captured',
        observed: `not captured: ${why}`,
        verdict: 'person',
        evidence: 'what the capture wrote down of itself',
        remedy: 'fetch it from the old machine, if that is still there',
      }),
    );
  const unread = problems
    .filter(({ what }) => !states.has(what.replace(/^area /, '')))
    .map(
      ({ what, why }): ChecklistItem => ({
        area: 'snapshot',
        id: `snapshot:${what}`,
        group: 'snapshot',
        title: what,
        expected: 'readable',
        observed: why,
        verdict: 'person',
        evidence: 'the snapshot’s documents',
        remedy: 'capture the old machine again, if that is still there; else compare by hand',
      }),
    );
  return [...lost, ...unread];
}

/** The groups of the origin that nothing stands in, each with its reason: none is passed over in silence. */
export function emptyGroups(items: readonly ChecklistItem[], states: ReadonlyMap<string, AreaState>): ChecklistItem[] {
  const filled = new Set(items.map(({ group }) => group));
  return ORIGIN_GROUPS.filter((group) => !filled.has(group)).map((group) => {
    const { areas, none } = FILLED_BY[group];
    return {
      area: 'snapshot',
      id: `origin:${group}`,
      group,
      title: group,
      expected: 'nothing',
      observed: whyEmpty(areas, none, states),
      verdict: 'skipped',
      evidence: 'what the snapshot holds, and what the restore was asked for',
    };
  });
}

function whyEmpty(areas: readonly AreaName[], none: string, states: ReadonlyMap<string, AreaState>): string {
  const of = (state: AreaState): AreaName | undefined => areas.find((name) => states.get(name) === state);
  const notChosen = of('not-chosen') ?? of('not-asked');
  if (of('looked-at')) return none;
  if (notChosen) return `the area ${notChosen} was not chosen for this restore`;
  const unreadable = of('unreadable');
  if (unreadable) return `the area ${unreadable} cannot be read here`;
  return `${none}, or the area ${areas.join(' or ')} was not captured`;
}
