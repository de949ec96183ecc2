import { join } from 'node:path';
import { asBuffer } from '../../common/bytes.ts';
import { failpoint } from '../../common/failpoint.ts';
import {
  DIRECT_OFFSETS_MAX,
  RECEIVE_ROUNDS_MAX,
  SEGMENT_DATA_BYTES,
  SEGMENT_EXTENTS_MAX,
  SEGMENT_PLAIN_MAX_BYTES,
} from '../../common/limits.ts';
import { damaged } from '../format/damaged.ts';
import { digest } from '../format/digest.ts';
import type { FileEntry, MoreEntry } from '../format/entry.ts';
import { EntrySet } from '../format/entry-set.ts';
import { decodeFileRecords, type FileRecord } from '../format/file-record.ts';
import { KIND } from '../format/frame-cipher.ts';
import { readPack } from '../format/pack-reader.ts';
import { decodeSegment } from '../format/segment.ts';
import { showPath } from '../fs/show-path.ts';
import type { ContentParts, Contents } from '../restore/content-way.ts';
import type { ExtentRecord, PlannedFile } from '../restore/extent-record.ts';
import { FilePlacer } from '../restore/file-placer.ts';
import type { CheckedFile } from '../restore/manifest-checker.ts';
import type { Keys } from '../restore/place-packs.ts';
import type { AskLine } from './ask-line.ts';
import { EarlierFiles } from './earlier-files.ts';
import { FilePieces, type Piece } from './file-pieces.ts';
import { isPiece, piecesOfRun } from './file-runs.ts';
import { type Captured, capturedOf, FileTerms } from './file-terms.ts';
import { PlannedFiles } from './planned-files.ts';
import type { RecordFile } from './record-file.ts';

export interface ComingFilesParts extends ContentParts {
  readonly keys: Keys;
  readonly line: AskLine;
  /** Entries of the plan. */
  readonly total: number;
  /** What came, also before this process. */
  readonly records: RecordFile;
}

/** Of each of these more are never open with an honest source: a gathered segment holds no more files. */
const TOLD_MAX = 2 * SEGMENT_EXTENTS_MAX;
const UNDER_WAY_MAX = 4 * SEGMENT_EXTENTS_MAX;

/** What the source says of a file as it was read. */
interface Told {
  /** As it will be here. */
  readonly file: ExtentRecord;
  readonly captured: Captured;
  /** Where its next extent lies. */
  offset: number;
  hasPieces: boolean;
  hasHoles: boolean;
  /** Pieces that did not come yet: those of the segment that follows. */
  readonly missing: Map<number, Piece>;
  /** A piece did not come that should have: all of it is asked for again. */
  isLacking: boolean;
  isWhole: boolean;
}

/**
 * The files of a plan: asked for, taken as they come, and each put into its place once the source has said what it is and
 * every piece is the one that it read. Files that are not whole when the answer ends are asked for again.
 */
export class ComingFiles implements Contents {
  readonly placed: FilePlacer;
  keptFiles = 0;
  keptBytes = 0;
  readonly #parts: ComingFilesParts;
  readonly #planned: PlannedFiles;
  readonly #terms: FileTerms;
  readonly #earlier: EarlierFiles;
  /** Where frames are opened into. */
  readonly #plain = Buffer.allocUnsafeSlow(SEGMENT_PLAIN_MAX_BYTES);
  readonly #wanted: EntrySet;
  /** Those that are wanted, and those that were. */
  readonly #asked: EntrySet;
  /** Files of which pieces came, and that are not in their places. */
  readonly #underWay = new Map<number, FilePieces>();
  readonly #told = new Map<number, Told>();
  /** How many pieces they miss, together. */
  #missing = 0;
  /** Of files whose bytes have not come: their metadata. */
  readonly #begun = new Map<number, ExtentRecord>();
  /** The file whose record goes on with the next. */
  #goesOn: { readonly entry: number; readonly told: Told } | undefined;
  #isClosed = false;

