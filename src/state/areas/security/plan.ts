import { type ConfigFile, contentOf } from '../base/config-file.ts';
import { planFileItem } from '../base/file-item.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { isShipped, kindOf, mappedFile } from './kinds.ts';
import type { SecurityContent } from './schema.ts';
import { isTrusted } from './trust.ts';

export const NEVER_LISTED =
  'never carried: one wrong line shuts everybody out; make the change again by hand if it is needed';
export const TRUST_ADVICE = 'run update-ca-certificates as root, so that programs trust it';

export function planSecurity(
  { files, trusted, listed }: SecurityContent,
  plan: PlanBuilder,
  about: RestoreAbout,
): void {
  for (const captured of files) {
    const isWanted = planFile(captured, plan, about);
    const { path, text = '' } = captured;
    if (!isWanted || !trusted.includes(path)) continue;
    const id = `trust:${path}`;
    if (isTrusted(plan.system, text)) plan.same(id, `trust in ${path}`);
    else plan.ask(id, `trust in ${path}`, TRUST_ADVICE);
  }
  for (const path of listed) plan.withhold(`pam:${path}`, `how people log in (${path})`, NEVER_LISTED);
}

function planFile(captured: ConfigFile, plan: PlanBuilder, about: RestoreAbout): boolean {
  const { path } = captured;
  const kind = kindOf(path);
  const id = `${kind?.name ?? 'file'}:${path}`;
  const title = kind ? `${kind.title} (${path})` : path;
  const problem = kind ? problemOf(captured) : 'it is nothing that this area carries';
  if (!kind || problem !== undefined) {
    plan.withhold(id, title, problem ?? '', kind?.effect);
    return false;
  }
  const file = mappedFile(captured, kind, about.owners);
  const judged = kind.judge(contentOf(file), plan.system);
  if (judged !== undefined) {
    plan.withhold(id, title, judged, kind.effect);
    return false;
  }
  return planFileItem({ id, title, file, effect: kind.effect }, plan, about, (at) => isShipped(plan.system, at));
}

/** Files that decide who may do what are root's alone to write. */
function problemOf({ link, uid, mode }: ConfigFile): string | undefined {
  if (link !== undefined) return 'it is a link';
  if (uid !== 0) return 'it did not belong to root';
  return (mode & 0o022) === 0 ? undefined : 'others than root could write it';
}
