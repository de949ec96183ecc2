import { type ConfigFile, changeOf, hasContentOf } from '../base/config-file.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { CUPS } from './target.ts';

/** client.conf: the print server that jobs go to. */
export function planClient(file: ConfigFile, plan: PlanBuilder, about: RestoreAbout): void {
  const id = 'file:client.conf';
  const title = 'Print server to use (client.conf)';
  const path = `${CUPS}/client.conf`;
  if (plan.system.facts(path) && !hasContentOf(plan.system, file, path)) {
    plan.ask(id, title, `${path} is another one here: compare it with the captured one`);
    return;
  }
  if (file.link !== undefined) {
    plan.withhold(id, title, 'it was a link to somewhere else');
    return;
  }
  plan.want({
    id,
    title,
    action: 'add',
    detail: 'jobs go to the print server that it names',
    effect: 'network',
    changes: [{ kind: 'folder', path: CUPS, mode: 0o755, uid: 0, gid: 0 }, changeOf(file, about.owners, path)],
  });
}

/** What the print server lets people do is theirs to decide anew. */
export function planServerFile(file: ConfigFile, plan: PlanBuilder): void {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  const title = `Settings of the print server (${name})`;
  if (hasContentOf(plan.system, file, `${CUPS}/${name}`)) {
    plan.same(`file:${name}`, title);
    return;
  }
  plan.ask(`file:${name}`, title, `who may print, share and administer was changed there: compare ${CUPS}/${name}`);
}
