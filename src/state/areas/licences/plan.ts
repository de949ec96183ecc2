import { foldersFor } from '../base/folders-for.ts';
import type { System } from '../base/system.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import type { LicenceFacts } from './facts.ts';
import { hostIdsOf, plainHostId } from './host-ids.ts';
import { type KnownLicence, knownLicence, needsRehost } from './known.ts';
import { isSystemPlace } from './places.ts';
import { planVariables } from './plan-variables.ts';
import { recognise } from './recognise.ts';
import type { Licence, LicencesContent } from './schema.ts';
import { rehostAdvice, sortedAs, titleOf } from './words.ts';

export function planLicences(content: LicencesContent, plan: PlanBuilder, about: RestoreAbout): void {
  for (const licence of content.licences) planLicence(licence, content, plan, about);
  planVariables(content, plan, about);
  for (const { path, name } of content.stores) {
    const why = 'never: it is sealed to the hardware that it was made on; activate the product anew on this machine';
    plan.withhold(`store:${path}`, `${name} (${path})`, why);
  }
}

function planLicence(licence: Licence, content: LicencesContent, plan: PlanBuilder, about: RestoreAbout): void {
  const id = `licence:${licence.file.path}`;
  const known = knownLicence(licence, content, plan.system, about);
  if (!known) {
    plan.withhold(id, licence.file.path, 'it is no licence file');
    return;
  }
  const title = titleOf(known.facts, licence.file.path);
  const advice = needsRehost(known.judgement, content, plan.system, about)
    ? rehostAdvice(known.facts, known.judgement, plan.system)
    : undefined;
  if (licence.home !== undefined) planInHome(id, title, known, advice, plan);
  else if (known.judgement.sort === 'unknown')
    plan.ask(id, title, `${sortedAs(known.judgement)}; copy it by hand if you need it`);
  else if (!isSystemPlace(known.path)) plan.withhold(id, title, 'it stands where no licences stand');
  else planFile(id, title, licence, known, advice, plan, about);
}

/** It comes with the home; here it is only said what else it needs. */
function planInHome(
  id: string,
  title: string,
  known: KnownLicence,
  advice: string | undefined,
  plan: PlanBuilder,
): void {
  if (advice !== undefined) plan.ask(id, title, `it comes with the area homes; ${advice}`);
  else if (!known.wanted.equals(known.captured)) {
    plan.ask(
      id,
      title,
      'it comes with the area homes and names the old machine as the server: put this machine’s name there',
    );
  } else plan.keep(id, title, `it comes with the area homes; ${sortedAs(known.judgement)}`);
}

function planFile(
  id: string,
  title: string,
  { file }: Licence,
  known: KnownLicence,
  advice: string | undefined,
  plan: PlanBuilder,
  about: RestoreAbout,
): void {
  const { path, wanted, captured } = known;
  const there = plan.system.read(path);
  if (there && !there.equals(captured) && !there.equals(wanted)) {
    if (isOwnOf(plan.system, recognise(path, there)))
      plan.keep(id, title, 'this machine has a licence of its own there');
    else plan.ask(id, title, `another licence is at ${path}; compare the two, and keep the one that you need`);
    return;
  }
  const folders = foldersFor(plan.system, path);
  if (folders.length > 0 && path.startsWith('/etc/')) {
    plan.ask(id, title, `${folders.at(-1)?.path} is not there: install the program first, then restore the licence`);
    return;
  }
  const uid = about.owners.uid(file.uid);
  const gid = about.owners.gid(file.gid);
  // Nothing runs a licence.
  const change = { kind: 'file', path, content: wanted, mode: file.mode & 0o666, uid, gid } as const;
  const named = wanted.equals(captured) ? '' : '; its server is called as this machine is';
  plan.want({
    id,
    title,
    action: there ? 'merge' : 'add',
    detail: `${sortedAs(known.judgement)}${named}${advice === undefined ? '' : `; ${advice}`}`,
    // Programs that root runs read it, whoever’s it is.
    effect: 'root-file',
    changes: [...folders, change],
  });
}

/** Bound to an id that this machine has. */
function isOwnOf(system: System, facts: LicenceFacts | undefined): boolean {
  const own = hostIdsOf(system);
  const ids = [...(facts?.hostIds ?? []), ...(facts?.servers ?? []).map(({ hostId }) => hostId)];
  return ids.some((id) => own.includes(plainHostId(id)));
}
