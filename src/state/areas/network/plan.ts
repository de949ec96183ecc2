import { basename, dirname } from 'node:path/posix';
import type { Change } from '../base/change.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { kindOf } from './file-kinds.ts';
import { isInstalled } from './managers.ts';
import { changesOf, isThere, type Placing, placingsOf } from './placing.ts';
import type { NetworkContent } from './schema.ts';

export function planNetwork(content: NetworkContent, plan: PlanBuilder, about: RestoreAbout): void {
  for (const placing of placingsOf(content, plan.system, about)) planFile(placing, plan, about);
}

function planFile(placing: Placing, plan: PlanBuilder, about: RestoreAbout): void {
  const { id, title, fitted, kind } = placing;
  const { path, effect, refusal } = fitted;
  if (refusal) {
    if (refusal.kind === 'withhold') plan.withhold(id, title, refusal.why, effect);
    else if (isThere(plan.system, placing)) plan.same(id, title);
    else plan.ask(id, title, refusal.why);
    return;
  }
  const isHere = plan.system.facts(path) !== undefined;
  const notes = [
    isHere ? `replaces what ${basename(path)} is here` : `is written to ${path}`,
    ...fitted.notes,
    ...(kind.manager && !isInstalled(plan.system, kind.manager) ? [`${kind.manager} is not installed here yet`] : []),
    ...(kind.kind === 'interfaces' ? ['it is in force after the next start'] : []),
  ];
  plan.want({
    id,
    title,
    action: isHere ? 'replace' : 'add',
    detail: notes.join('; '),
    effect,
    changes: [...foldersFor(path, plan), ...changesOf(placing, about.owners)],
  });
}

/** Folders on the way that the target lacks, no higher than where files of the kind stand. */
function foldersFor(path: string, plan: PlanBuilder): Change[] {
  const folder = dirname(path);
  const top = kindOf(path)?.kind.folder ?? folder;
  const missing: Change[] = [];
  for (let at = folder; at.length >= top.length && at !== '/'; at = dirname(at)) {
    if (plan.system.facts(at)) break;
    missing.unshift({ kind: 'folder', path: at, mode: 0o755, uid: 0, gid: 0 });
  }
  return missing;
}
