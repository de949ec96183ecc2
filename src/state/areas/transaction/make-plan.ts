import { messageOf } from '../../../common/errors.ts';
import { type Documents, readDocuments } from '../base/documents.ts';
import { AREA_NAMES, type AreaName, ONLY_WHERE_ASKED } from '../base/names.ts';
import { PlannedSystem } from '../base/planned-system.ts';
import type { System } from '../base/system.ts';
import type { Area, CouldNot, Owners, RestoreAbout } from '../base/types.ts';
import type { Beneath } from './beneath.ts';
import { CheckedPlanner } from './checked-planner.ts';
import type { AreasParts } from './parts.ts';
import { NO_EXTRAS } from './plan-extras.ts';
import { StepPlanner } from './step-planner.ts';
import type { AreasPlan, AreasPlanItem, AreasWish } from './types.ts';

export interface MadePlan {
  readonly plan: AreasPlan;
  readonly steps: StepPlanner;
}

/** Plans the wished areas that the documents carry, each on the machine as the earlier ones will leave it. */
export function makePlan(
  parts: AreasParts,
  folder: string,
  wish: AreasWish,
  target: { readonly system: System; readonly beneath: Beneath },
): MadePlan {
  const documents = readDocuments(folder, parts.areas);
  const { machine } = documents;
  const table = parts.ownerTable(documents.contents, target.system, {
    source: machine.source,
    mapUsers: wish.mapUsers,
  });
  const owners = parts.ownersOf(table);
  const about = { identity: wish.identity, owners, source: machine.source, nowMs: wish.nowMs };
  const steps = new StepPlanner(target.beneath, isOfFiles(documents, owners));
  const planned = new PlannedSystem(target.system);
  const problems: CouldNot[] = [...documents.problems];
  const items: AreasPlanItem[] = [];
  for (const [area, content] of chosen(parts, documents, wish)) {
    if (ONLY_WHERE_ASKED.has(area.name) && !wish.asked.includes(area.name)) {
      items.push(onlyWhereAsked(area.name));
      continue;
    }
    const planner = new CheckedPlanner(area, planned, steps, wish.allowPrivileged);
    const problem = planArea(area, content, planner, about);
    items.push(...planner.items);
    if (problem) problems.push(problem);
  }
  const paths = [...new Set(steps.steps.map(({ path }) => path))].sort();
  const withheld = items.filter(({ action }) => action === 'withhold');
  const wished = new Map([...documents.contents].filter(([name]) => wish.areas.includes(name)));
  const extras = parts.extras?.(wished, target.system, owners) ?? NO_EXTRAS;
  return { plan: { machine, items, owners: table, problems, withheld, paths, extras }, steps };
}

function* chosen(parts: AreasParts, { contents }: Documents, { areas }: AreasWish): Generator<[Area, unknown]> {
  for (const name of AREA_NAMES) {
    const area = parts.areas.find((one) => one.name === name);
    if (area && areas.includes(name) && contents.has(name)) yield [area, contents.get(name)];
  }
}

/** What it had planned before it failed stays: each item is whole by itself. */
function planArea(area: Area, content: unknown, planner: CheckedPlanner, about: RestoreAbout): CouldNot | undefined {
  try {
    area.plan(content, planner, about);
    return undefined;
  } catch (error) {
    return { what: `area ${area.name}`, why: `it cannot be planned: ${messageOf(error).slice(0, 300)}` };
  }
}

function onlyWhereAsked(area: AreaName): AreasPlanItem {
  return {
    area,
    id: `area:${area}`,
    title: `everything of ${area}`,
    action: 'withhold',
    detail: `it is restored only where it is asked for: name it, --areas ${area}`,
    paths: [],
    difference: [],
  };
}

/** Paths that the files of the same snapshot may change. */
function isOfFiles({ machine }: Documents, owners: Owners): (path: string) => boolean {
  const roots = [...new Set(machine.roots.flatMap(({ path }) => [path, owners.home(path)]))];
  return (path) => roots.some((root) => path === root || path.startsWith(`${root}/`));
}
