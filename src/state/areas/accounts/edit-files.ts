import type { Change } from '../base/change.ts';
import type { System } from '../base/system.ts';
import { parseGshadow } from './account-lines.ts';
import type { Shadow } from './schema.ts';

export const ACCOUNT_FILES = [
  '/etc/passwd',
  '/etc/shadow',
  '/etc/group',
  '/etc/gshadow',
  '/etc/subuid',
  '/etc/subgid',
] as const;
export type AccountFile = (typeof ACCOUNT_FILES)[number];

/** The files byte for byte, a character a byte; those that a machine does not have are left out. */
export type AccountFiles = Readonly<Partial<Record<AccountFile, string>>>;

/** Undefined for those that are no plain files, too: they are somebody else's business. */
export function readAccountFiles(system: System): AccountFiles {
  const there = ACCOUNT_FILES.filter((path) => system.facts(path)?.kind === 'file');
  return Object.fromEntries(there.map((path) => [path, system.read(path)?.toString('latin1')]));
}

/** With a line at the end, before what NIS adds, as the tools do. Nothing where there is no such file. */
export function addLine(files: AccountFiles, path: AccountFile, fields: readonly (string | number)[]): AccountFiles {
  const bytes = files[path];
  if (bytes === undefined) return files;
  const line = `${Buffer.from(fields.join(':'), 'utf8').toString('latin1')}\n`;
  const nis = /^[+-]/mu.exec(bytes)?.index ?? bytes.length;
  const before = bytes.slice(0, nis);
  const end = before === '' || before.endsWith('\n') ? '' : '\n';
  return { ...files, [path]: `${before}${end}${line}${bytes.slice(nis)}` };
}

/** With a member more in a group, and in its shadow. */
export function addMember(files: AccountFiles, group: string, member: string): AccountFiles {
  const add = (path: AccountFile) =>
    editLine(files[path], group, 4, (fields) => {
      const members = (fields[3] as string).split(',').filter((name) => name !== '');
      return members.includes(member) ? fields : [...fields.slice(0, 3), [...members, member].join(',')];
    });
  return withFiles(files, { '/etc/group': add('/etc/group'), '/etc/gshadow': add('/etc/gshadow') });
}

/** With an administrator more of a group (`gpasswd -A`). Nothing where the group has no shadow. */
export function addAdministrator(files: AccountFiles, group: string, name: string): AccountFiles {
  const edited = editLine(files['/etc/gshadow'], group, 4, ([of = '', password = '', list = '', members = '']) => [
    ...[of, password],
    [...namesOf(list), name].join(','),
    members,
  ]);
  return withFiles(files, { '/etc/gshadow': edited });
}

export const administratorsIn = (files: AccountFiles, group: string): readonly string[] =>
  parseGshadow(files['/etc/gshadow'] ?? '').entries.find(({ name }) => name === group)?.administrators ?? [];

const namesOf = (list: string): string[] => list.split(',').filter((name) => name !== '');

/** With another line of shadow for a name: `chpasswd -e` and `chage`. */
export function setShadow(files: AccountFiles, name: string, shadow: Shadow): AccountFiles {
  const edited = editLine(files['/etc/shadow'], name, 9, (fields) => [
    ...shadowFields(name, shadow),
    fields[8] as string,
  ]);
  return withFiles(files, { '/etc/shadow': edited });
}

/** The first eight fields of a line of shadow. */
export function shadowFields(name: string, shadow: Shadow): (string | number)[] {
  const { password, last_change, min, max, warning, inactive, expire } = shadow;
  return [name, password, ...[last_change, min, max, warning, inactive, expire].map((days) => days ?? '')];
}

/**
 * What has to be written, with the copies `passwd-`, `shadow-` … of before that the tools leave too: all of them at once,
 * so that they belong together.
 */
export function changesBetween(
  before: AccountFiles,
  after: AccountFiles,
  system: System,
  withCopies: boolean,
): Change[] {
  const changed = ACCOUNT_FILES.filter((path) => after[path] !== before[path]);
  const copied = withCopies && changed.length > 0 ? ACCOUNT_FILES.filter((path) => before[path] !== undefined) : [];
  return [
    ...copied.flatMap((path) => write(system, path, `${path}-`, before[path] as string)),
    ...changed.flatMap((path) => write(system, path, path, after[path] as string)),
  ];
}

function write(system: System, like: string, path: string, bytes: string): Change[] {
  const facts = system.facts(like);
  if (!facts) return [];
  const { mode, uid, gid } = facts;
  return [{ kind: 'file', path, content: Buffer.from(bytes, 'latin1'), mode, uid, gid }];
}

function withFiles(files: AccountFiles, edited: AccountFiles): AccountFiles {
  return { ...files, ...Object.fromEntries(Object.entries(edited).filter(([, bytes]) => bytes !== undefined)) };
}

/** The first line of a name with so many fields, edited; every other byte stays. */
function editLine(
  bytes: string | undefined,
  name: string,
  count: number,
  edit: (fields: readonly string[]) => readonly (string | number)[],
): string | undefined {
  if (bytes === undefined) return undefined;
  const lines = bytes.split('\n');
  const at = lines.findIndex((line) => line.startsWith(`${name}:`) && line.split(':').length === count);
  if (at === -1) return bytes;
  lines[at] = edit((lines[at] as string).split(':')).join(':');
  return lines.join('\n');
}
