import { decodeCbor, readBytes, readInt64, readTuple, readUint } from '../format/cbor-reader.ts';
import { CborWriter } from '../format/cbor-writer.ts';
import type { HardlinkEntry, SymlinkEntry } from '../format/entry.ts';
import { BlockSpoolWriter, readBlockSpool } from '../fs/block-spool.ts';

export interface SymlinkItem {
  readonly kind: 'symlink';
  readonly number: number;
  readonly folder: number;
  readonly name: Uint8Array;
  readonly target: Uint8Array;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
}

export interface HardlinkItem {
  readonly kind: 'hardlink';
  readonly folder: number;
  readonly name: Uint8Array;
  readonly group: number;
}

/** Links wait in a scratch file until every file is in its place. */
export class LinkList {
  readonly #path: string;
  readonly #spool: BlockSpoolWriter;
  readonly #writer = new CborWriter();

  constructor(path: string) {
    this.#path = path;
    this.#spool = new BlockSpoolWriter(path);
  }

  addSymlink(number: number, folder: number, { name, target, uid, gid, mtimeNs }: SymlinkEntry): void {
    this.#writer.reset();
    this.#writer.array(7).uint(number).uint(folder).bytes(name).bytes(target).uint(uid).uint(gid).int64(mtimeNs);
    this.#spool.add(this.#writer.view());
  }

  addHardlink(folder: number, { name, group }: HardlinkEntry): void {
    this.#writer.reset();
    this.#writer.array(3).uint(folder).bytes(name).uint(group);
    this.#spool.add(this.#writer.view());
  }

  /** Ends the list, and reads it. */
  *read(): Generator<SymlinkItem | HardlinkItem, void> {
    this.#spool.close();
    for (const { bytes } of readBlockSpool(this.#path)) yield readItem(decodeCbor(bytes, 'a scratch file'));
  }
}

const MAX = 2 ** 32;

function readItem(value: unknown): SymlinkItem | HardlinkItem {
  const what = 'a scratch file';
  if (Array.isArray(value) && value.length === 3) {
    const [folder, name, group] = value as unknown[];
    return {
      kind: 'hardlink',
      folder: readUint(folder, what, MAX),
      name: readBytes(name, what, 1, 255),
      group: readUint(group, what, MAX),
    };
  }
  const [number, folder, name, target, uid, gid, mtimeNs] = readTuple(value, what, 7);
  return {
    kind: 'symlink',
    number: readUint(number, what, MAX),
    folder: readUint(folder, what, MAX),
    name: readBytes(name, what, 1, 255),
    target: readBytes(target, what, 1, 4096),
    uid: readUint(uid, what, MAX),
    gid: readUint(gid, what, MAX),
    mtimeNs: readInt64(mtimeNs, what),
  };
}
