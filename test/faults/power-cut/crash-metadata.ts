import { happens, type ItemState, isOrdered } from './cut.ts';
import type { Metadata, Operation } from './operations.ts';

/** Owner, mode, time and attributes of an item after a cut. */
export function metadataAfter({ inode, before, own, durable, cut, journal, random }: ItemState): Metadata {
  const isNaming = ({ type, ...rest }: Operation): boolean =>
    (type === 'make' || type === 'rename' || type === 'link') && 'inode' in rest && rest.inode === inode;
  const named = cut.profile === 'journaled' ? own.findLast(({ operation }) => isNaming(operation)) : undefined;
  const pinned = Math.max(durable.of(inode), named?.at ?? 0);
  let found = before.metadata;
  let changed = false;
  for (const { at, operation } of own) {
    if (isNaming(operation)) continue;
    const isThere = at < pinned || (isOrdered(cut.profile) ? at < journal : happens(random, cut.names));
    if (!isThere) continue;
    if (operation.type === 'metadata') found = operation.metadata;
    changed = operation.type !== 'metadata';
  }
  return changed ? { ...found, mtimeNs: undefined } : found;
}
