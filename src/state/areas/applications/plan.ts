import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { Running } from './blocked.ts';
import type { Application, ApplicationsContent } from './schema.ts';
import { brokenUnit } from './units.ts';
import { placesInWords, sizeInWords } from './words.ts';

/** Their data is files, which come as files: what is told here is what a person has to know or do about them. */
export function planApplications(content: ApplicationsContent, plan: PlanBuilder, about: RestoreAbout): void {
  const running = new Running(plan.system);
  for (const application of content.applications) planOne(application, content, running, plan, about);
  for (const { username, keys } of content.settings) {
    const title = `settings of ${username}'s desktop`;
    const detail = `${Object.keys(keys).length} keys of dconf, with the home`;
    plan.byFiles({ id: `settings:${username}`, title, action: 'add', detail });
  }
  if (content.unknown.length > 0) {
    const detail = `${content.unknown.length} come whole, since nobody wrote a rule for them`;
    plan.byFiles({ id: 'folders:unknown', title: 'folders that no rule knows', action: 'add', detail });
  }
}

function planOne(
  application: Application,
  { applications }: ApplicationsContent,
  running: Running,
  plan: PlanBuilder,
  { owners }: RestoreAbout,
): void {
  const { name, left_out, places } = application;
  const id = `application:${application.id}`;
  const remedy = places.map((place) => running.remedyFor(application, place, owners)).find((one) => one !== undefined);
  const broken = brokenUnit(application, applications);
  const personal = places.filter(({ home }) => home !== undefined);
  if (broken !== undefined) plan.ask(id, name, broken);
  else if (left_out !== undefined) plan.withhold(id, name, `its data was left out: ${left_out}`);
  else if (remedy !== undefined) plan.ask(id, name, remedy);
  else if (places.length === 0) plan.keep(id, name, 'only that it was there is known');
  else {
    const detail = placesInWords(places.map(({ size }) => size));
    plan.byFiles({ id, title: name, action: 'add', detail, ...(personal.length === 0 && ROOTS) });
  }
  if (left_out !== undefined) return;
  for (const { path, home, size } of places) {
    if (home !== undefined) continue;
    const title = `${name}: ${path}`;
    plan.byFiles({ id: `data:${application.id}:${path}`, title, action: 'add', detail: sizeInWords(size), ...ROOTS });
  }
}

/** What lies outside of homes is root's, or a service's. */
const ROOTS = { effect: 'root-file' } as const;
