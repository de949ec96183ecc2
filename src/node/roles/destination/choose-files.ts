import { basename, dirname } from 'node:path';
import type { ReportItem } from '../../../common/ports.ts';
import { type PasswdLine, readPasswd } from '../../../state/areas/accounts/account-lines.ts';
import type { MappedUser, OwnerTable } from '../../../state/areas/accounts/owner-table.ts';
import type { MachineDocument } from '../../../state/areas/base/documents.ts';
import { AREA_NAMES, type AreaName } from '../../../state/areas/base/names.ts';
import type { System } from '../../../state/areas/base/system.ts';
import { PRIVILEGED_EFFECTS } from '../../../state/areas/base/types.ts';
import { whyNoHome } from '../../../state/areas/homes/why-no-home.ts';
import type { AreasPlan, AreasPlanItem } from '../../../state/areas/transaction/index.ts';
import type { FolderPath } from '../../../state/format/index.ts';
import { showPath } from '../../../state/fs/show-path.ts';
import { namesOfPath, pathOfNames, startsWith } from '../../../state/plan/roots.ts';
import { DOCUMENTS_NAME } from '../../../state/plan/source-tree.ts';
import { BROUGHT_OTHERWISE, type OwnerNumbers, type RestorePlace } from '../../../state/restore/index.ts';
import type { RestoreWish } from './apply-types.ts';
import { loginFiles } from './login-files.ts';

/** Which captured files a restore brings, and what it leaves out, with reasons. */
export interface ChosenFiles {
  /** Undefined: all. */
  readonly only: readonly FolderPath[] | undefined;
  readonly places: readonly RestorePlace[];
  readonly withheld: readonly ReportItem[];
}

export const DOCUMENTS: FolderPath = [Buffer.from(DOCUMENTS_NAME)];
export const isDocuments = (root: FolderPath): boolean =>
  root.length === 1 && DOCUMENTS_NAME === Buffer.from(root[0]!).toString('latin1');

/** What belongs to the system and is read by it; only root may bring something there, and only where he said so. */
const SYSTEM = new Set([
  'bin',
  'boot',
  'dev',
  'etc',
  'lib',
  'lib32',
  'lib64',
  'libx32',
  'nix',
  'opt',
  'proc',
  'root',
  'run',
  'sbin',
  'snap',
  'sys',
  'usr',
  'var',
  // What is started, and what a start goes by.
  'initrd.img',
  'initrd.img.old',
  'vmlinuz',
  'vmlinuz.old',
  '.autorelabel',
  'forcefsck',
]);
const NOT_ALLOWED = `${PRIVILEGED_EFFECTS['root-file']}; --allow-privileged brings it`;

/**
 * Files of a snapshot without areas, or that goes into a folder: all but documents, and what only root may bring. Where
 * areas were named, theirs alone; `ofAreas`: which are whose.
 */
export function filesOf(
  roots: readonly FolderPath[],
  wish: RestoreWish,
  target: System,
  ofAreas: MachineDocument['roots'],
): ChosenFiles {
  const named = ofAreas
    .filter(({ area }) => wish.areas?.includes(area as AreaName))
    .map(({ path }) => namesOfPath(Buffer.from(path)));
  const isNamed = (root: FolderPath) => named.some((one) => one.length === root.length && startsWith(one, root));
  const files = roots.filter((root) => !isDocuments(root) && (!isSomeAreas(wish) || isNamed(root)));
  const withheld: ReportItem[] = [];
  const only = files.filter((root) => {
    const isHeld = wish.root && !wish.allowPrivileged && isOfSystem(root);
    if (isHeld) withheld.push({ path: shown(root), reason: NOT_ALLOWED });
    return !isHeld;
  });
  if (!wish.root && files.length < roots.length && wish.areas) {
    withheld.push({ path: 'areas', reason: '--into brings files only; all else of areas needs --root or /' });
  }
  const places = wish.root && !wish.allowPrivileged ? loginFiles(target, []) : [];
  return { only: only.length === roots.length && places.length === 0 ? undefined : only, places, withheld };
}

/** Some areas were named, not all of them: PATHs that were captured by hand are not meant then. */
export const isSomeAreas = ({ areas }: Pick<RestoreWish, 'areas'>): boolean =>
  areas !== undefined && areas.length < AREA_NAMES.length;

/** Whether it is a folder of the system, lies in one, or holds one. */
const isOfSystem = (root: FolderPath): boolean =>
  root.length === 0 || SYSTEM.has(Buffer.from(root[0]!).toString('latin1'));

export interface FilesOfMachine extends ChosenFiles {
  readonly only: readonly FolderPath[];
  readonly owners: OwnerNumbers;
}

