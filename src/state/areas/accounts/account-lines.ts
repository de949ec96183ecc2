import { isUtf8 } from 'node:buffer';
import type { System } from '../base/system.ts';
import type { IdRange, Shadow } from './schema.ts';

/** The lines of one file, those that are wrong by their numbers from 1. Of a name that stands twice, the first counts. */
export interface Lines<Entry> {
  readonly entries: readonly Entry[];
  readonly broken: readonly number[];
}

export interface PasswdLine {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
}

export interface GroupLine {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export interface ShadowLine extends Shadow {
  readonly name: string;
}

export interface GshadowLine {
  readonly name: string;
  readonly password: string;
  readonly administrators: readonly string[];
}

export interface RangeLine extends IdRange {
  readonly name: string;
}

/** A file byte for byte, a character a byte: what is not understood goes through unchanged. Empty where there is none. */
export function bytesOf(system: System, path: string): string {
  return system.read(path)?.toString('latin1') ?? '';
}

export const readPasswd = (system: System): Lines<PasswdLine> => parsePasswd(bytesOf(system, '/etc/passwd'));
export const readGroup = (system: System): Lines<GroupLine> => parseGroup(bytesOf(system, '/etc/group'));
export const readShadow = (system: System): Lines<ShadowLine> => parseShadow(bytesOf(system, '/etc/shadow'));
export const readGshadow = (system: System): Lines<GshadowLine> => parseGshadow(bytesOf(system, '/etc/gshadow'));
export const readRanges = (system: System, path: '/etc/subuid' | '/etc/subgid'): Lines<RangeLine> =>
  parseRanges(bytesOf(system, path));

export const parsePasswd = (bytes: string): Lines<PasswdLine> =>
  parse(bytes, 7, ([name = '', , uid = '', gid = '', gecos = '', home = '', shell = '']) =>
    isId(uid) && isId(gid) ? { name, uid: Number(uid), gid: Number(gid), gecos, home, shell } : undefined,
  );

export const parseGroup = (bytes: string): Lines<GroupLine> =>
  parse(bytes, 4, ([name = '', , gid = '', members = '']) =>
    isId(gid) ? { name, gid: Number(gid), members: namesOf(members) } : undefined,
  );

export const parseShadow = (bytes: string): Lines<ShadowLine> =>
  parse(bytes, 9, ([name = '', password = '', ...rest]) => {
    const fields = rest.slice(0, 6);
    if (!fields.every((field) => /^(?:-?\d{1,10})?$/u.test(field)) || !/^[!-~]*$/u.test(password)) return undefined;
    const [last_change, min, max, warning, inactive, expire] = fields.map((field) =>
      field === '' ? undefined : Number(field),
    );
    return { name, password, last_change, min, max, warning, inactive, expire };
  });

export const parseGshadow = (bytes: string): Lines<GshadowLine> =>
  parse(bytes, 4, ([name = '', password = '', administrators = '']) => ({
    name,
    password,
    administrators: namesOf(administrators),
  }));

export const parseRanges = (bytes: string): Lines<RangeLine> =>
  parse(
    bytes,
    3,
    ([name = '', start = '', count = '']) =>
      isId(start) && isId(count) && Number(count) > 0 && Number(start) + Number(count) <= 0xffff_ffff
        ? { name, start: Number(start), count: Number(count) }
        : undefined,
    false,
  );

const isId = (text: string): boolean => /^\d{1,10}$/u.test(text) && Number(text) <= 0xffff_fffe;
const namesOf = (list: string): string[] => list.split(',').filter((name) => name !== '');

function parse<Entry extends { readonly name: string }>(
  bytes: string,
  fields: number,
  entryOf: (fields: readonly string[]) => Entry | undefined,
  isOnce = true,
): Lines<Entry> {
  const entries: Entry[] = [];
  const broken: number[] = [];
  const seen = new Set<string>();
  for (const [index, line] of bytes.split('\n').entries()) {
    // Empty lines, notes of people, and what NIS adds.
    if (line === '' || /^[#+-]/u.test(line)) continue;
    const parts = line.split(':');
    const entry = parts.length === fields && parts[0] !== '' ? entryOf(parts.map(decoded)) : undefined;
    if (!entry || (isOnce && seen.has(entry.name))) broken.push(index + 1);
    else entries.push(entry);
    if (entry) seen.add(entry.name);
  }
  return { entries, broken };
}

/** UTF-8, or what was written before it. */
function decoded(bytes: string): string {
  if (/^[\0-\x7f]*$/u.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  return isUtf8(buffer) ? buffer.toString('utf8') : bytes;
}
