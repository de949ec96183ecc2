import { damaged } from '../format/damaged.ts';
import type { FileEntry, Hole, MoreEntry } from '../format/entry.ts';
import { holdsExtent } from '../restore/present.ts';
import type { Piece } from './file-pieces.ts';

/** Extents and holes of one entry in file order; a hole has no hash. */
export function* piecesOfRun(
  from: number,
  extents: FileEntry['extents'],
  holes: readonly Hole[],
): Generator<Piece | Omit<Piece, 'hash'>, void> {
  let at = from;
  let next = 0;
  const hole = (): Hole | undefined => (holes[next]?.offset === at ? holes[next++] : undefined);
  for (const { length, hash } of extents) {
    for (let one = hole(); one; one = hole()) {
      yield { fileOffset: at, length: one.length };
      at += one.length;
    }
    yield { fileOffset: at, length, hash };
    at += length;
  }
  for (let one = hole(); one; one = hole()) {
    yield { fileOffset: at, length: one.length };
    at += one.length;
  }
  if (next !== holes.length) throw damaged('a hole of a file lies within its bytes');
}

export const isPiece = (run: Piece | Omit<Piece, 'hash'>): run is Piece => 'hash' in run;

/** The pieces of a whole file. */
export function* piecesOf(entries: readonly (FileEntry | MoreEntry)[]): Generator<Piece, void> {
  let at = 0;
  for (const { extents, holes } of entries) {
    for (const piece of piecesOfRun(at, extents, holes ?? [])) {
      at = piece.fileOffset + piece.length;
      if (isPiece(piece)) yield piece;
    }
  }
}

/** Whether an open file has the bytes of that piece. */
export const holdsPiece = (fd: number, { fileOffset, length, hash }: Piece): boolean =>
  holdsExtent(fd, fileOffset, { pack: 0, segment: 0, offset: 0, length, hash });
