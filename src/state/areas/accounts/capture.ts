import { ACCOUNTS_PEOPLE_MAX, ACCOUNTS_RANGES_MAX } from '../../../common/limits.ts';
import type { System } from '../base/system.ts';
import type { CaptureAbout, Captured, CouldNot } from '../base/types.ts';
import {
  type GroupLine,
  type Lines,
  type PasswdLine,
  type RangeLine,
  readGroup,
  readGshadow,
  readPasswd,
  readRanges,
  readShadow,
} from './account-lines.ts';
import { isAccountName } from './account-name.ts';
import { isPersonal, loginDefsOf } from './login-defs.ts';
import { type AccountsContent, accountsSchema, type Group, type IdRange, type User } from './schema.ts';

/** Local people and their groups; nothing of directories, systemd-homed, or the system's own accounts but their ids. */
export function captureAccounts(system: System, about: CaptureAbout): Captured<AccountsContent> | undefined {
  if (system.text('/etc/passwd') === undefined) return undefined;
  const couldNot: CouldNot[] = [];
  const defs = loginDefsOf(system);
  const passwd = lines(readPasswd(system), '/etc/passwd', couldNot);
  const all = lines(readGroup(system), '/etc/group', couldNot);
  const people = chosen(
    passwd.filter(({ uid }) => isPersonal(uid, defs.uid)),
    about,
    couldNot,
  );
  const names = new Set(people.map(({ name }) => name));
  const isTheirs = ({ gid }: GroupLine) => isPersonal(gid, defs.gid);
  const members = ({ members: list }: GroupLine) =>
    list.filter((name) => names.has(name)).slice(0, ACCOUNTS_PEOPLE_MAX);
  const groups = all.filter((group) => isTheirs(group) && isAccountName(group.name));
  const content: AccountsContent = {
    users: usersOf(system, people, couldNot),
    groups: groupsOf(
      system,
      groups.filter((group) => isWanted(group, people, members(group), about)),
      members,
      (name) => names.has(name),
      couldNot,
    ),
    memberships: all
      .filter((group) => !isTheirs(group) && isAccountName(group.name) && members(group).length > 0)
      .map((group) => ({ groupname: group.name, members: members(group) }))
      .slice(0, ACCOUNTS_PEOPLE_MAX),
    system_users: passwd
      .filter(({ uid, name }) => uid !== 0 && !isPersonal(uid, defs.uid) && isAccountName(name))
      .map(({ name, uid }) => ({ username: name, uid })),
    system_groups: all
      .filter((group) => group.gid !== 0 && !isTheirs(group) && isAccountName(group.name))
      .map(({ name, gid }) => ({ groupname: name, gid })),
  };
  for (const name of system.list('/var/lib/systemd/home')) {
    const [, user] = /^(.+)\.identity$/u.exec(name) ?? [];
    if (user) couldNot.push({ what: `user ${user}`, why: 'systemd-homed keeps it; move its home with homectl' });
  }
  return { content, couldNot };
}

function lines<Entry>({ entries, broken }: Lines<Entry>, path: string, couldNot: CouldNot[]): readonly Entry[] {
  for (const line of broken) {
    couldNot.push({ what: `line ${line} of ${path}`, why: 'it is broken, or its name stands twice; correct it' });
  }
  return entries;
}

/** Those who are asked for, with names that can be carried, each id once. */
function chosen(people: readonly PasswdLine[], about: CaptureAbout, couldNot: CouldNot[]): readonly PasswdLine[] {
  const holders = new Map<number, string>();
  const able = people.filter(({ name, uid }) => {
    if (about.users && !about.users.has(name)) return false;
    const holder = holders.get(uid);
    if (!isAccountName(name)) couldNot.push({ what: `user ${name}`, why: 'its name cannot be carried; rename it' });
    else if (holder) couldNot.push({ what: `user ${name}`, why: `it shares the id ${uid} with ${holder}` });
    else holders.set(uid, name);
    return holders.get(uid) === name;
  });
  for (const name of about.users ?? []) {
    const why = 'it is no person of this machine’s own /etc/passwd; accounts of a directory stay there';
    if (!people.some((person) => person.name === name)) couldNot.push({ what: `user ${name}`, why });
  }
  if (able.length > ACCOUNTS_PEOPLE_MAX) {
    couldNot.push({
      what: 'users',
      why: `only the first ${ACCOUNTS_PEOPLE_MAX} are taken; the others are a directory server’s business`,
    });
  }
  return able.slice(0, ACCOUNTS_PEOPLE_MAX);
}

