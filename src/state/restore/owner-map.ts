import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../common/errors.ts';
import { OWNER_NAMES_MAX, PASSWD_MAX_BYTES } from '../../common/limits.ts';
import { damaged } from '../format/damaged.ts';
import type { ManifestPart } from '../format/index.ts';
import type { OwnerNumbers, UserMapping } from './types.ts';

/** Ids beyond this are none: 2^32 − 1 means "leave it" to chown. */
const ID_MAX = 0xffff_fffe;

/** The local names of a machine, in latin1, each with its number. */
export interface OwnerIds {
  readonly users: ReadonlyMap<string, number>;
  readonly groups: ReadonlyMap<string, number>;
}

/** Reads them beneath the folder that is the machine's root; none where there are no such files. */
export function readOwnerIds(root: string): OwnerIds {
  return { users: idsIn(join(root, 'etc/passwd')), groups: idsIn(join(root, 'etc/group')) };
}

function idsIn(file: string): Map<string, number> {
  const ids = new Map<string, number>();
  for (const line of textOf(file).split('\n')) {
    const [name, , id] = line.split(':');
    if (name && id && /^\d{1,10}$/.test(id) && Number(id) <= ID_MAX && !ids.has(name)) ids.set(name, Number(id));
  }
  return ids;
}

function textOf(file: string): string {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch {
    return '';
  }
  try {
    const stats = fstatSync(fd);
    return stats.isFile() && stats.size <= PASSWD_MAX_BYTES ? readFileSync(fd, 'latin1') : '';
  } finally {
    closeSync(fd);
  }
}

type Kind = 'users' | 'groups';

/**
 * Which id an owner of the source gets on the target: what was asked for; else what was decided for its number; else
 * that of the same name; else the same
 * number. No captured id but 0 becomes 0, and 0 stays 0 unless it is asked for otherwise.
 */
export class OwnerMap {
  readonly #target: OwnerIds;
  readonly #given: { readonly users: ReadonlyMap<number, number>; readonly groups: ReadonlyMap<number, number> };
  readonly #asked: { readonly users: Map<string, number>; readonly groups: Map<string, number> };
  readonly #names = { users: new Map<number, string>(), groups: new Map<number, string>() };
  readonly #mapped = { users: new Map<number, number>(), groups: new Map<number, number>() };

  /** Throws `usage` for a user that the target does not have. */
  constructor(target: OwnerIds, mapUsers: readonly UserMapping[], given?: OwnerNumbers) {
    this.#target = target;
    this.#given = { users: new Map(given?.users), groups: new Map(given?.groups) };
    this.#asked = { users: new Map(), groups: new Map() };
    for (const { from, to } of mapUsers) this.#ask(latin1(from), to);
  }

  /** Takes the names that a part of the manifest gives. Throws `damaged` where there are far too many. */
  learn(part: Pick<ManifestPart, 'userNames' | 'groupNames'>): void {
    this.#learn('users', part.userNames);
    this.#learn('groups', part.groupNames);
  }

  user(id: number): number {
    return this.#map('users', id);
  }

  group(id: number): number {
    return this.#map('groups', id);
  }

  #learn(kind: Kind, names: ReadonlyMap<number, Uint8Array>): void {
    const known = this.#names[kind];
    for (const [id, name] of names) if (!known.has(id)) known.set(id, Buffer.from(name).toString('latin1'));
    if (known.size > OWNER_NAMES_MAX) throw damaged('the manifest names too many owners');
  }

  #map(kind: Kind, id: number): number {
    const known = this.#mapped[kind].get(id);
    if (known !== undefined) return known;
    const mapped = this.#find(kind, id);
    if (this.#mapped[kind].size < OWNER_NAMES_MAX) this.#mapped[kind].set(id, mapped);
    return mapped;
  }

  #find(kind: Kind, id: number): number {
    const name = this.#names[kind].get(id);
    const asked = this.#asked[kind].get(`${id}`) ?? (name === undefined ? undefined : this.#asked[kind].get(name));
    if (asked !== undefined) return asked;
    if (id === 0) return 0;
    const given = this.#given[kind].get(id);
    if (given !== undefined && given !== 0) return given;
    const found = name === undefined ? undefined : this.#target[kind].get(name);
    return found === undefined || found === 0 ? id : found;
  }

  #ask(from: string, to: string): void {
    const isNumber = /^\d{1,10}$/.test(to);
    const id = this.#target.users.get(latin1(to)) ?? (isNumber ? Number(to) : undefined);
    if (id === undefined || id > ID_MAX) {
      throw new ResettleError('usage', `there is no user ${to} on this machine, so ${from} cannot become it`, {
        hint: 'make that user first, or give a number',
      });
    }
    if (id === 0) {
      throw new ResettleError('usage', `nobody’s files are given to root: ${from} cannot become ${to}`, {
        hint: 'name another user',
      });
    }
    this.#asked.users.set(from, id);
    const name = isNumber ? [...this.#target.users].find(([, number]) => number === id)?.[0] : latin1(to);
    const group = name === undefined ? undefined : this.#target.groups.get(name);
    // Only a name is known to be the user's own group too: a number can be anybody's.
    if (group !== undefined && group !== 0 && !/^\d+$/.test(from)) this.#asked.groups.set(from, group);
  }
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1');
