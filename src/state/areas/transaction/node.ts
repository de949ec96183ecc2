/**
 * What a path is, or will be, as far as a restore of areas decides by it. Owners and modes as numbers, the content of a file as
 * the SHA-256 of it, in hex, where a link leads as base64.
 */
export type Node =
  | { readonly kind: 'absent' }
  | { readonly kind: 'other' }
  | ({ readonly kind: 'file'; readonly sizeBytes: number; readonly hash: string } & OwnedMode)
  | { readonly kind: 'link'; readonly target: string }
  | ({ readonly kind: 'folder' } & OwnedMode);

export interface OwnedMode {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What a path has beside that, to be given back to it. */
export interface NodeExtras {
  /** Nanoseconds, decimal. */
  readonly mtimeNs: string;
  readonly uid: number;
  readonly gid: number;
  /** Name and value, base64 both, ACLs among them. */
  readonly xattrs: readonly (readonly [string, string])[];
  /** Which of INODE_FLAGS. */
  readonly flags: number;
}

/** What was found at a path. */
export type Present = Node & { readonly extras?: NodeExtras };

/** Whether two are the same: kind, owner, mode, content. Of a link only where it leads. */
export function isSameNode(a: Node, b: Node): boolean {
  if (a.kind === 'link' && b.kind === 'link') return a.target === b.target;
  if (a.kind === 'file' && b.kind === 'file') return a.hash === b.hash && isSameOwned(a, b);
  if (a.kind === 'folder' && b.kind === 'folder') return isSameOwned(a, b);
  return a.kind === b.kind && a.kind === 'absent';
}

/** Whether nothing of it has changed: times and attributes too. The time of a folder says only what happened in it. */
export function isUntouched(a: Present, b: Present): boolean {
  if (a.kind === 'other' || !isSameNode(a, b)) return false;
  const timed = a.kind !== 'folder';
  return !a.extras || !b.extras || extrasKey(a.extras, timed) === extrasKey(b.extras, timed);
}

const isSameOwned = (a: OwnedMode, b: OwnedMode) => a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;

const extrasKey = ({ mtimeNs, uid, gid, xattrs, flags }: NodeExtras, timed: boolean) =>
  JSON.stringify([timed ? mtimeNs : '', uid, gid, xattrs, flags]);
