/**
 * What a power cut leaves. What was synced is there; of the rest anything may be missing:
 *
 * - `posix`: no more is promised than by the standard, but for renames. A name is durable once its folder was synced, data
 *   and metadata once the item itself was. All else is lost or not, name by name and sector by sector, in no order. A
 *   rename never loses what it renames: within a folder it is done or not, between two the old name may be there still;
 *   one of a folder is done or not. (btrfs is between this and `xfs`.)
 * - `xfs`: names and metadata of a file system go to the disk in their order, and with every fsync all that came before.
 *   Data goes when it likes: a file may be shorter than it was, or hold old sectors; what it was enlarged by is right.
 * - `ext4`: the same, and a file that is renamed over another one has its data (data=ordered, auto_da_alloc).
 */
import type { Random } from '../scenario.ts';
import { dataAfter } from './crash-data.ts';
import { keptNames } from './crash-names.ts';
import { Durable } from './durable.ts';
import { happens, type Share } from './happens.ts';
import type { Inode, Item, Metadata, Operation, Recording, Tree } from './operations.ts';

export const PROFILES = ['posix', 'xfs', 'ext4'] as const;
export type Profile = (typeof PROFILES)[number];

export interface Cut {
  readonly profile: Profile;
  /** How many operations were done. */
  readonly at: number;
  /** Of names; of metadata. */
  readonly names: Share;
  readonly data: Share;
}

/** The disks after a cut. */
export function crash(recording: Recording, cut: Cut, random: Random): Tree {
  const done = recording.operations.slice(0, cut.at);
  const durable = new Durable(recording.before, done);
  /** In an ordered file system: how far its journal has come. */
  const journal = recording.before.roots.map((_, volume) => {
    const least = durable.anyOf(volume);
    if (cut.profile === 'posix' || cut.names === 100) return cut.at;
    return cut.names === 0 ? least : least + random.integer(cut.at - least + 1);
  });
  const folders = keptNames(recording.before, done, durable, { cut, journal, random });
  const changes = changesOf(done);
  const items = new Map<Inode, Item>();
  const add = (inode: Inode): void => {
    if (items.has(inode)) return;
    const own = changes.get(inode) ?? [];
    const before = recording.before.items.get(inode) ?? madeBy(own);
    const state = { inode, before, own, durable, cut, journal: journal[before.made.volume]!, random };
    items.set(inode, { made: before.made, metadata: metadataAfter(state), data: dataAfter(state) });
    for (const below of folders.get(inode)?.values() ?? []) add(below);
  };
  for (const root of recording.before.roots) add(root);
  return { roots: recording.before.roots, items, folders };
}

/** What is looked at to tell how an item came through. */
export interface ItemState {
  readonly inode: Inode;
  readonly before: Item;
  /** The numbers of the operations that change it. */
  readonly own: readonly { readonly at: number; readonly operation: Operation }[];
  readonly durable: Durable;
  readonly cut: Cut;
  readonly journal: number;
  readonly random: Random;
}

function madeBy(own: ItemState['own']): Item {
  const make = own[0]?.operation;
  if (make?.type !== 'make') throw new Error('an item that nothing has made');
  return { made: make.made, metadata: make.metadata, data: Buffer.alloc(0) };
}

function changesOf(done: readonly Operation[]): Map<Inode, ItemState['own'][number][]> {
  const changes = new Map<Inode, ItemState['own'][number][]>();
  const note = (inode: Inode, at: number, operation: Operation): void => {
    const known = changes.get(inode);
    if (known) known.push({ at, operation });
    else changes.set(inode, [{ at, operation }]);
  };
  for (const [at, operation] of done.entries()) {
    if (operation.type === 'make') note(operation.at.folder, at, operation);
    if (operation.type === 'link' || operation.type === 'remove') note(operation.at.folder, at, operation);
    if (operation.type === 'rename') {
      note(operation.from.folder, at, operation);
      note(operation.to.folder, at, operation);
    }
    if ('inode' in operation && operation.type !== 'link' && operation.type !== 'sync')
      note(operation.inode, at, operation);
  }
  return changes;
}

function metadataAfter({ inode, before, own, durable, cut, journal, random }: ItemState): Metadata {
  const pinned = durable.of(inode);
  let found = before.metadata;
  let changed = false;
  for (const { at, operation } of own) {
    const isThere =
      cut.profile === 'posix' ? at < pinned || happens(random, cut.names) : at < Math.max(pinned, journal);
    if (!isThere || (operation.type === 'make' && operation.inode === inode)) continue;
    if (operation.type === 'metadata') {
      found = operation.metadata;
      changed = false;
    } else if (operation.type !== 'rename' || operation.inode !== inode) changed = true;
  }
  return changed ? { ...found, mtimeNs: undefined } : found;
}
