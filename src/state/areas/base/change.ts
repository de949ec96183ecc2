/** One thing that is done to a machine's files. Paths are absolute, as seen on that machine. */
export type Change = WriteFile | MakeLink | MakeFolder | Remove | SetMetadata;

interface Owned {
  /** The low 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Makes a regular file, or replaces what is there. */
export interface WriteFile extends Owned {
  readonly kind: 'file';
  readonly path: string;
  readonly content: Uint8Array;
}

/** Makes a symbolic link, or replaces the link or file that is there. */
export interface MakeLink {
  readonly kind: 'link';
  readonly path: string;
  readonly target: string;
}

/** Makes a folder where there is none; one that is there stays as it is. */
export interface MakeFolder extends Owned {
  readonly kind: 'folder';
  readonly path: string;
}

/** Removes a file or a link. */
export interface Remove {
  readonly kind: 'remove';
  readonly path: string;
}

/** Sets owner and mode of a file or folder that is there. */
export interface SetMetadata extends Owned {
  readonly kind: 'metadata';
  readonly path: string;
}

/** Whether a path is one that a change may have: absolute, no empty name, no `.` or `..`, no NUL, at most 4096 bytes. */
export function isPlainPath(path: string): boolean {
  if (!path.startsWith('/') || path.length < 2 || Buffer.byteLength(path) > 4095 || path.includes('\0')) return false;
  return path
    .slice(1)
    .split('/')
    .every((name) => name !== '' && name !== '.' && name !== '..' && Buffer.byteLength(name) <= 255);
}
