import { decodeCbor, readBytes, readInt64, readTuple, readUint } from '../format/cbor-reader.ts';
import { CborWriter } from '../format/cbor-writer.ts';
import { BlockSpoolWriter, readBlockSpool } from '../fs/block-spool.ts';
import type { GivenHead } from './apply-metadata.ts';
import type { ItemKind } from './decision-log.ts';
import type { FilePlacing } from './extent-record.ts';

/** An item that is made after every file: a link of either kind, a FIFO, a device node. */
export interface LateItem extends GivenHead {
  readonly kind: Exclude<ItemKind, 'file'>;
  /** The number of its entry, which it is named by until it is in its place. */
  readonly entry: number;
  readonly folder: number;
  readonly name: Uint8Array;
  readonly placing: Exclude<FilePlacing, 'park'>;
  readonly decision: number;
  readonly extrasAt: number;
  /** Of a symbolic link; else empty. */
  readonly target: Uint8Array;
  /** Of a hard link; else 0. */
  readonly group: number;
  readonly major: number;
  readonly minor: number;
}

const KINDS: readonly LateItem['kind'][] = ['symlink', 'hardlink', 'fifo', 'character', 'block'];
const PLACINGS: readonly LateItem['placing'][] = ['create', 'replace', 'keep-both'];
const MAX = 2 ** 32;
const WHAT = 'a scratch file';

/** Waits in a scratch file until every file is in its place. */
export class LateList {
  readonly #path: string;
  readonly #spool: BlockSpoolWriter;
  readonly #writer = new CborWriter();

  constructor(path: string) {
    this.#path = path;
    this.#spool = new BlockSpoolWriter(path);
  }

  add(item: LateItem): void {
    const writer = this.#writer;
    writer.reset();
    writer.array(15).uint(KINDS.indexOf(item.kind)).uint(PLACINGS.indexOf(item.placing)).uint(item.entry);
    writer.uint(item.folder).bytes(item.name).uint(item.decision).uint(item.mode).uint(item.uid).uint(item.gid);
    writer.int64(item.mtimeNs).uint(item.extrasAt).bytes(item.target).uint(item.group).uint(item.major);
    this.#spool.add(writer.uint(item.minor).view());
  }

  /** Ends the list, and reads it. */
  *read(): Generator<LateItem, void> {
    this.#spool.close();
    for (const { bytes } of readBlockSpool(this.#path)) yield readItem(decodeCbor(bytes, WHAT));
  }
}

function readItem(value: unknown): LateItem {
  const fields = readTuple(value, WHAT, 15);
  const uint = (at: number) => readUint(fields[at], WHAT, MAX);
  return {
    kind: KINDS[uint(0)]!,
    placing: PLACINGS[uint(1)]!,
    entry: uint(2),
    folder: uint(3),
    name: readBytes(fields[4], WHAT, 1, 255),
    decision: uint(5),
    mode: uint(6),
    uid: uint(7),
    gid: uint(8),
    mtimeNs: readInt64(fields[9], WHAT),
    extrasAt: uint(10),
    target: readBytes(fields[11], WHAT, 0, 4096),
    group: uint(12),
    major: uint(13),
    minor: uint(14),
  };
}

/** A file that is locked by its flags once nothing more is done to it. */
export interface LockedFile {
  readonly folder: number;
  readonly name: Uint8Array;
  readonly decision: number;
  readonly flags: number;
  readonly mtimeNs: bigint;
}

/** Files to be locked wait in a scratch file too. */
export class LockList {
  readonly #path: string;
  readonly #spool: BlockSpoolWriter;
  readonly #writer = new CborWriter();

  constructor(path: string) {
    this.#path = path;
    this.#spool = new BlockSpoolWriter(path);
  }

  add({ folder, name, decision, flags, mtimeNs }: LockedFile): void {
    this.#writer.reset();
    this.#writer.array(5).uint(folder).bytes(name).uint(decision).uint(flags).int64(mtimeNs);
    this.#spool.add(this.#writer.view());
  }

  /** Ends the list, and reads it. */
  *read(): Generator<LockedFile, void> {
    this.#spool.close();
    for (const { bytes } of readBlockSpool(this.#path)) {
      const [folder, name, decision, flags, mtimeNs] = readTuple(decodeCbor(bytes, WHAT), WHAT, 5);
      yield {
        folder: readUint(folder, WHAT, MAX),
        name: readBytes(name, WHAT, 1, 255),
        decision: readUint(decision, WHAT, MAX),
        flags: readUint(flags, WHAT, MAX),
        mtimeNs: readInt64(mtimeNs, WHAT),
      };
    }
  }
}