  constructor(parts: ComingFilesParts) {
    this.#parts = parts;
    this.placed = new FilePlacer(parts);
    this.#terms = new FileTerms(parts);
    this.#earlier = new EarlierFiles(parts, this.#terms);
    this.#planned = new PlannedFiles(join(parts.spool, 'planned'), parts.total);
    this.#wanted = new EntrySet(parts.total);
    this.#asked = new EntrySet(parts.total);
  }

  start(planned: PlannedFile, { number, entry }: CheckedFile): void {
    const { tree } = this.#parts;
    const mayBeThere = tree.target.resumed && !tree.folders.isLost(planned.folder);
    const whole = mayBeThere ? this.#earlier.whole(planned) : undefined;
    if (whole) {
      this.keep(whole.sizeBytes);
      return;
    }
    this.#planned.add(planned);
    this.#wanted.add(number);
    this.#asked.add(number);
    const begun = mayBeThere && entry.sizeBytes > SEGMENT_DATA_BYTES ? this.#earlier.begun(planned) : undefined;
    if (!begun) return;
    this.#underWay.set(number, begun);
    this.placed.isThere(number, begun.bytes);
  }

  holes(): void {}
  extent(): void {}
  end(): void {}

  keep(sizeBytes: number): void {
    this.keptFiles += 1;
    this.keptBytes += sizeBytes;
  }

  flush(): void {
    this.#planned.flush();
  }