/** Files of a snapshot with areas: what the machine's own word says of them is believed only where this machine agrees. */
export function filesOfMachine(
  captured: readonly FolderPath[],
  { machine, owners, extras, items }: Pick<AreasPlan, 'machine' | 'owners' | 'extras' | 'items'>,
  wish: RestoreWish,
  target: System,
): FilesOfMachine {
  const planned = new Map(items.flatMap((item) => (item.area === 'homes' ? [[item.id, item] as const] : [])));
  const held: RestorePlace[] = [];
  const here = { system: target, users: readPasswd(target).entries };
  // By set: homes may be many, and this runs where everything else waits.
  const isCaptured = among(captured);
  const ofAreas = machine.roots
    .map((root) => ({ ...root, names: namesOfPath(Buffer.from(root.path)) }))
    .filter(({ names }) => names.some((_, at) => isCaptured(names.slice(0, at + 1))));
  const isOfArea = among(ofAreas.map(({ names }) => names));
  const paths = isSomeAreas(wish) ? [] : captured.filter((root) => !isDocuments(root) && !isOfArea(root));
  const isHeld = (root: FolderPath): boolean => isOfSystem(root) && !wish.allowPrivileged;
  const only = paths.filter((root) => !isHeld(root));
  const withheld = paths.filter(isHeld).map((root): ReportItem => ({ path: shown(root), reason: NOT_ALLOWED }));
  const places: RestorePlace[] = [];
  for (const { names, path, area, isPersonal } of ofAreas) {
    if (wish.areas && !wish.areas.includes(area as AreaName)) continue;
    const found = isPersonal ? personalPlace(path, owners, planned, here) : wish.allowPrivileged ? {} : NOT_ALLOWED;
    if (typeof found === 'string') {
      held.push({ path: names, leftOut: found });
      continue;
    }
    only.push(names);
    if (isPersonal) places.push({ path: names, ...found });
  }
  for (const place of held) {
    // What is beneath something that comes would come with it: whoever carries that out tells of it then.
    const isWithin = only.some((root) => root.length < place.path.length && startsWith(place.path, root));
    if (isWithin) places.push(place);
    else withheld.push({ path: shown(place.path), reason: place.leftOut! });
  }
  for (const { path, remedy } of extras.blocked) {
    places.push({ path: namesOfPath(Buffer.from(capturedPath(path, owners))), leftOut: remedy });
  }
  const custom = ofAreas.filter(({ area }) => area === 'usr-local').map(({ path }) => path);
  for (const path of extras.carried.filter((one) => custom.some((folder) => one.startsWith(`${folder}/`)))) {
    places.push({ path: namesOfPath(Buffer.from(path)), leftOut: BROUGHT_OTHERWISE });
  }
  if (!wish.allowPrivileged) places.push(...loginFiles(target, owners.paths));
  return { only, places, withheld, owners: numbersOf(owners) };
}

/** Where a path of the target was on the source. */
function capturedPath(path: string, { paths }: OwnerTable): string {
  const home = paths.find(({ to }) => path === to || path.startsWith(`${to}/`));
  return home ? `${home.from}${path.slice(home.to.length)}` : path;
}

/** Whether a path is one of these. */
function among(paths: readonly FolderPath[]): (path: FolderPath) => boolean {
  const known = new Set(paths.map((path) => pathOfNames(path).toString('latin1')));
  return (path) => known.has(pathOfNames(path).toString('latin1'));
}

/** The target, and who is there. */
interface Here {
  readonly system: System;
  readonly users: readonly PasswdLine[];
}

const MAIL = /^\/var\/(?:spool\/)?mail\/([^/]+)$/;

/** Whose home or mail spool it is here, and its name; or why it cannot come. */
function personalPlace(
  path: string,
  { users, groups, paths }: OwnerTable,
  planned: ReadonlyMap<string, Pick<AreasPlanItem, 'action' | 'detail'>>,
  { system, users: accounts }: Here,
): Omit<RestorePlace, 'path'> | string {
  const spool = MAIL.exec(path)?.[1];
  const user =
    users.find(({ from, fromHome }) => (spool === undefined ? fromHome === path : from === spool)) ??
    users.find(({ fromLink }) => fromLink === path);
  if (!user) return 'it is the home of nobody who comes to this machine';
  const item = planned.get(`${spool === undefined ? 'home' : 'mail'}:${user.from}`);
  if (!item || item.action === 'withhold' || item.action === 'ask') {
    return item?.detail ?? `the snapshot says nothing of a home of ${user.to}`;
  }
  // Where the home is a link, what it leads to stays where it is.
  if (user.fromLink === path && user.fromHome !== path) return personalOf(user, groups);
  const target = (spool === undefined ? user.toHome : paths.find(({ from }) => from === path)?.to) ?? path;
  if (dirname(target) !== dirname(path)) {
    return `its home here is ${target}; restore it with --into ${dirname(target)} and rename it`;
  }
  const why =
    spool === undefined
      ? whyNoHome(system, target, { name: user.to, uid: user.toUid, link: user.fromLink }, accounts)
      : undefined;
  if (why !== undefined) return why;
  const place = personalOf(user, groups);
  return target === path ? place : { ...place, name: Buffer.from(basename(target)) };
}

function personalOf(user: MappedUser, groups: OwnerTable['groups']): Pick<RestorePlace, 'personal'> {
  const gid = groups.find(({ to }) => to === user.to)?.toGid ?? user.toUid;
  return { personal: { uid: user.toUid, gid } };
}

/** By number, for the files; nobody who is not named in the snapshot's accounts is in it. */
function numbersOf({ users, groups }: OwnerTable): OwnerNumbers {
  return {
    users: users.flatMap(({ fromUid, toUid }) => (fromUid === undefined ? [] : [[fromUid, toUid] as const])),
    groups: groups.map(({ fromGid, toGid }) => [fromGid, toGid] as const),
  };
}

const shown = (root: FolderPath): string => showPath(pathOfNames(root));
