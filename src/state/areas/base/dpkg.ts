import { createHash } from 'node:crypto';
import { DPKG_STATUS_MAX_BYTES } from '../../../common/limits.ts';
import type { System } from './system.ts';

/** Which files of a machine packages brought, as dpkg has noted it; of a machine without dpkg nothing is owned. */
export interface Dpkg {
  /** Whether a package brought the path, or registered it as its configuration (ucf). */
  isOwned(path: string): boolean;
  /** Whether an owned file is as its package brought it; links and folders that are owned are. False where nobody knows. */
  isPristine(path: string): boolean;
}

const INFO = '/var/lib/dpkg/info';
const known = new WeakMap<System, Dpkg>();

/** Read once a system, when first asked: some 8 MB of lists. */
export function dpkgOf(system: System): Dpkg {
  const there = known.get(system);
  if (there) return there;
  const made = new DpkgFiles(system);
  known.set(system, made);
  return made;
}

class DpkgFiles implements Dpkg {
  readonly #system: System;
  /** List of a path, by the path as it is after the merge of /usr. */
  #owners: Map<string, string> | undefined;
  #digests: Map<string, string> | undefined;

  constructor(system: System) {
    this.#system = system;
  }

  isOwned(path: string): boolean {
    this.#owners ??= readOwners(this.#system);
    return this.#owners.has(merged(path)) || this.#configuration().has(merged(path));
  }

  isPristine(path: string): boolean {
    if (!this.isOwned(path)) return false;
    const kind = this.#system.facts(path)?.kind;
    if (kind === 'link' || kind === 'folder') return true;
    const digest = this.#configuration().get(merged(path)) ?? this.#shipped(path);
    const content = digest === undefined ? undefined : this.#system.read(path);
    return content !== undefined && createHash('md5').update(content).digest('hex') === digest;
  }

  /** MD5 of configuration files as they came, by path: dpkg's conffiles and ucf's. */
  #configuration(): Map<string, string> {
    this.#digests ??= new Map([...readConffiles(this.#system), ...readUcf(this.#system)]);
    return this.#digests;
  }

  #shipped(path: string): string | undefined {
    const list = this.#owners?.get(merged(path));
    const sums = list && this.#system.text(`${INFO}/${list.slice(0, -'.list'.length)}.md5sums`);
    for (const line of sums?.split('\n') ?? []) {
      if (merged(`/${line.slice(34)}`) === merged(path)) return line.slice(0, 32);
    }
    return undefined;
  }
}

/** /bin, /lib and /sbin are /usr's since the merge, while lists keep the old names. */
const merged = (path: string): string => path.replace(/^\/usr(?=\/(?:s?bin|lib\w*)(?:\/|$))/u, '');

function readOwners(system: System): Map<string, string> {
  const owners = new Map<string, string>();
  for (const name of system.list(INFO)) {
    if (!name.endsWith('.list')) continue;
    for (const path of system.text(`${INFO}/${name}`)?.split('\n') ?? []) {
      if (path.length > 2) owners.set(merged(path), name);
    }
  }
  // Three lines each: the path that was meant, where the package's file went, and who diverted it.
  const diversions = system.text('/var/lib/dpkg/diversions')?.split('\n') ?? [];
  for (let at = 0; at + 2 < diversions.length; at += 3) {
    const list = owners.get(merged(diversions[at] as string));
    if (list) owners.set(merged(diversions[at + 1] as string), list);
  }
  return owners;
}

function* readConffiles(system: System): Generator<[string, string]> {
  const status = system.text('/var/lib/dpkg/status', DPKG_STATUS_MAX_BYTES) ?? '';
  for (const [, path, digest] of status.matchAll(
    /^ (\/\S.*?) ([0-9a-f]{32})(?: obsolete)?(?: remove-on-upgrade)?$/gmu,
  )) {
    yield [merged(path as string), digest as string];
  }
}

function* readUcf(system: System): Generator<[string, string]> {
  const registered = system.text('/var/lib/ucf/hashfile') ?? '';
  for (const [, digest, path] of registered.matchAll(/^([0-9a-f]{32}) +(\/.+)$/gmu)) {
    yield [merged(path as string), digest as string];
  }
}
