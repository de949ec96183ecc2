import type { CheckItem } from '../base/check-item.ts';
import { defineArea } from '../base/define-area.ts';
import type { System } from '../base/system.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { captureUsrLocal } from './capture.ts';
import { type Place, type UsrLocalContent, usrLocalSchema } from './schema.ts';

/** /usr/local, /opt, /home/local and /srv: what no package owns there. Its files are the file engine's. */
export const usrLocalArea = defineArea<UsrLocalContent>({
  name: 'usr-local',
  version: 1,
  schema: usrLocalSchema,
  writes: [],
  capture: captureUsrLocal,
  plan: planUsrLocal,
  check: ({ places }, system, { owners }) => places.map((place) => checkPlace(place, system, owners)),
});

/** Root runs programs from there, so all of it is root's business, whoever owns a file. */
function planUsrLocal({ places }: UsrLocalContent, plan: PlanBuilder): void {
  for (const { path } of places) {
    const id = `folder:${path}`;
    if (!plan.system.asRoot) {
      plan.withhold(id, path, 'it needs root', 'root-file');
      continue;
    }
    const isThere = plan.system.facts(path) !== undefined;
    const detail = isThere ? 'files come into it; what is there stays' : 'is made, with its files';
    plan.byFiles({ id, title: path, action: isThere ? 'merge' : 'add', detail, effect: 'root-file' });
  }
}

function checkPlace({ path, kind, uid, names }: Place, system: System, owners: RestoreAbout['owners']): CheckItem {
  const facts = system.facts(path);
  const missing = names.filter((name) => system.facts(`${path}/${name}`) === undefined);
  const what = kind === 'folder' ? `a folder with ${names.length} names, two deep` : `a ${kind}`;
  const base = { id: `folder:${path}`, group: '/usr/local', title: path, evidence: `the ${kind} ${path}` };
  const item = { ...base, expected: `${what}, of the id ${uid}` };
  if (facts?.kind !== kind) {
    const observed = facts ? `a ${facts.kind}` : 'not there';
    return { ...item, observed, verdict: 'failed', remedy: `restore the area usr-local again: ${path} is missing` };
  }
  const observed = `a ${kind}, of the id ${facts.uid}`;
  if (missing.length > 0) {
    const some = missing.slice(0, 5).join(', ');
    const remedy = `restore the area usr-local again, or bring them by hand: ${some}${missing.length > 5 ? ' …' : ''}`;
    return {
      ...item,
      observed: `${observed}; ${missing.length} names are missing: ${some}`,
      verdict: 'failed',
      remedy,
    };
  }
  if (facts.uid !== owners.uid(uid)) {
    return {
      ...item,
      observed,
      verdict: 'person',
      remedy: `if it should be as it was: chown ${owners.uid(uid)} ${path}`,
    };
  }
  return { ...item, observed, verdict: facts.uid === uid ? 'same' : 'changed' };
}
