import { posix } from 'node:path';
import { ACCOUNTS_PEOPLE_MAX } from '../../../common/limits.ts';
import { type PasswdLine, readPasswd } from '../accounts/account-lines.ts';
import { isAccountName } from '../accounts/account-name.ts';
import { isHomePath } from '../accounts/home-path.ts';
import { isPersonal, loginDefsOf } from '../accounts/login-defs.ts';
import { isRemote, type Mount, mountOf, mountsOf } from '../base/mounts.ts';
import type { System } from '../base/system.ts';
import type { CaptureAbout, Captured, CouldNot, FileRoot } from '../base/types.ts';
import { isOneself } from './oneself.ts';
import type { Home, HomesContent } from './schema.ts';

/** Of people whose homes are left out. */
const NAMES_SHOWN = 5;

/** Homes and mail spools of local people; of a plain user his own. What lies on a server stays there. */
export function captureHomes(system: System, about: CaptureAbout): Captured<HomesContent> | undefined {
  const { uid: limits } = loginDefsOf(system);
  const all = readPasswd(system).entries.filter(
    ({ name, uid }) =>
      isAccountName(name) && isPersonal(uid, limits) && (about.users === undefined || about.users.has(name)),
  );
  const people = all.filter(({ uid }) => system.asRoot || isOneself(uid));
  const mounts = mountsOf(system);
  const couldNot: CouldNot[] = othersOf(all.filter((person) => !people.includes(person) && isHomePath(person.home)));
  const roots = new Map<string, FileRoot>();
  const homes = people.slice(0, ACCOUNTS_PEOPLE_MAX).flatMap((person): Home[] => {
    const home = homeOf(system, person, mounts, couldNot);
    if (!home) return [];
    for (const path of rootsOf(home, couldNot, system)) roots.set(path, { path, isPersonal: true });
    return [home];
  });
  if (system.asRoot && about.users === undefined) couldNot.push(...strangersOf(system));
  if (homes.length === 0 && couldNot.length === 0) return undefined;
  return { content: { homes }, roots: [...roots.values()], couldNot };
}

/** People whose homes only root, or they themselves, can read. */
function othersOf(people: readonly PasswdLine[]): CouldNot[] {
  if (people.length === 0) return [];
  const names = people.slice(0, NAMES_SHOWN).map(({ name }) => name);
  const more = people.length - names.length;
  const what = `homes of ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return [{ what, why: 'this user cannot read them; capture as root to carry them' }];
}

function homeOf(
  system: System,
  { name, home: directory }: PasswdLine,
  mounts: readonly Mount[],
  couldNot: CouldNot[],
): Home | undefined {
  const what = `home of ${name}`;
  if (!isHomePath(directory)) {
    if (directory !== '/nonexistent' && directory !== '')
      couldNot.push({ what, why: `${directory} is a folder of the system` });
    return undefined;
  }
  const first = system.facts(directory);
  const link =
    first?.kind === 'link' ? posix.resolve(posix.dirname(directory), system.readLink(directory) ?? '') : undefined;
  const facts = link === undefined ? first : system.facts(link);
  if (facts?.kind !== 'folder' || (link !== undefined && !isHomePath(link))) {
    couldNot.push({ what, why: `${directory} is no folder; make it, or correct /etc/passwd` });
    return undefined;
  }
  const mount = mountOf(mounts, link ?? directory);
  const mail = mailOf(system, name);
  const { uid, gid, mode } = facts;
  const optional = { ...(link && { link }), ...(mount && { mount }), ...(mail && { mail }) };
  return { username: name, directory, uid, gid, mode, entries: system.list(directory).length, ...optional };
}

/** What the file engine takes for a home. */
function rootsOf({ username, directory, link, mount, mail }: Home, couldNot: CouldNot[], system: System): string[] {
  const spool = mail ? [mail] : [];
  if (mount && isRemote(mount)) {
    couldNot.push({ what: `home of ${username}`, why: `it lies on ${mount.device} (${mount.type}), where it stays` });
    return spool;
  }
  if (isClosed(system, username, mount)) {
    couldNot.push({
      what: `home of ${username}`,
      why: `it is encrypted and not open; log in as ${username} and capture again`,
    });
  }
  return [directory, ...(link ? [link] : []), ...spool];
}

/** An eCryptfs home shows two links and no file until its person logs in. */
function isClosed(system: System, username: string, mount: Mount | undefined): boolean {
  return mount?.type !== 'ecryptfs' && system.facts(`/home/.ecryptfs/${username}/.Private`) !== undefined;
}

function mailOf(system: System, username: string): string | undefined {
  const folder = system.facts('/var/mail')?.kind === 'folder' ? '/var/mail' : '/var/spool/mail';
  const path = `${folder}/${username}`;
  const facts = system.facts(path);
  const isThere = facts?.kind === 'folder' || (facts?.kind === 'file' && facts.sizeBytes > 0);
  return isThere ? path : undefined;
}

/** Homes of people whose accounts a directory has: they are not known here. */
function strangersOf(system: System): CouldNot[] {
  const { uid: limits } = loginDefsOf(system);
  const known = new Set(readPasswd(system).entries.map(({ uid }) => uid));
  return system.list('/home').flatMap((name): CouldNot[] => {
    const path = `/home/${name}`;
    const facts = system.facts(path);
    if (facts?.kind !== 'folder' || facts.uid < limits.min || known.has(facts.uid)) return [];
    return [{ what: path, why: `the id ${facts.uid} is no account of this machine; name it as a PATH to carry it` }];
  });
}
