import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { Running } from './blocked.ts';
import type { Application, ApplicationsContent } from './schema.ts';
import { brokenUnit } from './units.ts';
import { placesInWords } from './words.ts';

/** Their data is files, which come as files: what is told here is what a person has to know or do about them. */
export function planApplications(content: ApplicationsContent, plan: PlanBuilder, about: RestoreAbout): void {
  const running = new Running(plan.system);
  for (const application of content.applications) planOne(application, content, running, plan, about);
  for (const { username, keys } of content.settings) {
    const title = `settings of ${username}'s desktop`;
    plan.keep(`settings:${username}`, title, `${Object.keys(keys).length} keys of dconf come with the home`);
  }
  if (content.unknown.length > 0) {
    plan.keep(
      'folders:unknown',
      'folders that no rule knows',
      `${content.unknown.length} come whole, since nobody wrote a rule for them`,
    );
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
  const remedies = new Set(places.map((place) => running.remedyFor(application, place, owners)));
  const [remedy] = [...remedies].filter((one) => one !== undefined);
  const broken = brokenUnit(application, applications);
  if (broken !== undefined) plan.ask(id, name, broken);
  else if (left_out !== undefined) plan.withhold(id, name, `its data was left out: ${left_out}`);
  else if (remedy !== undefined) plan.ask(id, name, remedy);
  else plan.keep(id, name, `${placesInWords(places.map(({ size }) => size))}: its files come with the others`);
}
