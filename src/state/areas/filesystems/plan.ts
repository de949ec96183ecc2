import type { Change } from '../base/change.ts';
import { isPlainPath } from '../base/change.ts';
import { changeOf } from '../base/config-file.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { isCarriedCredential, isCredentialText } from './credentials.ts';
import { isRandomKey, keyText, parseCrypttab } from './crypttab.ts';
import { fstabLine, parseFstab } from './fstab.ts';
import { isSystemPath } from './line-kind.ts';
import { hasSameOptions, isSameDevice, lineFor, type Placing, placingsOf } from './placing.ts';
import { proposal, TargetDisks } from './propose.ts';
import type { FilesystemsContent } from './schema.ts';
import { withLines } from './table-lines.ts';

const FSTAB = '/etc/fstab';

/** Lines are added, never changed; nothing is formatted, and no disk is touched. */
export function planFilesystems(content: FilesystemsContent, plan: PlanBuilder, about: RestoreAbout): void {
  planCredentials(content, plan, about);
  const disks = new TargetDisks(plan.system);
  for (const placing of placingsOf(content, about.owners)) planLine(placing, disks, plan);
  planCrypttab(content, plan);
}

function planLine(placing: Placing, disks: TargetDisks, plan: PlanBuilder): void {
  const { id, title, kind, captured, fitted, was } = placing;
  const there = lineFor(placing, parseFstab(plan.system.text(FSTAB) ?? '').entries);
  if (there && isSameDevice(there, fitted.entry)) {
    if (hasSameOptions(there, fitted.entry) || hasSameOptions(there, captured)) plan.same(id, title);
    else plan.keep(id, title, 'it is mounted with other options here');
  } else if (there)
    plan.keep(id, title, `this machine has its own ${kind === 'swap' ? 'swap' : `line for ${there.path}`}`);
  else if (kind === 'kernel') plan.keep(id, title, 'each system mounts it by itself');
  else if (kind === 'swap') plan.ask(id, title, swapRemedy(placing));
  else if (isSystemPath(fitted.entry.path) && kind === 'disk') plan.keep(id, title, 'each installation has its own');
  else if (isSystemPath(fitted.entry.path)) {
    plan.ask(id, title, `it lies over a place of the system; add it to ${FSTAB} by hand if it belongs there`);
  } else if (kind === 'disk' && !disks.withUuidOf(captured)) plan.ask(id, title, proposal(captured, was, disks));
  else wantLine(placing, plan);
}

function swapRemedy({ captured, was }: Placing): string {
  const size = was ? ` of ${was.sizeBytes} bytes` : '';
  return `the old machine had swap${size} on ${captured.device.slice(0, 100)} and this one has none; make some if it should sleep to disk or lacks memory`;
}

function wantLine({ id, title, fitted }: Placing, plan: PlanBuilder): void {
  const { entry, notes, effect } = fitted;
  if (!isPlainPath(entry.path)) {
    plan.withhold(id, title, 'its mount point is no absolute path', effect);
    return;
  }
  const link = linkIn(entry.path, plan);
  if (link !== undefined) {
    plan.withhold(id, title, `${link} is a link here, and it would be mounted where that leads`, effect);
    return;
  }
  const folders = foldersFor(entry.path, plan);
  const lacksFolder = folders.length === 0 && plan.system.facts(entry.path) === undefined;
  const detail = [
    `is added to ${FSTAB}`,
    ...notes,
    ...(lacksFolder ? ['its folder is not there yet'] : []),
    'it is mounted at the next start',
  ];
  const facts = plan.system.facts(FSTAB);
  const content = withLines(plan.system.text(FSTAB) ?? '', [fstabLine(entry)]);
  const table: Change = {
    kind: 'file',
    path: FSTAB,
    content: Buffer.from(content, 'utf8'),
    mode: facts?.kind === 'file' ? facts.mode : 0o644,
    uid: 0,
    gid: 0,
  };
  plan.want({ id, title, action: 'merge', detail: detail.join('; '), effect, changes: [...folders, table] });
}

/** The first part of a path that is a link on the target. */
function linkIn(path: string, { system }: PlanBuilder): string | undefined {
  const names = path.slice(1).split('/');
  const parts = names.map((_, at) => `/${names.slice(0, at + 1).join('/')}`);
  return parts.find((part) => system.facts(part)?.kind === 'link');
}

/** Mount points that are made: where such folders are expected, and at the top. Others lie in what somebody else makes. */
export const MOUNT_FOLDERS = ['/mnt/**', '/media/**', '/srv/**', '/*'] as const;
const IS_MADE = /^\/(?:(?:mnt|media|srv)\/.+|[^/]+)$/s;

function foldersFor(path: string, { system }: PlanBuilder): Change[] {
  const names = path.slice(1).split('/');
  const above = names.map((_, at) => `/${names.slice(0, at + 1).join('/')}`);
  const missing = above.filter((folder) => system.facts(folder) === undefined);
  if (!missing.every((folder) => IS_MADE.test(folder))) return [];
  return missing.map((folder) => ({ kind: 'folder', path: folder, mode: 0o755, uid: 0, gid: 0 }));
}

function planCredentials({ credentials }: FilesystemsContent, plan: PlanBuilder, { owners }: RestoreAbout): void {
  for (const file of credentials) {
    const [id, title] = [`credentials:${file.path}`, `User and password of a share in ${file.path.slice(0, 200)}`];
    if (file.text === undefined || !isCarriedCredential(file.path) || !isCredentialText(file.text)) {
      plan.withhold(id, title, 'it holds no user and password of a share', 'root-file');
      continue;
    }
    const change = { ...changeOf(file, owners), mode: 0o600, uid: 0, gid: 0 } as Change;
    if (plan.system.facts(file.path) && plan.system.text(file.path) !== file.text) {
      plan.keep(id, title, 'this machine has its own');
      continue;
    }
    plan.want({ id, title, action: 'add', detail: 'root alone may read it', effect: 'root-file', changes: [change] });
  }
}

function planCrypttab({ crypttab }: FilesystemsContent, plan: PlanBuilder): void {
  const here = parseCrypttab(plan.system.text('/etc/crypttab') ?? '').entries;
  for (const entry of crypttab) {
    const [id, title] = [`crypt:${entry.name}`, `Encrypted disk ${entry.name.slice(0, 100)}`];
    if (here.some(({ name }) => name === entry.name)) plan.same(id, title);
    else if (entry.isBoundToHardware) plan.keep(id, title, `${keyText(entry)}, which is never carried`);
    else if (isRandomKey(entry)) plan.keep(id, title, 'its key is made anew at each start');
    else {
      const why = `the old machine opened ${entry.device.slice(0, 200)} as ${entry.name.slice(0, 100)} by ${keyText(entry).slice(0, 300)}`;
      plan.ask(id, title, `${why}; nothing of it is carried: add it to /etc/crypttab if that disk is here`);
    }
  }
}