  async place(onFile: () => void): Promise<void> {
    const { line, records } = this.#parts;
    for (let rounds = 0; this.#wanted.size > 0; ) {
      if (rounds === RECEIVE_ROUNDS_MAX) this.#giveUpRest();
      else {
        const ask = { what: 'content', entries: this.#wanted.encode(), offsets: this.#offsets() } as const;
        const whole = await line.ask(ask, (bytes) => this.#take(bytes, onFile));
        this.#endAnswer(whole);
        if (whole) rounds += 1;
      }
      records.flush();
    }
    this.placed.close();
    if (this.placed.unfinished > 0) throw damaged('not every file of the plan became whole');
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.placed.close();
    this.#planned.close();
    this.#terms.close();
    this.#parts.records.close();
  }

  #offsets(): { entry: number; offset: number }[] {
    const offsets = [...this.#underWay].map(([entry, pieces]) => ({
      entry,
      offset: Math.floor(pieces.end / SEGMENT_DATA_BYTES) * SEGMENT_DATA_BYTES,
    }));
    const some = offsets.filter(({ offset }) => offset > 0).sort((a, b) => b.offset - a.offset);
    return some.slice(0, DIRECT_OFFSETS_MAX).sort((a, b) => a.entry - b.entry);
  }

  #take(bytes: Uint8Array, onFile: () => void): void {
    const { stateKey, stateId } = this.#parts.keys;
    for (const frame of readPack(bytes, stateKey, stateId, this.#plain)) {
      if (frame.kind === KIND.manifest) {
        for (const record of decodeFileRecords(frame.plain())) this.#record(record);
      } else {
        this.#segment(frame.plain(), onFile);
      }
    }
    this.#parts.records.flush();
    this.#terms.flush();
  }

  #segment(plain: Uint8Array, onFile: () => void): void {
    const { extents, data } = decodeSegment(plain);
    let at = 0;
    for (const { entry, fileOffset, length, hash } of extents) {
      const bytes = data.subarray(at, at + length);
      at += length;
      if (length === 0) throw damaged('a piece of a file has no bytes');
      if (!digest(bytes).equals(asBuffer(hash))) throw damaged('a piece of a file has another hash than was said');
      this.#piece(entry, { fileOffset, length, hash }, bytes);
      onFile();
    }
    this.#endSegment();
  }

  /** The last piece of a file lies in the segment behind its record: what that did not bring does not come. */
  #endSegment(): void {
    if (this.#missing === 0) return;
    for (const told of this.#told.values()) {
      if (told.missing.size === 0) continue;
      told.isLacking = true;
      told.missing.clear();
    }
    this.#missing = 0;
  }

  #piece(entry: number, piece: Piece, bytes: Uint8Array): void {
    // It is in its place, or the target could not take it: what was read of it first may come behind what was read last.
    if (!this.#wanted.has(entry) && this.#asked.has(entry)) return;
    const told = this.#told.get(entry);
    // Of an earlier reading too. It would go over bytes that were read later.
    if (told && !isMissing(told, piece)) return;
    const known = this.#underWay.get(entry);
    if (told && !known && piece.length === told.file.sizeBytes) {
      this.#finish(entry, told, () => this.placed.write({ ...told.file, length: piece.length, fileOffset: 0 }, bytes));
      return;
    }
    const planned = this.#plannedFile(entry);
    const file = told?.file ?? this.#begun.get(entry) ?? planned;
    const pieces = known ?? this.#begin(entry);
    this.placed.part({ ...file, fileOffset: piece.fileOffset, length: piece.length }, bytes);
    failpoint('receive.piece-written');
    if (this.placed.isLost(entry)) {
      // It was given up with another size than it was counted with.
      if (file.placing !== 'park') this.#parts.tally.counts.bytes += file.sizeBytes - planned.sizeBytes;
      this.#done(entry);
      return;
    }
    pieces.set(piece);
    this.#parts.records.addPiece(entry, piece);
    if (!told) return;
    told.missing.delete(piece.fileOffset);
    this.#missing -= 1;
    this.#finishIfWhole(entry, told);
  }

  #begin(entry: number): FilePieces {
    if (this.#underWay.size >= UNDER_WAY_MAX) throw damaged('too many files are begun before one is whole');
    const pieces = new FilePieces();
    this.#underWay.set(entry, pieces);
    return pieces;
  }

  /** As it was planned. Throws `damaged` for a file that was not asked for. */
  #plannedFile(entry: number): ExtentRecord {
    const file = this.#wanted.has(entry) ? this.#planned.get(entry) : undefined;
    if (!file) throw damaged('a file came that was not asked for');
    return file;
  }

  #record(record: FileRecord): void {
    const { entry } = record;
    if (entry >= this.#parts.total) throw damaged('a file came that the plan does not name');
    if (record.kind !== 'more' && this.#goesOn) throw damaged('what is said of a file does not go on');
    if (this.placed.isLost(entry)) return;
    const planned = this.#plannedFile(entry);
    switch (record.kind) {
      case 'begun':
        // A database may be read twice, the second time out of a copy.
        if (this.#begun.has(entry)) return;
        if (this.#begun.size >= TOLD_MAX) throw damaged('too many files are begun before one is whole');
        this.#begun.set(entry, this.#terms.asTold(planned, record.file));
        return;
      case 'file': {
        const told = this.#tell(planned, record.file);
        this.#parts.records.add(record);
        this.#extents(entry, told, record.file);
        return;
      }
      case 'more': {
        if (this.#goesOn?.entry !== entry) throw damaged('what is said of a file goes on without a beginning');
        this.#parts.records.add(record);
        this.#extents(entry, this.#goesOn.told, record.file);
        return;
      }
      case 'left':
        this.#leave(planned, `not sent: ${showPath(Buffer.from(record.reason))}`);
        return;
      case 'held':
        this.#leave(planned);
        return;
    }
  }

  #tell(planned: ExtentRecord, entry: FileEntry): Told {
    if (this.#told.has(planned.entry)) throw damaged('a file is told of twice');
    if (this.#told.size >= TOLD_MAX) throw damaged('too many files are told of before they come');
    const told: Told = {
      file: { ...planned, ...this.#terms.asTold(planned, entry) },
      captured: capturedOf(entry),
      offset: 0,
      hasPieces: false,
      hasHoles: false,
      missing: new Map(),
      isLacking: false,
      isWhole: false,
    };
    this.#told.set(planned.entry, told);
    return told;
  }

  #extents(entry: number, told: Told, { extents, holes, goesOn }: FileEntry | MoreEntry): void {
    const pieces = this.#underWay.get(entry);
    const { sizeBytes } = told.file;
    for (const piece of piecesOfRun(told.offset, extents, holes ?? [])) {
      told.offset = piece.fileOffset + piece.length;
      if (told.offset > sizeBytes) throw damaged('a file has more bytes than its size');
      if (isPiece(piece)) told.hasPieces = true;
      else told.hasHoles = true;
      if (!isPiece(piece) || pieces?.has(piece)) continue;
      if (this.#missing < TOLD_MAX) {
        told.missing.set(piece.fileOffset, piece);
        this.#missing += 1;
      } else told.isLacking = true;
    }
    this.#goesOn = goesOn ? { entry, told } : undefined;
    if (goesOn) return;
    if (told.offset !== sizeBytes) throw damaged('a file has fewer bytes than its size');
    told.isWhole = true;
    this.#finishIfWhole(entry, told);
  }

  #finishIfWhole(entry: number, told: Told): void {
    if (!told.isWhole || told.isLacking || told.missing.size > 0) return;
    if (told.hasPieces && told.hasHoles && !this.#holdsHoles(entry, told)) {
      told.isLacking = true;
      return;
    }
    this.#finish(entry, told, () => {
      if (told.hasPieces) {
        this.placed.complete(told.file);
        return;
      }
      if (this.#underWay.has(entry)) this.placed.discard(told.file);
      this.placed.withoutPack(told.file);
    });
  }

  /** Whether nothing that came before, of an earlier reading, lies where the file has holes now. */
  #holdsHoles(entry: number, { file }: Told): boolean {
    for (const { holes } of this.#parts.records.of(entry)) {
      if (holes && !this.placed.holdsHoles(file, holes)) return false;
    }
    return true;
  }

  #finish(entry: number, told: Told, place: () => void): void {
    this.#terms.settle(this.#plannedFile(entry), told.file, told.captured);
    place();
    failpoint('receive.file-placed');
    this.#done(entry);
  }

  #done(entry: number): void {
    this.#missing -= this.#told.get(entry)?.missing.size ?? 0;
    this.#wanted.delete(entry);
    this.#underWay.delete(entry);
    this.#told.delete(entry);
    this.#begun.delete(entry);
  }

  /** A file that does not come; with a reason it is listed. */
  #leave(planned: ExtentRecord, reason?: string): void {
    const { tree, losses } = this.#parts;
    if (reason) losses.add(() => tree.show(planned.folder, planned.name), reason);
    this.placed.giveUp(planned);
    this.#parts.records.forget(planned.entry);
    this.#done(planned.entry);
  }

  #endAnswer(whole: boolean): void {
    this.#goesOn = undefined;
    this.#begun.clear();
    // After a whole answer nothing more comes of what is lacking: it was read at two moments, or never.
    const lacking = whole ? [...this.#told.keys(), ...this.#underWay.keys()] : [];
    this.#told.clear();
    this.#missing = 0;
    for (const entry of lacking) {
      if (!this.#wanted.has(entry)) continue;
      this.placed.discard(this.#plannedFile(entry));
      this.#underWay.delete(entry);
      this.#parts.records.forget(entry);
    }
  }

  #giveUpRest(): void {
    for (let entry = 0; entry < this.#parts.total; entry++) {
      if (this.#wanted.has(entry)) this.#leave(this.#plannedFile(entry), 'not sent: it changed each time it was read');
    }
  }
}

function isMissing({ missing }: Told, { fileOffset, length, hash }: Piece): boolean {
  const piece = missing.get(fileOffset);
  return piece?.length === length && asBuffer(piece.hash).equals(hash);
}
