import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { AccountsPlan } from './accounts-plan.ts';
import { planAdministrator } from './administrators.ts';
import { peoplesGroups, privateUserOf } from './map-groups.ts';
import { peopleOf } from './people.ts';
import { planGroup } from './plan-group.ts';
import { planMembership } from './plan-membership.ts';
import { planUser } from './plan-user.ts';
import type { AccountsContent } from './schema.ts';

/** Groups, then people with their own groups, then who is in which group, as one would add them by hand. */
export function planAccounts(content: AccountsContent, plan: PlanBuilder, about: RestoreAbout): void {
  const people = peopleOf(content);
  for (const { username } of content.users.filter((user) => !people.includes(user))) {
    plan.withhold(`user:${username}`, username, 'it is root, or shares name or id with somebody; it is not carried');
  }
  const accounts = new AccountsPlan(plan, about.owners);
  const missing = (['/etc/passwd', '/etc/shadow', '/etc/group'] as const).find((path) => !accounts.has(path));
  if (missing) {
    for (const { username } of people) {
      plan.withhold(`user:${username}`, username, `the target has no plain ${missing}; set up its system first`);
    }
    return;
  }
  const groups = peoplesGroups({ ...content, users: [...people] });
  const shared = groups.filter((group) => !privateUserOf(group, people));
  for (const group of shared) planGroup(group, accounts);
  for (const user of people) planUser(user, groups, accounts);
  for (const { groupname, members } of [...groups, ...content.memberships]) {
    for (const username of new Set(members)) {
      const user = people.find((one) => one.username === username);
      if (user) planMembership(user, groupname, accounts);
    }
  }
  for (const { groupname, administrators = [] } of shared) {
    for (const username of new Set(administrators)) {
      const user = people.find((one) => one.username === username);
      if (user) planAdministrator(user, groupname, accounts);
    }
  }
}
