import { ENTRY_EXTENTS_MAX } from '../../common/limits.ts';
import type { Entry, Extent, FileEntry } from '../format/index.ts';
import type { Content } from './read-content.ts';

/** A file's entry, and further ones where it has too many extents or holes for one. */
export function fileEntries(file: FileEntry, content: Pick<Content, 'extents' | 'holes'>): Entry[] {
  const { name } = file;
  const pieces = cutPieces(content);
  return pieces.map((piece, index): Entry => {
    const goesOn = index + 1 < pieces.length;
    return index === 0 ? { ...file, ...piece, goesOn } : { kind: 'more', name, ...piece, goesOn };
  });
}

/** Extents and holes in file order, at most ENTRY_EXTENTS_MAX of either in a piece. */
function cutPieces({ extents, holes }: Pick<Content, 'extents' | 'holes'>): Pick<FileEntry, 'extents' | 'holes'>[] {
  if (holes.length === 0) {
    const count = Math.max(1, Math.ceil(extents.length / ENTRY_EXTENTS_MAX));
    return Array.from({ length: count }, (_, index) => ({
      extents: extents.slice(index * ENTRY_EXTENTS_MAX, (index + 1) * ENTRY_EXTENTS_MAX),
    }));
  }
  const pieces: { extents: Extent[]; holes?: { offset: number; length: number }[] }[] = [{ extents: [] }];
  let nextHole = 0;
  let offset = 0;
  const room = () => {
    const piece = pieces.at(-1)!;
    if (piece.extents.length < ENTRY_EXTENTS_MAX && (piece.holes?.length ?? 0) < ENTRY_EXTENTS_MAX) return piece;
    pieces.push({ extents: [] });
    return pieces.at(-1)!;
  };
  const skipHole = () => {
    const hole = holes[nextHole];
    if (hole?.offset !== offset) return;
    const piece = room();
    piece.holes ??= [];
    piece.holes.push(hole);
    offset += hole.length;
    nextHole += 1;
  };
  for (const extent of extents) {
    skipHole();
    room().extents.push(extent);
    offset += extent.length;
  }
  skipHole();
  return pieces;
}
