import type { Random } from '../scenario.ts';
import type { Durable } from './durable.ts';
import type { Inode, Item, Operation } from './operations.ts';

/**
 * What a file system promises of what was not synced:
 *
 * - `posix`: no more than the standard, but for renames. A name is durable once its folder was synced, data and metadata
 *   once the item itself was. All else is lost or not, name by name and sector by sector, in no order. A rename never
 *   loses what it renames: within a folder it is done or not, between two the old name may be there still; one of a folder
 *   is done or not.
 * - `journaled`: the same, but nothing loses its last name by an operation before which it got another one, and what gets a
 *   name by a link or a rename has its owner, mode and times. All file systems with a journal, and btrfs, promise more.
 * - `xfs`: names and metadata go to the disk in their order, and with every fsync all that came before. Data goes when it
 *   likes: a file may be shorter than it was, or hold old sectors; what it was enlarged by is right.
 * - `ext4`: the same, and a file that is renamed over another one has its data (data=ordered, auto_da_alloc).
 */
export const PROFILES = ['posix', 'journaled', 'xfs', 'ext4'] as const;
export type Profile = (typeof PROFILES)[number];

/** Whether all names of a file system go to the disk in one order. */
export const isOrdered = (profile: Profile) => profile === 'xfs' || profile === 'ext4';

/** How much of what is not durable is there all the same, of 100. */
export type Share = 0 | 10 | 50 | 90 | 100;
export const SHARES: readonly Share[] = [0, 10, 50, 90, 100];

/** Something that happens so often. */
export const happens = (random: Random, share: Share) => share === 100 || (share > 0 && random.integer(100) < share);

export interface Cut {
  readonly profile: Profile;
  /** How many operations were done. */
  readonly at: number;
  /** Of names and metadata. */
  readonly names: Share;
  readonly data: Share;
}

/** What is looked at to tell how an item came through. */
export interface ItemState {
  readonly inode: Inode;
  readonly before: Item;
  /** The operations that change it, or a name that leads to it, with their numbers. */
  readonly own: readonly { readonly at: number; readonly operation: Operation }[];
  readonly durable: Durable;
  readonly cut: Cut;
  /** Where the file system has one order: how far it has come. */
  readonly journal: number;
  readonly random: Random;
}
