/** What a machine asked its disks to do, one after another: what a power cut takes a part of. */

/** A file, a folder or whatever else has a name, for as long as the recording lasts. */
export type Inode = number;

export type Kind = 'file' | 'folder' | 'symlink' | 'fifo' | 'other';

/** What an item has beside its data. */
export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Undefined: that of the last change, which nobody set. */
  readonly mtimeNs: bigint | undefined;
  /** By name, in latin1. */
  readonly xattrs: Readonly<Record<string, Buffer>>;
}

/** What an item is from the moment that it is made. */
export interface Made {
  readonly kind: Kind;
  /** Of the file system that it lies on: what is durable on one says nothing about another. */
  readonly volume: number;
  /** Of a symbolic link. */
  readonly target: Buffer;
}

export interface Item {
  readonly made: Made;
  readonly metadata: Metadata;
  /** Of a file. */
  readonly data: Buffer;
}

/** Names are bytes, as latin1 text. */
export interface Name {
  readonly folder: Inode;
  readonly name: string;
}

export type Operation =
  | {
      readonly type: 'make';
      readonly at: Name;
      readonly inode: Inode;
      readonly made: Made;
      readonly metadata: Metadata;
    }
  | { readonly type: 'link'; readonly at: Name; readonly inode: Inode }
  | { readonly type: 'remove'; readonly at: Name }
  /** `over`: something had the new name. */
  | { readonly type: 'rename'; readonly from: Name; readonly to: Name; readonly inode: Inode; readonly over: boolean }
  | { readonly type: 'write'; readonly inode: Inode; readonly offset: number; readonly bytes: Buffer }
  | { readonly type: 'resize'; readonly inode: Inode; readonly size: number }
  | { readonly type: 'metadata'; readonly inode: Inode; readonly metadata: Metadata }
  /** An fsync that has returned; `dataOnly`: fdatasync. */
  | { readonly type: 'sync'; readonly inode: Inode; readonly dataOnly: boolean }
  | { readonly type: 'sync-volume'; readonly volume: number }
  /** Something that others have seen from here on: a line of output, an answer. */
  | { readonly type: 'said'; readonly text: string };

/** What was there before the first operation, on the disk for good. */
export interface Before {
  /** The folders that count. */
  readonly roots: readonly Inode[];
  readonly items: ReadonlyMap<Inode, Item>;
  readonly names: readonly { readonly at: Name; readonly inode: Inode }[];
}

export interface Recording {
  readonly before: Before;
  readonly operations: readonly Operation[];
}

/** A disk at rest. */
export interface Tree {
  readonly roots: readonly Inode[];
  readonly items: ReadonlyMap<Inode, Item>;
  /** Of each folder: its items, by name. */
  readonly folders: ReadonlyMap<Inode, ReadonlyMap<string, Inode>>;
}

export const emptyBytes = Buffer.alloc(0);
export const keyOf = ({ folder, name }: Name): string => `${folder}/${name}`;
