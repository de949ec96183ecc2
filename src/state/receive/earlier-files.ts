import type { FileEntry, MoreEntry } from '../format/entry.ts';
import { close } from '../fs/calls.ts';
import type { ContentParts } from '../restore/content-way.ts';
import type { PlannedFile } from '../restore/extent-record.ts';
import { holdsHoles, openIfThere } from '../restore/present.ts';
import { tmpName } from '../restore/tmp-name.ts';
import { FilePieces } from './file-pieces.ts';
import { holdsPiece, piecesOf } from './file-runs.ts';
import { capturedOf, type FileTerms } from './file-terms.ts';
import type { RecordFile } from './record-file.ts';

/** What an earlier process received, verified by content against what the source had said of it. */
export class EarlierFiles {
  readonly #parts: ContentParts & { readonly records: RecordFile };
  readonly #terms: FileTerms;

  constructor(parts: ContentParts & { readonly records: RecordFile }, terms: FileTerms) {
    this.#parts = parts;
    this.#terms = terms;
  }

  /** The file as it is in its place, where all of it is as its source said. */
  whole(planned: PlannedFile): PlannedFile | undefined {
    const { left, records } = this.#parts;
    if (planned.placing === 'park') return undefined;
    const entries = records.of(planned.entry);
    const first = entries.next().value;
    if (first?.kind !== 'file') return undefined;
    const file = this.#terms.asTold(planned, first);
    const isWhole =
      first.goesOn || first.extents.length > 1
        ? this.#isLargeThere(file, [first, ...entries])
        : left.isWhole(file, first);
    if (!isWhole) return undefined;
    this.#terms.settle(planned, file, capturedOf(first));
    return file;
  }

  #isLargeThere(file: PlannedFile, entries: readonly (FileEntry | MoreEntry)[]): boolean {
    const { left } = this.#parts;
    const begun = left.open(file);
    if (!begun) return false;
    try {
      const isRight =
        left.isFinished(begun, file) &&
        entries.every(({ holes }) => holdsHoles(begun.fd, holes ?? [])) &&
        [...piecesOf(entries)].every((piece) => holdsPiece(begun.fd, piece));
      if (isRight) left.noteInode(begun.fd, file);
      return isRight;
    } finally {
      close(begun.fd);
    }
  }

  /** The pieces of a file that was under way, as far as what is there is what came; none where it is to begin anew. */
  begun(planned: PlannedFile): FilePieces | undefined {
    const { places, tree, records } = this.#parts;
    const place = planned.placing === 'park' ? places.at(0) : places.at(tree.folders.place(planned.folder));
    const fd = openIfThere(place.tmp, tmpName(planned.entry));
    if (fd === undefined) return undefined;
    const pieces = new FilePieces();
    try {
      for (const piece of records.piecesOf(planned.entry)) {
        if (!holdsPiece(fd, piece)) break;
        pieces.set(piece);
      }
    } finally {
      close(fd);
    }
    return pieces.count === 0 ? undefined : pieces;
  }
}
