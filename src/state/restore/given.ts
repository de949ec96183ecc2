import type { AclEntry, Extras } from '../format/extras.ts';
import type { Metadata } from '../format/index.ts';
import { encodeAcl } from '../fs/acl.ts';
import { INODE_FLAG, INODE_FLAGS } from '../fs/inode-flags.ts';
import type { Xattr } from '../fs/xattr.ts';
import type { ItemKind } from './decision-log.ts';
import type { GivenExtras } from './extras-spool.ts';
import type { Losses } from './losses.ts';
import type { OwnerMap } from './owner-map.ts';
import type { RestorePlace } from './types.ts';

const SET_ID_BITS = 0o6000;
/** Files with these cannot be changed, linked to or removed any more, not by their owner either. */
export const LOCKING_FLAGS = INODE_FLAG.immutable | INODE_FLAG.append;
export const ACCESS_ACL = Buffer.from('system.posix_acl_access');
export const DEFAULT_ACL = Buffer.from('system.posix_acl_default');
const NAMED_USER = 2;

/** What an item of the source is given on the target. */
export interface Given {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly extras: GivenExtras | undefined;
}

/**
 * Turns captured metadata into what is given here: owners by name, and no privileged effect unless root asked for it
 * (docs/THREATS.md): setuid and setgid on files, devices, attributes other than `user.*`, immutable and append-only.
 */
export class Giving {
  readonly #owners: OwnerMap;
  readonly #asRoot: boolean;
  readonly #privileged: boolean;
  readonly #places: readonly RestorePlace[];

  constructor(owners: OwnerMap, asRoot: boolean, allowPrivileged: boolean, places: readonly RestorePlace[] = []) {
    this.#owners = owners;
    this.#asRoot = asRoot;
    this.#privileged = asRoot && allowPrivileged;
    this.#places = places;
  }

  /** Whether devices are made in a place. */
  mayMakeDevices(place: number): boolean {
    return this.#isPrivileged(place);
  }

  /** `place`: as `FolderWalk` numbers it. */
  of(captured: Metadata, kind: ItemKind | 'folder', place: number): Given {
    const privileged = this.#isPrivileged(place);
    const personal = this.#personal(place);
    const mayKeep = kind === 'folder' || privileged;
    const uid = this.#asRoot ? this.#owners.user(captured.uid) : captured.uid;
    const gid = this.#asRoot ? this.#owners.group(captured.gid) : captured.gid;
    const isRoots = this.#asRoot && personal !== undefined;
    return {
      mode: mayKeep ? captured.mode : captured.mode & ~SET_ID_BITS,
      uid: isRoots && uid === 0 ? personal.uid : uid,
      gid: isRoots && gid === 0 ? personal.gid : gid,
      mtimeNs: captured.mtimeNs,
      extras: captured.extras && this.#extras(captured.extras, kind, privileged),
    };
  }

  #personal(place: number): RestorePlace['personal'] {
    return place === 0 ? undefined : this.#places[place - 1]!.personal;
  }

  #isPrivileged(place: number): boolean {
    return this.#privileged && this.#personal(place) === undefined;
  }

  /** Lists what `of` left out; to be told of every item once. */
  note(captured: Metadata, kind: ItemKind | 'folder', place: number, shownPath: () => string, losses: Losses): void {
    if (this.#isPrivileged(place)) return;
    const personal = this.#personal(place);
    if (personal && this.#asRoot && this.#owners.user(captured.uid) === 0 && kind !== 'hardlink') {
      losses.add(shownPath, 'it was root’s; in somebody’s home it becomes theirs');
    }
    if (kind === 'character' || kind === 'block') losses.add(shownPath, 'devices are not restored unless allowed');
    const { mode, extras } = captured;
    if (kind === 'file' && (mode & SET_ID_BITS) !== 0) {
      const bits = [mode & 0o4000 ? 'setuid' : '', mode & 0o2000 ? 'setgid' : ''].filter(Boolean).join(' and ');
      losses.add(shownPath, `restored without ${bits}`);
    }
    if (!extras) return;
    for (const { name } of extras.xattrs) {
      if (!isOwnXattr(name)) losses.add(shownPath, `restored without its attribute ${namespaceOf(name)}`);
    }
    if ((extras.flags & LOCKING_FLAGS) !== 0) {
      losses.add(shownPath, 'restored without its mark as immutable or append-only');
    }
  }

  #extras(
    { xattrs, accessAcl, defaultAcl, flags }: Extras,
    kind: ItemKind | 'folder',
    privileged: boolean,
  ): GivenExtras | undefined {
    const given: Xattr[] = [];
    // Before the attributes: they stand in the order in which they are set.
    if (accessAcl.length > 0) given.push({ name: ACCESS_ACL, value: encodeAcl(this.#acl(accessAcl)) });
    if (defaultAcl.length > 0 && kind === 'folder') {
      given.push({ name: DEFAULT_ACL, value: encodeAcl(this.#acl(defaultAcl)) });
    }
    given.push(...xattrs.filter(({ name }) => !isAcl(name) && (privileged || isOwnXattr(name))));
    const kept = flags & INODE_FLAGS & (privileged ? ~0 : ~LOCKING_FLAGS);
    return given.length === 0 && kept === 0 ? undefined : { xattrs: given, flags: kept };
  }

  #acl(entries: readonly AclEntry[]): AclEntry[] {
    if (!this.#asRoot) return [...entries];
    return entries.map((entry) => {
      if (entry.id === undefined) return entry;
      return { ...entry, id: entry.tag === NAMED_USER ? this.#owners.user(entry.id) : this.#owners.group(entry.id) };
    });
  }
}

export const isAcl = (name: Uint8Array) => ACCESS_ACL.equals(name) || DEFAULT_ACL.equals(name);

const isOwnXattr = (name: Uint8Array) => Buffer.from(name).subarray(0, 5).toString('latin1') === 'user.';

/** The part of an attribute's name that says what it is for, when it is one that Linux knows; else nothing of it. */
function namespaceOf(name: Uint8Array): string {
  const text = Buffer.from(name).toString('latin1');
  if (/^security\.[a-z_]{1,20}$/.test(text)) return text;
  return /^(trusted|system|security)\./.exec(text)?.[0].concat('*') ?? 'of an unknown kind';
}
