import type { Change } from './change.ts';
import type { CheckItem, Verdict } from './check-item.ts';
import { type ConfigFile, changeOf, hasContentOf } from './config-file.ts';
import { dpkgOf } from './dpkg.ts';
import { foldersFor } from './folders-for.ts';
import { isDone } from './item-planner.ts';
import type { System } from './system.ts';
import type { PlanBuilder, PrivilegedEffect, RestoreAbout } from './types.ts';

/** A file that is carried whole, as one item. */
export interface FileItem {
  readonly id: string;
  readonly title: string;
  /** As it is to be on the target: its path and what its text says of people there. Numbers of owners are the source's. */
  readonly file: ConfigFile;
  readonly effect?: PrivilegedEffect;
}

/**
 * Wants a file as it was captured. One that is there with another content is replaced where its package brought it so
 * (`isShipped`), else a person compares the two.
 */
export function planFileItem(
  { id, title, file, effect }: FileItem,
  plan: PlanBuilder,
  about: RestoreAbout,
  isShipped: (path: string) => boolean = (path) => dpkgOf(plan.system).isPristine(path),
): boolean {
  const { path } = file;
  const there = plan.system.facts(path);
  if (there && !hasContentOf(plan.system, file) && !isShipped(path)) {
    plan.ask(id, title, `${path} says something else on this machine; compare the two, and change it by hand`);
    return false;
  }
  return plan.want({
    id,
    title,
    action: there ? 'replace' : 'add',
    detail: there ? `${path} becomes as captured` : `${path} is made`,
    ...(effect && { effect }),
    changes: [...foldersFor(plan.system, path), ofItem(file, effect, about)],
  });
}

/** What only root may bring is root's, and nobody else may write it, whoever's it was. */
function ofItem(file: ConfigFile, effect: PrivilegedEffect | undefined, { owners }: RestoreAbout): Change {
  const change = changeOf(file, owners);
  return effect && change.kind === 'file' ? { ...change, uid: 0, mode: change.mode & 0o755 } : change;
}

/** Judges it by content, kind, owner and mode; `isChanged`: it had to become another than was captured. */
export function checkFileItem(
  { id, title, file, effect }: FileItem,
  group: string,
  system: System,
  about: RestoreAbout,
  isChanged = false,
): CheckItem {
  const { path } = file;
  const base = {
    id,
    group,
    title,
    expected: isChanged ? 'as captured, with names of this machine' : 'as captured',
    evidence: path,
  };
  const seen = (observed: string, verdict: Verdict, remedy?: string) => ({
    ...base,
    observed,
    verdict,
    ...(remedy !== undefined && { remedy }),
  });
  const facts = system.facts(path);
  if (!facts) return seen('it is not there', 'failed', `restore ${path}, or make it anew`);
  if (system.isUnreadable(path)) return seen('it cannot be read', 'person', 'run the check as root');
  if (!hasContentOf(system, file)) {
    return seen('its content is another one', 'failed', `compare ${path} with the captured one`);
  }
  const change = ofItem(file, effect, about);
  // On the captured machine itself it is as it was.
  const isOwned = isDone(system, change) || isDone(system, changeOf(file, about.owners));
  if (change.kind === 'file' && !isOwned) {
    const mode = facts.mode.toString(8).padStart(4, '0');
    const remedy = `chown ${change.uid}:${change.gid} ${path}; chmod ${change.mode.toString(8)} ${path}`;
    return seen(`its content is right; mode ${mode}, owner ${facts.uid}:${facts.gid} are not`, 'failed', remedy);
  }
  return seen(isChanged ? 'as it is to be' : 'as captured', isChanged ? 'changed' : 'same');
}
