import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { Owners, RestoreAbout } from '../base/types.ts';
import { type GroupLine, type PasswdLine, readGroup, readPasswd } from './account-lines.ts';
import { checkAdministrators } from './administrators.ts';
import { checkPasswords } from './check-passwords.ts';
import { checkRanges } from './check-ranges.ts';
import { isHomePath } from './home-path.ts';
import { isInstalled } from './login-shell.ts';
import { peoplesGroups, privateUserOf } from './map-groups.ts';
import { peopleOf } from './people.ts';
import type { AccountsContent, Group, User } from './schema.ts';

interface Accounts {
  readonly users: ReadonlyMap<string, PasswdLine>;
  readonly groups: ReadonlyMap<string, GroupLine>;
}

type Judged = Pick<CheckItem, 'observed' | 'verdict' | 'remedy'>;

/** People, their groups and memberships, under `accounts`; their passwords under `passwords`. */
export function checkAccounts(
  content: AccountsContent,
  system: System,
  { owners }: RestoreAbout,
): readonly CheckItem[] {
  const users = new Map(readPasswd(system).entries.map((line) => [line.name, line]));
  const groups = new Map(readGroup(system).entries.map((line) => [line.name, line]));
  const people = peopleOf(content);
  const all = peoplesGroups({ ...content, users: [...people] });
  const shared = all.filter((group) => !privateUserOf(group, people));
  return [
    ...people.map((user) => checkUser(user, all, { users, groups }, owners, system)),
    ...checkPasswords(people, system, owners),
    ...checkRanges(people, system, owners),
    ...shared.flatMap((group) => [
      checkGroup(group, groups, owners),
      ...checkAdministrators(theirs(group, people), system, owners),
    ]),
    ...[...all, ...content.memberships].flatMap(({ groupname, members }) =>
      people
        .filter(({ username }) => members.includes(username))
        .map(({ username }) => checkMembership(username, groupname, { users, groups }, owners)),
    ),
  ];
}

/** What a group has beside, of people who are carried. */
function theirs(group: Group, people: readonly User[]): Group {
  const known = new Set(people.map(({ username }) => username));
  return { ...group, administrators: (group.administrators ?? []).filter((name) => known.has(name)) };
}

const described = (uid: number, gid: string | number, home: string, shell: string) =>
  `id ${uid}, group ${gid}, home ${home || 'none'}, shell ${shell || '/bin/sh'}`;

function checkUser(
  user: User,
  captured: readonly Group[],
  { users, groups }: Accounts,
  owners: Owners,
  system: System,
): CheckItem {
  const name = owners.user(user.username);
  const group = captured.find(({ gid }) => gid === user.gid)?.groupname ?? user.gid;
  const there = users.get(name);
  const groupThere = [...groups.values()].find(({ gid }) => gid === there?.gid)?.name ?? there?.gid ?? '';
  return {
    id: `user:${user.username}`,
    group: 'accounts',
    title: `user ${name}`,
    expected: described(user.uid, group, user.directory, user.shell),
    evidence: `the line ${name} of /etc/passwd`,
    ...judgeUser(user, name, there, groupThere, owners, system),
  };
}

function judgeUser(
  user: User,
  name: string,
  there: PasswdLine | undefined,
  groupThere: string | number,
  owners: Owners,
  system: System,
): Judged {
  if (!there)
    return { observed: 'no such user', verdict: 'failed', remedy: `restore the area accounts as root, or add ${name}` };
  const observed = described(there.uid, groupThere, there.home, there.shell);
  const failed = (remedy: string): Judged => ({ observed, verdict: 'failed', remedy });
  if (there.uid !== owners.uid(user.uid)) {
    return failed(`its files were given to the id ${owners.uid(user.uid)}; usermod -u ${owners.uid(user.uid)} ${name}`);
  }
  const home = owners.home(user.directory);
  if (isHomePath(home) && there.home !== home) return failed(`usermod -d ${home} ${name}`);
  if (there.shell !== user.shell && !isInstalled(system, there.shell || '/bin/sh'))
    return failed(`its shell is not installed; chsh ${name}`);
  if (there.gid !== owners.gid(user.gid)) {
    return {
      observed,
      verdict: 'person',
      remedy: `its files’ group is ${owners.gid(user.gid)}; usermod -g, if you want that`,
    };
  }
  const isSame =
    name === user.username &&
    there.uid === user.uid &&
    there.gid === user.gid &&
    there.home === user.directory &&
    there.shell === user.shell &&
    there.gecos === user.description;
  return { observed, verdict: isSame ? 'same' : 'changed' };
}

function checkGroup({ groupname, gid }: Group, groups: ReadonlyMap<string, GroupLine>, owners: Owners): CheckItem {
  const name = owners.group(groupname);
  const there = groups.get(name);
  const isRight = there?.gid === owners.gid(gid);
  return {
    id: `group:${groupname}`,
    group: 'accounts',
    title: `group ${name}`,
    expected: `id ${gid}`,
    observed: there ? `id ${there.gid}` : 'no such group',
    verdict: isRight ? (there.gid === gid && name === groupname ? 'same' : 'changed') : 'failed',
    evidence: `the line ${name} of /etc/group`,
    ...(!isRight && {
      remedy: there ? `groupmod -g ${owners.gid(gid)} ${name}` : `groupadd -g ${owners.gid(gid)} ${name}`,
    }),
  };
}

function checkMembership(username: string, groupname: string, { users, groups }: Accounts, owners: Owners): CheckItem {
  const user = owners.user(username);
  const name = owners.group(groupname);
  const group = groups.get(name);
  const isMember =
    group?.members.includes(user) === true || (group !== undefined && users.get(user)?.gid === group.gid);
  return {
    id: `member:${username}:${groupname}`,
    group: 'accounts',
    title: `${user} in the group ${name}`,
    expected: 'a member',
    observed: isMember ? 'a member' : group ? 'no member' : 'this machine has no such group',
    verdict: isMember ? (user === username && name === groupname ? 'same' : 'changed') : group ? 'person' : 'skipped',
    evidence: `the line ${name} of /etc/group`,
    ...(!isMember && {
      remedy: group ? `usermod -aG ${name} ${user}` : `install what has the group ${name}, if it is needed`,
    }),
  };
}
