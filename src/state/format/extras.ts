import { XATTR_NAME_MAX_BYTES, XATTR_VALUE_MAX_BYTES, XATTRS_MAX, XATTRS_MAX_BYTES } from '../../common/limits.ts';
import { type FieldMap, readArray, readBytes, readTuple, readUint } from './cbor-reader.ts';
import type { CborWriter } from './cbor-writer.ts';
import { damaged } from './damaged.ts';

/** An extended attribute. */
export interface Xattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** One line of a POSIX ACL; `id` only for a named user (tag 2) or a named group (tag 8). */
export interface AclEntry {
  readonly tag: number;
  readonly permissions: number;
  readonly id: number | undefined;
}

/** What few items have beside mode, owner and time. */
export interface Extras {
  /** Ascending by name; those that hold ACLs are not among them. */
  readonly xattrs: readonly Xattr[];
  readonly accessAcl: readonly AclEntry[];
  /** Folders only. */
  readonly defaultAcl: readonly AclEntry[];
  /** Inode flags of Linux (FS_*_FL). */
  readonly flags: number;
}

const KEY = { xattrs: 10, acls: 11, flags: 17 } as const;
export const EXTRA_KEYS: readonly number[] = Object.values(KEY);

const NAMED_TAGS = new Set([2, 8]);
const TAGS = new Set([1, 2, 4, 8, 16, 32]);
const ACL_ENTRIES_MAX = 8192;
const FLAGS_MAX = 0xffff_ffff;
const OWNER_MAX = 0xffff_fffe;

/** How many keys the extras of an entry take. */
export function extraCount(extras: Extras | undefined): number {
  if (!extras) return 0;
  return Number(extras.xattrs.length > 0) + Number(hasAcl(extras)) + Number(extras.flags !== 0);
}

function hasAcl({ accessAcl, defaultAcl }: Extras): boolean {
  return accessAcl.length > 0 || defaultAcl.length > 0;
}

/** Writes the keys 10 and 11. */
export function writeExtras(writer: CborWriter, extras: Extras): void {
  if (extras.xattrs.length > 0) {
    writer.uint(KEY.xattrs).array(extras.xattrs.length);
    for (const { name, value } of extras.xattrs) writer.array(2).bytes(name).bytes(value);
  }
  if (!hasAcl(extras)) return;
  writer.uint(KEY.acls).array(2);
  for (const acl of [extras.accessAcl, extras.defaultAcl]) {
    writer.array(acl.length);
    for (const { tag, permissions, id } of acl) {
      writer
        .array(id === undefined ? 2 : 3)
        .uint(tag)
        .uint(permissions);
      if (id !== undefined) writer.uint(id);
    }
  }
}

/** Writes the key 17, the last of all. */
export function writeFlags(writer: CborWriter, { flags }: Extras): void {
  if (flags !== 0) writer.uint(KEY.flags).uint(flags);
}

/** Reads what extras an entry has. Throws `damaged`. */
export function readExtras(map: FieldMap): Extras | undefined {
  if (!map.has(KEY.xattrs) && !map.has(KEY.acls) && !map.has(KEY.flags)) return undefined;
  const [access, byDefault] = map.has(KEY.acls) ? readTuple(map.get(KEY.acls), 'the ACLs of an item', 2) : [[], []];
  const extras = {
    xattrs: map.has(KEY.xattrs) ? readXattrs(map.get(KEY.xattrs)) : [],
    accessAcl: readAcl(access),
    defaultAcl: readAcl(byDefault),
    flags: map.has(KEY.flags) ? readUint(map.get(KEY.flags), 'the flags of an item', FLAGS_MAX) : 0,
  };
  const keys = EXTRA_KEYS.filter((key) => map.has(key)).length;
  if (keys !== extraCount(extras)) throw damaged('an item has attributes, ACLs or flags that are none');
  return extras;
}

function readXattrs(value: unknown): Xattr[] {
  let total = 0;
  let last: Uint8Array | undefined;
  return readArray(value, 'the attributes of an item', XATTRS_MAX).map((item) => {
    const tuple = readTuple(item, 'an attribute', 2);
    const name = readBytes(tuple[0], 'the name of an attribute', 1, XATTR_NAME_MAX_BYTES);
    const bytes = readBytes(tuple[1], 'the value of an attribute', 0, XATTR_VALUE_MAX_BYTES);
    if (name.includes(0)) throw damaged('the name of an attribute holds a NUL');
    if (last && Buffer.compare(last, name) >= 0) throw damaged('the attributes of an item are not in order');
    last = name;
    total += name.length + bytes.length;
    if (total > XATTRS_MAX_BYTES) throw damaged('an item has too many bytes of attributes');
    return { name, value: bytes };
  });
}

function readAcl(value: unknown): AclEntry[] {
  return readArray(value, 'an ACL', ACL_ENTRIES_MAX).map((item) => {
    if (!Array.isArray(item) || item.length < 2) throw damaged('a line of an ACL is too short');
    const tag = readUint(item[0], 'the tag of an ACL', 32);
    const named = NAMED_TAGS.has(tag);
    if (!TAGS.has(tag) || item.length !== (named ? 3 : 2)) throw damaged('a line of an ACL is none');
    const permissions = readUint(item[1], 'the permissions of an ACL', 7);
    return { tag, permissions, id: named ? readUint(item[2], 'the owner in an ACL', OWNER_MAX) : undefined };
  });
}