function usersOf(system: System, people: readonly PasswdLine[], couldNot: CouldNot[]): User[] {
  const shadows = new Map(lines(readShadow(system), '/etc/shadow', couldNot).map((line) => [line.name, line]));
  if (system.isUnreadable('/etc/shadow')) {
    couldNot.push({ what: '/etc/shadow', why: 'passwords are not carried: it cannot be read; run as root' });
  }
  const subuids = lines(readRanges(system, '/etc/subuid'), '/etc/subuid', couldNot);
  const subgids = lines(readRanges(system, '/etc/subgid'), '/etc/subgid', couldNot);
  return people.flatMap((entry): User[] => {
    const { name: _, ...shadow } = shadows.get(entry.name) ?? {};
    const user = {
      username: entry.name,
      uid: entry.uid,
      gid: entry.gid,
      description: entry.gecos,
      directory: entry.home,
      shell: entry.shell,
      ...('password' in shadow && { shadow }),
      subuids: rangesOf(entry, subuids),
      subgids: rangesOf(entry, subgids),
    };
    // The same judge as at the target: a field that could not go into a file there is not taken here.
    const parsed = accountsSchema.shape.users.element.safeParse(user);
    if (!parsed.success)
      couldNot.push({
        what: `user ${entry.name}`,
        why: `its ${String(parsed.error.issues[0]?.path[0])} cannot be carried`,
      });
    return parsed.success ? [parsed.data] : [];
  });
}

/** By name, or by number as some write it. */
function rangesOf({ name, uid }: PasswdLine, ranges: readonly RangeLine[]): IdRange[] {
  return ranges
    .filter((range) => range.name === name || range.name === String(uid))
    .map(({ start, count }) => ({ start, count }))
    .slice(0, ACCOUNTS_RANGES_MAX);
}

/** Where only some people are asked for: groups that they are in. */
function isWanted(
  group: GroupLine,
  people: readonly PasswdLine[],
  members: readonly string[],
  about: CaptureAbout,
): boolean {
  return !about.users || members.length > 0 || people.some(({ gid }) => gid === group.gid);
}

function groupsOf(
  system: System,
  groups: readonly GroupLine[],
  members: (group: GroupLine) => string[],
  isTaken: (name: string) => boolean,
  couldNot: CouldNot[],
): Group[] {
  const gshadow = new Map(lines(readGshadow(system), '/etc/gshadow', couldNot).map((line) => [line.name, line]));
  const seen = new Set<number>();
  const taken = groups.filter(({ name, gid }) => {
    if (seen.has(gid)) couldNot.push({ what: `group ${name}`, why: `another group has its id ${gid}` });
    const isFirst = !seen.has(gid);
    seen.add(gid);
    return isFirst;
  });
  return taken.slice(0, ACCOUNTS_PEOPLE_MAX).map((group) => {
    const { password: hash = '', administrators = [] } = gshadow.get(group.name) ?? {};
    const theirs = administrators.filter((name) => isTaken(name)).slice(0, ACCOUNTS_PEOPLE_MAX);
    if (/^[^!*]/u.test(hash))
      couldNot.push({ what: `password of the group ${group.name}`, why: 'it is not carried; set it with gpasswd' });
    const more = theirs.length > 0 && { administrators: theirs };
    return { groupname: group.name, gid: group.gid, members: members(group), ...more };
  });
}
