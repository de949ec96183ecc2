import type { Random } from '../scenario.ts';
import { dataAfter } from './crash-data.ts';
import { metadataAfter } from './crash-metadata.ts';
import { keptNames } from './crash-names.ts';
import { type Cut, type ItemState, isOrdered } from './cut.ts';
import { Durable } from './durable.ts';
import type { Inode, Item, Operation, Recording, Tree } from './operations.ts';

/** The disks as a power cut leaves them: what was synced is there, of the rest anything may be missing. */
export function crash(recording: Recording, cut: Cut, random: Random): Tree {
  const { before } = recording;
  const done = recording.operations.slice(0, cut.at);
  const durable = new Durable(before, done);
  const journal = before.roots.map((_, volume) => journalOf(cut, durable.anyOf(volume), random));
  const folders = keptNames(before, done, durable, { cut, journal, random });
  const changes = changesOf(done);
  const items = new Map<Inode, Item>();
  const add = (inode: Inode): void => {
    if (items.has(inode)) return;
    const own = changes.get(inode) ?? [];
    const first = before.items.get(inode) ?? madeBy(own);
    const state = { inode, before: first, own, durable, cut, journal: journal[first.made.volume]!, random };
    items.set(inode, { made: first.made, metadata: metadataAfter(state), data: dataAfter(state) });
    for (const below of folders.get(inode)?.values() ?? []) add(below);
  };
  for (const root of before.roots) add(root);
  return { roots: before.roots, items, folders };
}

function journalOf({ profile, names, at }: Cut, least: number, random: Random): number {
  if (!isOrdered(profile) || names === 100) return at;
  return names === 0 ? least : least + random.integer(at - least + 1);
}

function madeBy(own: ItemState['own']): Item {
  const make = own[0]?.operation;
  if (make?.type !== 'make') throw new Error('an item that nothing has made');
  return { made: make.made, metadata: make.metadata, data: Buffer.alloc(0) };
}

function changesOf(done: readonly Operation[]): Map<Inode, ItemState['own'][number][]> {
  const changes = new Map<Inode, ItemState['own'][number][]>();
  for (const [at, operation] of done.entries()) {
    for (const inode of concernedBy(operation)) {
      const known = changes.get(inode);
      if (known) known.push({ at, operation });
      else changes.set(inode, [{ at, operation }]);
    }
  }
  return changes;
}

/** What an operation changes: the item that it is about, and folders whose names change. */
function concernedBy(operation: Operation): Iterable<Inode> {
  switch (operation.type) {
    case 'make':
    case 'link':
      return [operation.inode, operation.at.folder];
    case 'remove':
      return [operation.at.folder];
    case 'rename':
      return new Set([operation.inode, operation.from.folder, operation.to.folder]);
    case 'write':
    case 'resize':
    case 'metadata':
      return [operation.inode];
    default:
      return [];
  }
}
