import type { AccountsPlan } from './accounts-plan.ts';
import { type AccountFiles, addLine } from './edit-files.ts';
import { isPersonal } from './login-defs.ts';
import type { Group } from './schema.ts';

/** A group that several people may be in: added empty, as groupadd does. One that is there stays as it is. */
export function planGroup({ groupname, gid }: Group, accounts: AccountsPlan): void {
  const { plan, owners } = accounts;
  const id = `group:${groupname}`;
  const name = owners.group(groupname);
  const title = `group ${name}`;
  const there = accounts.group(name);
  if (there) {
    if (there.gid === gid) plan.same(id, title);
    else plan.keep(id, title, `the group that is here keeps its id ${there.gid}; files of ${gid} become its own`);
    return;
  }
  const wished = owners.gid(gid);
  const why = whyNot(name, wished, accounts);
  if (why) {
    plan.withhold(id, title, why);
    return;
  }
  const privilege = accounts.privilegeOf(name);
  const detail = `is added with the id ${wished}${privilege ? `; ${privilege}` : ''}`;
  const effect = privilege ? 'privileged-group' : undefined;
  if (accounts.want({ id, title, action: 'add', detail, effect }, withGroup(accounts.files, name, wished))) {
    accounts.addedGroups.add(name);
  }
}

/** Why a group cannot be added; undefined where it can. */
export function whyNot(name: string, gid: number, accounts: AccountsPlan): string | undefined {
  const { min, max } = accounts.defs.gid;
  if (!isPersonal(gid, accounts.defs.gid)) return `its id ${gid} is none of people’s groups (${min} to ${max})`;
  const holder = accounts.groupOfId(gid);
  if (holder && holder.name !== name) return `its id ${gid} is that of the group ${holder.name} here`;
  return undefined;
}

/** With a group and its shadow line. */
export function withGroup(files: AccountFiles, name: string, gid: number): AccountFiles {
  return addLine(addLine(files, '/etc/group', [name, 'x', gid, '']), '/etc/gshadow', [name, '!', '', '']);
}
