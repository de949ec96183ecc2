import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Blake3Hasher } from '@napi-rs/blake-hash';
import { syncFolder } from '../../common/durable-folders.ts';
import { failpoint } from '../../common/failpoint.ts';
import { damaged } from '../format/damaged.ts';
import { DIGEST_BYTES } from '../format/digest.ts';
import type { Metadata } from '../format/index.ts';
import { codeOf } from '../fs/errno.ts';
import { writeAll } from '../fs/write-all.ts';
import type { Xattr } from '../fs/xattr.ts';
import type { RestoreAction } from './types.ts';

/**
 * What is decided for an item. `outside`: it was not asked for. `leave`: a folder that is there keeps its own metadata
 * while captured items go into it.
 */
export type Action = RestoreAction | 'outside' | 'leave';
export type ItemKind = 'file' | 'symlink' | 'hardlink' | 'fifo' | 'character' | 'block';

/** What a folder that was there had before. */
export interface FormerMetadata extends Omit<Metadata, 'extras'> {
  readonly flags: number;
  readonly xattrs: readonly Xattr[];
}

export interface FolderDecision {
  readonly kind: 'folder';
  readonly action: Action;
  /** Its name on the target. */
  readonly name: Uint8Array;
  readonly parent: number;
  readonly isBase: boolean;
  /** What it is given; undefined above what was captured. */
  readonly given: Omit<Metadata, 'extras'> | undefined;
  readonly former: FormerMetadata | undefined;
}

export interface ItemDecision {
  readonly kind: ItemKind;
  readonly action: Action;
  /** Its name on the target. */
  readonly name: Uint8Array;
  readonly folder: number;
  /** Bytes of a file, or of a link's target. */
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  /** The link group of a file or hard link, or 0. */
  readonly group: number;
}

export type Decision = FolderDecision | ItemDecision;

/** A decision with its number: its place in the plan, which its pre-image is named by. */
export type Numbered<D extends Decision> = D & { readonly number: number };

const ACTIONS: readonly Action[] = ['create', 'identical', 'replace', 'keep-both', 'skip', 'merge', 'outside', 'leave'];
const KINDS: readonly Decision['kind'][] = ['folder', 'file', 'symlink', 'hardlink', 'fifo', 'character', 'block'];
const END = 255;
/** A plan begins so, and ends with the BLAKE3 of all that was before. */
const MAGIC = Buffer.from('RPL1');

/** kind, action, name's length, the number of the folder, then by kind. */
const HEAD_BYTES = 7;
const ITEM_BYTES = HEAD_BYTES + 20;
const FOLDER_BYTES = HEAD_BYTES + 1;
const METADATA_BYTES = 18;
const BUFFER_BYTES = 256 * 1024;
const IS_BASE = 1;
const HAS_GIVEN = 2;
const HAS_FORMER = 4;

/** Writes the plan of a restore; it is there, and durable, once it is sealed. */
export class DecisionWriter {
  readonly #path: string;
  readonly #fd: number;
  readonly #hasher = new Blake3Hasher();
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #used = 0;
  #count = 0;

  constructor(path: string) {
    this.#path = path;
    rmSync(unsealed(path), { force: true });
    this.#fd = openSync(unsealed(path), 'wx', 0o600);
    this.#bytes(MAGIC);
  }

  /** Returns the number of the decision. */
  folder(decision: FolderDecision): number {
    const { name, parent, isBase, given, former } = decision;
    const xattrBytes = (former?.xattrs ?? []).reduce((sum, { name, value }) => sum + 6 + name.length + value.length, 0);
    const at = this.#begin(decision, parent, FOLDER_BYTES + name.length + 2 * METADATA_BYTES + 8 + xattrBytes);
    this.#buffer[at] = (isBase ? IS_BASE : 0) | (given ? HAS_GIVEN : 0) | (former ? HAS_FORMER : 0);
    this.#used = at + 1;
    this.#bytes(name);
    if (given) this.#metadata(given);
    if (former) {
      this.#metadata(former);
      this.#uint(former.flags);
      this.#uint(former.xattrs.length);
      for (const { name, value } of former.xattrs) {
        this.#uint((name.length << 24) | value.length);
        this.#bytes(name);
        this.#bytes(value);
      }
    }
    return this.#count++;
  }

  /** Returns the number of the decision. */
  item(decision: ItemDecision): number {
    const { name, folder, sizeBytes, mtimeNs, group } = decision;
    const at = this.#begin(decision, folder, ITEM_BYTES + name.length);
    this.#buffer.writeDoubleLE(sizeBytes, at);
    this.#buffer.writeBigInt64LE(mtimeNs, at + 8);
    this.#buffer.writeUInt32LE(group, at + 16);
    this.#used = at + 20;
    this.#bytes(name);
    return this.#count++;
  }

