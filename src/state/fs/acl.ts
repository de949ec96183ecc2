/**
 * The value of `system.posix_acl_access` and `system.posix_acl_default`: u32 version 2, then for each line u16 tag,
 * u16 permissions, u32 id; little-endian. Source: Linux, include/uapi/linux/posix_acl_xattr.h.
 */
const VERSION = 2;
const HEADER_BYTES = 4;
const LINE_BYTES = 8;
const NO_ID = 0xffff_ffff;
const PERMISSIONS_MAX = 7;

const NAMED_TAGS: ReadonlySet<number> = new Set([2, 8]);
const TAGS: ReadonlySet<number> = new Set([1, 2, 4, 8, 16, 32]);

/**
 * One line. Tags: 1 owner, 2 a user, 4 the owning group, 8 a group, 16 mask, 32 others. `id` is there for tags 2 and 8
 * only.
 */
export interface AclEntry {
  readonly tag: number;
  readonly permissions: number;
  readonly id: number | undefined;
}

/** The lines in their order, or undefined where the bytes are not such an ACL. */
export function decodeAcl(bytes: Uint8Array): AclEntry[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || (bytes.length - HEADER_BYTES) % LINE_BYTES !== 0) return undefined;
  if (view.getUint32(0, true) !== VERSION) return undefined;
  const entries: AclEntry[] = [];
  for (let at = HEADER_BYTES; at < bytes.length; at += LINE_BYTES) {
    const tag = view.getUint16(at, true);
    const permissions = view.getUint16(at + 2, true);
    const id = NAMED_TAGS.has(tag) ? view.getUint32(at + 4, true) : undefined;
    if (!TAGS.has(tag) || permissions > PERMISSIONS_MAX || id === NO_ID) return undefined;
    entries.push({ tag, permissions, id });
  }
  return entries;
}

/** The bytes for the kernel, which wants the lines by tag; those of one tag go by id. */
export function encodeAcl(entries: readonly AclEntry[]): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + entries.length * LINE_BYTES);
  bytes.writeUInt32LE(VERSION);
  let at = HEADER_BYTES;
  for (const { tag, permissions, id } of entries.toSorted((a, b) => a.tag - b.tag || (a.id ?? 0) - (b.id ?? 0))) {
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(permissions, at + 2);
    bytes.writeUInt32LE(id ?? NO_ID, at + 4);
    at += LINE_BYTES;
  }
  return bytes;
}
