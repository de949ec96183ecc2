import type { ConfigFile } from '../base/config-file.ts';
import { planFileItem } from '../base/file-item.ts';
import type { System } from '../base/system.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { missingOf } from './missing.ts';
import { codenameOf } from './packages.ts';
import type { SoftwareContent } from './schema.ts';
import { sourceKindOf } from './sources.ts';

export function planSoftware(content: SoftwareContent, plan: PlanBuilder, about: RestoreAbout): void {
  for (const file of content.sources) planSource(file, content, plan, about);
  planPackages(content, plan, about);
}

/** Sources that name the captured machine's release, where the target has another. */
export function isOfOtherRelease({ text = '' }: ConfigFile, { codename }: SoftwareContent, system: System): boolean {
  const here = codenameOf(system);
  if (codename === '' || codename === here || !/^[\w.-]+$/.test(codename)) return false;
  return new RegExp(`(?<![\\w.])${codename.replaceAll('.', '\\.')}(?![\\w.])`).test(text);
}

function planSource(captured: ConfigFile, content: SoftwareContent, plan: PlanBuilder, about: RestoreAbout): void {
  const { path, mode } = captured;
  const kind = sourceKindOf(path);
  const id = `${kind ?? 'file'}:${path}`;
  const title = `${kind === 'account' ? 'account at a source' : (kind ?? 'file')} of packages (${path})`;
  if (!kind || captured.link !== undefined || captured.uid !== 0) {
    plan.withhold(id, title, 'it is no source of packages, nor its key', 'package-source');
  } else if (kind === 'source' && isOfOtherRelease(captured, content, plan.system)) {
    plan.ask(
      id,
      title,
      `it is for ${content.codename}, and this machine is ${codenameOf(plan.system) || 'another system'}: look for the maker’s source for it`,
    );
  } else {
    planFileItem({ id, title, file: { ...captured, mode: mode & 0o644 }, effect: 'package-source' }, plan, about);
  }
}

/** Nothing is installed: the missing ones are named, and stand in a script for a person. */
function planPackages(content: SoftwareContent, plan: PlanBuilder, about: RestoreAbout): void {
  const { debPackages, others } = missingOf(content, plan.system, about.owners);
  if (content.debPackages.length > 0) {
    tell(
      'packages:deb',
      'packages of the system',
      debPackages.map(({ name }) => name),
      plan,
    );
  }
  for (const [group, all] of Map.groupBy(content.others, ({ manager }) => manager)) {
    const missing = others.filter(({ manager }) => manager === group);
    if (all.length > 0)
      tell(
        `packages:${group}`,
        `programs from ${group}`,
        missing.map(({ name }) => name),
        plan,
      );
  }
}

function tell(id: string, title: string, missing: readonly string[], plan: PlanBuilder): void {
  if (missing.length === 0) {
    plan.same(id, title);
    return;
  }
  const named = missing.slice(0, 20).join(', ');
  const more = missing.length > 20 ? ` and ${missing.length - 20} more` : '';
  plan.ask(
    id,
    title,
    `nothing is installed; missing are ${named}${more}: the script installs them, once you have read it`,
  );
}
