import type { AccountsPlan } from './accounts-plan.ts';
import { type AccountFiles, addLine, shadowFields } from './edit-files.ts';
import { isHomePath } from './home-path.ts';
import { isPersonal } from './login-defs.ts';
import { chooseShell } from './login-shell.ts';
import { privateUserOf } from './map-groups.ts';
import { whyNot, withGroup } from './plan-group.ts';
import { planPassword, shadowFor } from './plan-password.ts';
import { withRanges } from './plan-ranges.ts';
import type { Group, User } from './schema.ts';

/** A person: who is there stays as he is, others are added as useradd and `chpasswd -e` do. */
export function planUser(user: User, groups: readonly Group[], accounts: AccountsPlan): void {
  const { plan, owners } = accounts;
  const id = `user:${user.username}`;
  const name = owners.user(user.username);
  const title = name === user.username ? name : `${user.username}, here ${name}`;
  const there = accounts.user(name);
  if (there && !isPersonal(there.uid, accounts.defs.uid)) {
    withhold(`${name} is an account of the system here; --map-user ${user.username}=NAME gives another name`);
    return;
  }
  if (there) {
    if (there.uid === user.uid && there.home === user.directory && there.shell === user.shell) plan.same(id, title);
    else plan.keep(id, title, `the account that is here keeps its id ${there.uid}, its home and its shell`);
    planPassword(user, accounts);
    return;
  }
  const added = newUser(user, name, groups, accounts);
  if ('why' in added) {
    withhold(added.why);
    return;
  }
  const effect = added.privilege ? 'privileged-group' : accounts.named.users.has(name) ? 'sudoers' : undefined;
  if (accounts.want({ id, title, action: 'add', detail: added.detail, effect }, added.files)) accounts.added.add(name);
  else notAdded();

  function withhold(why: string): void {
    plan.withhold(id, title, why);
    notAdded();
  }

  function notAdded(): void {
    plan.withhold(`password:${user.username}`, `password of ${name}`, `${name} is not added`);
    if (user.subuids.length + user.subgids.length > 0) {
      plan.withhold(`subids:${user.username}`, `subordinate ids of ${name}`, `${name} is not added`);
    }
  }
}

type NewUser =
  | { readonly files: AccountFiles; readonly detail: string; readonly privilege?: string }
  | { readonly why: string };

/** The files with the account, and what is to be said of it; or why there can be none. */
function newUser(user: User, name: string, groups: readonly Group[], accounts: AccountsPlan): NewUser {
  const uid = accounts.owners.uid(user.uid);
  const { min, max } = accounts.defs.uid;
  if (!isPersonal(uid, accounts.defs.uid)) {
    return {
      why: `its id ${uid} is none of people’s (${min} to ${max}); --map-user ${user.username}=NUMBER gives another`,
    };
  }
  const holder = accounts.userOfId(uid);
  if (holder)
    return { why: `its id ${uid} is that of ${holder.name} here; --map-user ${user.username}=NUMBER gives another` };
  const primary = primaryGroup(user, groups, accounts);
  if ('why' in primary) return primary;
  const home = homeOf(user, accounts);
  const { shell, why: shellWhy } = chooseShell(accounts.system, user.shell);
  const { shadow, note } = shadowFor(user, accounts);
  let files = addLine(primary.files, '/etc/passwd', [name, 'x', uid, primary.gid, user.description, home, shell]);
  files = addLine(files, '/etc/shadow', [...shadowFields(name, shadow), '']);
  files = withRanges(files, user, name, accounts);
  const notes = [
    `is added with the id ${uid}${uid === user.uid ? '' : ` (was ${user.uid})`}, the home ${home} and the shell ${shell}`,
    ...(shellWhy ? [`${shellWhy}: install it and use chsh`] : []),
    ...(note ? [note] : []),
    ...(primary.privilege ? [`its group ${primary.name}: ${primary.privilege}`] : []),
  ];
  return { files, detail: notes.join('; '), ...(primary.privilege && { privilege: primary.privilege }) };
}

type Primary =
  | {
      readonly files: AccountFiles;
      readonly gid: number;
      readonly name: string;
      readonly privilege?: string | undefined;
    }
  | { readonly why: string };

/** The primary group: one that is there, or the person's own, which is added. */
function primaryGroup(user: User, groups: readonly Group[], accounts: AccountsPlan): Primary {
  const { owners, files } = accounts;
  const gid = owners.gid(user.gid);
  const captured = groups.find((group) => group.gid === user.gid);
  const there = captured ? accounts.group(owners.group(captured.groupname)) : accounts.groupOfId(gid);
  if (there) {
    if (there.gid === 0) return { why: 'its group is root’s; it is not carried' };
    return { files, gid: there.gid, name: there.name, privilege: accounts.privilegeOf(there.name) };
  }
  const own = captured && privateUserOf(captured, [user]) ? owners.group(captured.groupname) : undefined;
  if (own === undefined) return { why: `its group ${captured?.groupname ?? user.gid} is not on this machine` };
  const why = whyNot(own, gid, accounts);
  if (why) return { why: `its own group: ${why}` };
  return { files: withGroup(files, own, gid), gid, name: own, privilege: accounts.privilegeOf(own) };
}

function homeOf(user: User, { owners }: AccountsPlan): string {
  const home = isHomePath(user.directory) ? owners.home(user.directory) : '';
  return isHomePath(home) ? home : '/nonexistent';
}
