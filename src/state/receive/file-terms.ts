import type { FileEntry, Metadata } from '../format/entry.ts';
import { Became } from '../restore/became.ts';
import type { ContentParts } from '../restore/content-way.ts';
import type { PlannedFile } from '../restore/extent-record.ts';
import { holeBytesOf } from '../restore/present.ts';
import { lockLater } from '../restore/restore-plan.ts';

/** A file's metadata as it was read. */
export type Captured = Metadata & Pick<FileEntry, 'changed'>;

export const capturedOf = ({ mode, uid, gid, mtimeNs, extras, changed }: FileEntry): Captured => ({
  mode,
  uid,
  gid,
  mtimeNs,
  extras,
  changed,
});

/** What a file becomes that was planned in one way and read in another: its metadata here, and what is told of it. */
export class FileTerms {
  readonly #parts: ContentParts;
  readonly #became: Became;

  constructor(parts: ContentParts) {
    this.#parts = parts;
    this.#became = new Became(parts.planFile);
  }

  /** A planned file with the metadata that the source says. */
  asTold<F extends PlannedFile>(planned: F, entry: FileEntry): F {
    const { giving, extras, tree } = this.#parts;
    const { extras: own, ...given } = giving.of(entry, 'file', tree.folders.ownPlace(planned.folder));
    return {
      ...planned,
      ...given,
      sizeBytes: entry.sizeBytes,
      holeBytes: holeBytesOf(entry.holes),
      extrasAt: own ? extras.add(own) : 0,
    };
  }

  /** Counts a file as what it is, and lists what is withheld of it. */
  settle(planned: PlannedFile, file: PlannedFile, captured: Captured): void {
    const { tree, extras, tally, losses, locks, giving, owners } = this.#parts;
    const shown = () => tree.show(file.folder, file.name);
    if (captured.changed) losses.add(shown, 'it changed while it was read');
    if (file.placing === 'park') return;
    tally.counts.bytes += file.sizeBytes - planned.sizeBytes;
    if (file.sizeBytes !== planned.sizeBytes || file.mtimeNs !== planned.mtimeNs) this.#became.add(file.decision, file);
    lockLater(locks, file, extras.get(file.extrasAt)?.flags ?? 0);
    giving.note(captured, 'file', tree.folders.ownPlace(file.folder), shown, losses);
    owners.note(captured);
  }

  flush(): void {
    this.#became.flush();
  }

  /** May be called again. */
  close(): void {
    this.#became.close();
  }
}