  seal(): void {
    this.#room(1);
    this.#buffer[this.#used++] = END;
    this.#flush();
    writeAll(this.#fd, Buffer.from(this.#hasher.digest('hex'), 'hex'));
    fsyncSync(this.#fd);
    closeSync(this.#fd);
    failpoint('restore.plan-written');
    renameSync(unsealed(this.#path), this.#path);
    failpoint('restore.plan-sealed');
    syncFolder(dirname(this.#path));
  }

  #begin(decision: Decision, folder: number, bytes: number): number {
    this.#room(bytes);
    const at = this.#used;
    this.#buffer[at] = KINDS.indexOf(decision.kind);
    this.#buffer[at + 1] = ACTIONS.indexOf(decision.action);
    this.#buffer[at + 2] = decision.name.length;
    this.#buffer.writeUInt32LE(folder, at + 3);
    return at + HEAD_BYTES;
  }

  #metadata({ mode, uid, gid, mtimeNs }: Omit<Metadata, 'extras'>): void {
    const at = this.#used;
    this.#buffer.writeUInt16LE(mode, at);
    this.#buffer.writeUInt32LE(uid, at + 2);
    this.#buffer.writeUInt32LE(gid, at + 6);
    this.#buffer.writeBigInt64LE(mtimeNs, at + 10);
    this.#used = at + METADATA_BYTES;
  }

  #uint(value: number): void {
    this.#used = this.#buffer.writeUInt32LE(value >>> 0, this.#used);
  }

  #bytes(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #room(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    this.#flush();
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  #flush(): void {
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#hasher.update(bytes);
    writeAll(this.#fd, bytes);
    this.#used = 0;
  }
}

const unsealed = (path: string) => `${path}.new`;

/** Whether a plan is there and whole. */
export function hasPlan(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'));
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The decisions of a sealed plan, in order. Throws `damaged` before the first one if the plan is not as it was written. */
export function* readDecisions(path: string): Generator<Numbered<Decision>, void> {
  const input = new Input(path);
  try {
    // Plans of earlier versions have no sum.
    if (input.begins(MAGIC)) {
      checkSum(path);
      input.take(MAGIC.length);
    }
    for (let number = 0; ; number++) {
      const kindNumber = input.take(1)[0]!;
      if (kindNumber === END) return;
      const head = input.take(HEAD_BYTES - 1);
      const kind = KINDS[kindNumber];
      const action = ACTIONS[head[0]!];
      if (!kind || !action) throw damaged('the plan of a restore cannot be read');
      const nameBytes = head[1]!;
      const folder = head.readUInt32LE(2);
      if (kind === 'folder') yield { ...readFolder(input, action, nameBytes, folder), number };
      else yield { ...readItem(input, kind, action, nameBytes, folder), number };
    }
  } finally {
    input.close();
  }
}

function checkSum(path: string): void {
  const hasher = new Blake3Hasher();
  const input = new Input(path);
  try {
    let left = input.sizeBytes - DIGEST_BYTES;
    for (; left > 0; left -= Math.min(left, BUFFER_BYTES)) hasher.update(input.take(Math.min(left, BUFFER_BYTES)));
    if (left === 0 && input.take(DIGEST_BYTES).toString('hex') === hasher.digest('hex')) return;
  } finally {
    input.close();
  }
  throw damaged('the plan of a restore is not as it was written');
}

function readItem(input: Input, kind: ItemKind, action: Action, nameBytes: number, folder: number): ItemDecision {
  const fixed = input.take(20);
  const item = {
    kind,
    action,
    folder,
    sizeBytes: fixed.readDoubleLE(0),
    mtimeNs: fixed.readBigInt64LE(8),
    group: fixed.readUInt32LE(16),
  };
  return { ...item, name: input.copy(nameBytes) };
}

function readFolder(input: Input, action: Action, nameBytes: number, parent: number): FolderDecision {
  const marks = input.take(1)[0]!;
  return {
    kind: 'folder',
    action,
    parent,
    isBase: (marks & IS_BASE) !== 0,
    name: input.copy(nameBytes),
    given: (marks & HAS_GIVEN) === 0 ? undefined : readMetadata(input),
    former: (marks & HAS_FORMER) === 0 ? undefined : readFormer(input),
  };
}

function readMetadata(input: Input): Omit<Metadata, 'extras'> {
  const bytes = input.take(METADATA_BYTES);
  return {
    mode: bytes.readUInt16LE(0),
    uid: bytes.readUInt32LE(2),
    gid: bytes.readUInt32LE(6),
    mtimeNs: bytes.readBigInt64LE(10),
  };
}

function readFormer(input: Input): FormerMetadata {
  const metadata = readMetadata(input);
  const flags = input.take(4).readUInt32LE();
  const count = input.take(4).readUInt32LE();
  const xattrs: Xattr[] = [];
  for (let index = 0; index < count; index++) {
    const lengths = input.take(4).readUInt32LE();
    const name = input.copy(lengths >>> 24);
    xattrs.push({ name, value: input.copy(lengths & 0xff_ffff) });
  }
  return { ...metadata, flags, xattrs };
}

/** Reads a file from front to back through one buffer. */
class Input {
  readonly #fd: number;
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #at = 0;
  #end = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
  }

  get sizeBytes(): number {
    return fstatSync(this.#fd).size;
  }

  /** Whether these bytes come next. They are not taken. */
  begins(bytes: Uint8Array): boolean {
    if (this.sizeBytes < bytes.length) return false;
    const begins = this.take(bytes.length).equals(bytes);
    this.#at -= bytes.length;
    return begins;
  }

  /** The next bytes, good until the next call. */
  take(bytes: number): Buffer {
    if (this.#end - this.#at < bytes) this.#fill(bytes);
    const taken = this.#buffer.subarray(this.#at, this.#at + bytes);
    this.#at += bytes;
    return taken;
  }

  copy(bytes: number): Buffer {
    return Buffer.from(this.take(bytes));
  }

  close(): void {
    closeSync(this.#fd);
  }

  #fill(bytes: number): void {
    const rest = this.#buffer.subarray(this.#at, this.#end);
    const next = bytes > this.#buffer.length ? Buffer.allocUnsafeSlow(bytes) : this.#buffer;
    rest.copy(next);
    this.#buffer = next;
    this.#end = rest.length;
    this.#at = 0;
    while (this.#end < bytes) {
      const read = readSync(this.#fd, next, this.#end, next.length - this.#end, null);
      if (read === 0) throw damaged('the plan of a restore is cut short');
      this.#end += read;
    }
  }
}
