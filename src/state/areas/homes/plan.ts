import { readPasswd } from '../accounts/account-lines.ts';
import { isRemote } from '../base/mounts.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { isOneself } from './oneself.ts';
import type { Home, HomesContent } from './schema.ts';
import { whyNoHome } from './why-no-home.ts';

/** What happens to each home; the file engine does it. */
export function planHomes({ homes }: HomesContent, plan: PlanBuilder, { owners }: RestoreAbout): void {
  const accounts = new Map(readPasswd(plan.system).entries.map((entry) => [entry.name, entry]));
  for (const home of homes) {
    const name = owners.user(home.username);
    const id = `home:${home.username}`;
    const title = `home of ${name}`;
    const account = accounts.get(name);
    // As its own line has it: where two had one home, the path alone does not say whose it becomes.
    const to = account?.home ?? owners.home(home.directory);
    if (home.mount && isRemote(home.mount)) {
      plan.ask(id, title, `it lies on ${home.mount.device} (${home.mount.type}); mount that here as it was`);
      planMail(home, name, account?.uid, plan);
      continue;
    }
    const why = whyNot(to, name, account?.uid, home, plan);
    if (why) {
      plan.withhold(id, title, why);
      planMail(home, name, account?.uid, plan);
      continue;
    }
    const moved = to === home.directory ? '' : ` (was ${home.directory})`;
    const isThere = plan.system.facts(to) !== undefined;
    const detail = isThere
      ? `files come into ${to}${moved}; what is there stays`
      : `${to}${moved} is made, with its files`;
    plan.byFiles({ id, title, action: isThere ? 'merge' : 'add', detail });
    planMail(home, name, account?.uid, plan);
  }
}

function whyNot(
  to: string,
  name: string,
  uid: number | undefined,
  { link }: Pick<Home, 'link'>,
  { system }: PlanBuilder,
): string | undefined {
  if (uid === undefined)
    return `there is no user ${name} here; restore the area accounts too, or say --map-user ${name}=NAME`;
  if (uid === 0) return 'it is root’s here';
  if (!system.asRoot && !isOneself(uid)) return 'it needs root';
  const why = whyNoHome(system, to, { name, uid, link });
  return why ?? (link === undefined ? undefined : whyNoHome(system, link, { name, uid }));
}

/** It comes wherever its person is, whatever becomes of the home. */
function planMail({ username, mail }: Home, name: string, uid: number | undefined, plan: PlanBuilder): void {
  if (!mail) return;
  const title = `mail of ${name}`;
  if (!uid) plan.withhold(`mail:${username}`, title, `there is no user ${name} here who could have it`);
  else if (!plan.system.asRoot) plan.withhold(`mail:${username}`, title, 'it needs root');
  else plan.byFiles({ id: `mail:${username}`, title, action: 'add', detail: `unread mail of ${mail} comes along` });
}
