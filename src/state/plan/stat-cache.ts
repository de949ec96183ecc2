import { rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { asBuffer } from '../../common/bytes.ts';
import { failpoint } from '../../common/failpoint.ts';
import type { PackId } from '../../common/ids.ts';
import { LINK_GROUPS_MAX } from '../../common/limits.ts';
import { digest } from '../format/digest.ts';
import type { FolderPath } from '../format/index.ts';
import { codeOf } from '../fs/errno.ts';
import { saysFull } from '../fs/no-space.ts';
import { pathOfNames } from './roots.ts';
import { TrackedRecord } from './tracked.ts';

/** Bumped when the records or tables change: an older cache is thrown away, and the next capture reads everything. */
const VERSION = 1;
const CHECK_BYTES = 8;
const CACHE_KIB = 4096;
const SQLITE_BUSY = 5;

const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
  CREATE TABLE packs (number INTEGER PRIMARY KEY, id TEXT NOT NULL, size INTEGER NOT NULL);
  CREATE TABLE parts (number INTEGER PRIMARY KEY, pack INTEGER, frame INTEGER, hash BLOB, blocks INTEGER NOT NULL,
    totals TEXT NOT NULL, packs BLOB NOT NULL);
  CREATE TABLE blocks (path BLOB, key BLOB, part INTEGER NOT NULL, position INTEGER NOT NULL, count INTEGER NOT NULL,
    linked INTEGER NOT NULL, body BLOB NOT NULL, sum BLOB NOT NULL, PRIMARY KEY (path, key)) WITHOUT ROWID;
  CREATE TABLE groups (dev INTEGER, ino INTEGER, number INTEGER NOT NULL, PRIMARY KEY (dev, ino)) WITHOUT ROWID;
`;

export interface PartTotals {
  readonly entries: number;
  readonly files: number;
  readonly folders: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  readonly specials: number;
  readonly bytes: number;
}

/** A manifest part of an earlier capture. */
export interface KnownPart {
  readonly number: number;
  /** Where it is sealed: a pack's number and the frame; undefined for what was sealed but never got into a manifest. */
  readonly sealed: { readonly pack: number; readonly frame: number; readonly hash: Uint8Array } | undefined;
  readonly blocks: number;
  readonly totals: PartTotals;
  /** The packs that its extents refer to, by number, in the order of the part's list. */
  readonly packs: readonly number[];
}

export interface KnownPack {
  readonly id: PackId;
  readonly sizeBytes: number;
}

/** A row of the cache: one block of entries, as the last capture saw it. */
export interface KnownBlock {
  readonly key: Buffer;
  readonly part: number;
  readonly position: number;
  readonly count: number;
  /** It holds files with several names, which may be captured in another order next time. */
  readonly linked: boolean;
  readonly body: Buffer;
}

export interface CacheIdentity {
  readonly state: string;
  /** What, if it changes, changes every part: names of owners. */
  readonly owners: Uint8Array;
}

/**
 * What a source remembers of its last capture of one state: every entry with its stat, and where its bytes lie. A hint:
 * the holder is asked before anything is referred to. Rows carry a sum of their bytes; whatever cannot be read is as if
 * it had never been there.
 */
export class StatCache {
  readonly packs = new Map<number, KnownPack>();
  readonly parts = new Map<number, KnownPart>();
  /** False where names of owners changed: entries can be used, whole parts cannot. */
  readonly partsStand: boolean;
  readonly #db: DatabaseSync;
  readonly #identity: CacheIdentity;
  readonly #select: StatementSync;
  readonly #one: StatementSync;
  readonly #insert: StatementSync;
  readonly #groupOf: StatementSync;
  readonly #addGroup: StatementSync;
  #nextPack = 1;
  #nextPart = 1;
  #nextGroup = 1;

  /**
   * Opens the file, or makes a new one where there is none or it is of no use. Undefined where another capture of the
   * same state has it open.
   */
  static open(path: string, identity: CacheIdentity): StatCache | undefined {
    try {
      return new StatCache(path, identity);
    } catch (error) {
      if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
      // What is there is as good as ever.
      if (saysFull(codeOf(error))) throw error;
      for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
      return new StatCache(path, identity);
    }
  }

  private constructor(path: string, identity: CacheIdentity) {
    this.#db = new DatabaseSync(path);
    try {
      this.#identity = identity;
      this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      this.#db.exec(`PRAGMA cache_size = -${CACHE_KIB}; BEGIN IMMEDIATE; COMMIT`);
      this.#prepare();
      this.partsStand = asBuffer(this.#meta('owners') ?? new Uint8Array(0)).equals(identity.owners);
      this.#load();
      this.#select = this.#db.prepare(
        'SELECT key, part, position, count, linked, body, sum FROM blocks WHERE path = ? ORDER BY key',
      );
      this.#one = this.#db.prepare(
        'SELECT key, part, position, count, linked, body, sum FROM blocks WHERE path = ? AND key = ?',
      );
      this.#insert = this.#db.prepare('INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
      this.#groupOf = this.#db.prepare('SELECT number FROM groups WHERE dev = ? AND ino = ?');
      this.#addGroup = this.#db.prepare('INSERT INTO groups VALUES (?, ?, ?)');
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** The blocks of a folder in the order of their names. Read it to its end, or end it with `return`. */
  *blocks(path: FolderPath): Generator<KnownBlock, void> {
    for (const row of this.#select.iterate(pathOfNames(path))) {
      const block = blockOf(row);
      if (block && this.parts.has(block.part)) yield block;
    }
  }

  block(path: FolderPath, key: Uint8Array): KnownBlock | undefined {
    const row = this.#one.get(pathOfNames(path), key);
    return row && blockOf(row);
  }

  /** The number of an inode's link group: the same one as in the captures before. */
  groupOf(dev: bigint, ino: bigint): number {
    const [d, i] = [BigInt.asIntN(64, dev), BigInt.asIntN(64, ino)];
    const known = this.#groupOf.get(d, i) as { number: number } | undefined;
    if (known) return known.number;
    const number = this.#nextGroup++;
    if (number > LINK_GROUPS_MAX) throw new Error('a state has had too many hard links');
    this.#addGroup.run(d, i, number);
    return number;
  }

  /** Numbers a pack that was sealed. */
  addPack(pack: KnownPack): number {
    const number = this.#nextPack++;
    this.packs.set(number, pack);
    this.#db.prepare('INSERT INTO packs VALUES (?, ?, ?)').run(number, pack.id, pack.sizeBytes);
    return number;
  }

  nextPart(): number {
    return this.#nextPart++;
  }

  addPart(part: KnownPart): void {
    this.parts.set(part.number, part);
    const { number, sealed, blocks, totals, packs } = part;
    this.#db
      .prepare('INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(
        number,
        sealed?.pack ?? null,
        sealed?.frame ?? null,
        sealed?.hash ?? null,
        blocks,
        JSON.stringify(totals),
        Buffer.from(Uint32Array.from(packs).buffer),
      );
  }

  putBlock(path: FolderPath, block: KnownBlock): void {
    const { key, part, position, count, linked, body } = block;
    this.#insert.run(pathOfNames(path), key, part, position, count, Number(linked), body, sumOf(body));
  }

  begin(): void {
    this.#db.exec('BEGIN IMMEDIATE');
  }

  commit(): void {
    failpoint('cache.filled');
    this.#db.exec('COMMIT');
    failpoint('cache.committed');
  }

  rollback(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }

  /** Forgets what no part of the new snapshot holds, and remembers for whom this is. */
  settle(live: ReadonlySet<number>, livePacks: ReadonlySet<number>): void {
    for (const number of this.parts.keys()) {
      if (live.has(number)) continue;
      this.#db.prepare('DELETE FROM parts WHERE number = ?').run(number);
    }
    this.#db.exec('DELETE FROM blocks WHERE part NOT IN (SELECT number FROM parts)');
    for (const number of this.packs.keys()) {
      if (!livePacks.has(number)) this.#db.prepare('DELETE FROM packs WHERE number = ?').run(number);
    }
    this.#setMeta('owners', this.#identity.owners);
  }

  close(): void {
    this.#db.close();
  }

  #prepare(): void {
    const version = this.#db.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version.user_version === VERSION) {
      if (asBuffer(this.#meta('state') ?? new Uint8Array(0)).toString() === this.#identity.state) return;
      throw new Error('a stat cache of another state');
    }
    if (version.user_version !== 0) throw new Error('a stat cache of another version');
    this.#db.exec('BEGIN IMMEDIATE');
    this.#db.exec(SCHEMA);
    this.#setMeta('state', Buffer.from(this.#identity.state));
    this.#db.exec(`PRAGMA user_version = ${VERSION}; COMMIT`);
  }

  #load(): void {
    for (const row of this.#db.prepare('SELECT number, id, size FROM packs').iterate()) {
      const { number, id, size } = row as { number: number; id: string; size: number };
      this.packs.set(number, { id: id as PackId, sizeBytes: size });
      this.#nextPack = Math.max(this.#nextPack, number + 1);
    }
    for (const row of this.#db.prepare('SELECT * FROM parts').iterate()) {
      const part = partOf(row);
      if (part.packs.every((pack) => this.packs.has(pack))) this.parts.set(part.number, part);
      this.#nextPart = Math.max(this.#nextPart, part.number + 1);
    }
    const { last } = this.#db.prepare('SELECT max(number) AS last FROM groups').get() as { last: number | null };
    this.#nextGroup = (last ?? 0) + 1;
  }

  #meta(key: string): Uint8Array | undefined {
    const row = this.#db.prepare('SELECT value FROM meta WHERE key = ?').get(key);
    return row?.value as Uint8Array | undefined;
  }

  #setMeta(key: string, value: Uint8Array): void {
    this.#db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)').run(key, value);
  }
}

function sumOf(body: Uint8Array): Buffer {
  return digest(body).subarray(0, CHECK_BYTES);
}

function blockOf(row: Record<string, unknown>): KnownBlock | undefined {
  const body = asBuffer(row.body as Uint8Array);
  if (!sumOf(body).equals(row.sum as Uint8Array)) return undefined;
  return {
    key: asBuffer(row.key as Uint8Array),
    part: row.part as number,
    position: row.position as number,
    count: row.count as number,
    linked: row.linked === 1,
    body,
  };
}

function partOf(row: Record<string, unknown>): KnownPart {
  const packs = asBuffer(row.packs as Uint8Array);
  return {
    number: row.number as number,
    sealed:
      row.pack === null
        ? undefined
        : { pack: row.pack as number, frame: row.frame as number, hash: row.hash as Uint8Array },
    blocks: row.blocks as number,
    totals: JSON.parse(row.totals as string) as PartTotals,
    packs: Array.from({ length: packs.length / 4 }, (_, index) => packs.readUInt32LE(index * 4)),
  };
}

/** Goes over the blocks of one folder beside a walk, in the order of names. */
export class CachedFolder {
  readonly #rows: Generator<KnownBlock, void>;
  #current: KnownBlock | undefined;
  #next: KnownBlock | undefined;
  #at = 0;

  constructor(rows: Generator<KnownBlock, void>) {
    this.#rows = rows;
    this.#current = this.#take();
    this.#next = this.#take();
  }

  /** The block that the last name lies in. */
  get block(): KnownBlock | undefined {
    return this.#current;
  }

  /** Whether that name begins another block than the one before. */
  begins(name: Uint8Array): boolean {
    return this.#next !== undefined && Buffer.compare(name, this.#next.key) >= 0;
  }

  /** Goes on to the block of that name; call when `begins`. */
  advance(name: Uint8Array): void {
    while (this.begins(name)) {
      this.#current = this.#next;
      this.#next = this.#take();
      this.#at = 0;
    }
  }

  /** The record of that name. Names must come in ascending order. */
  find(name: Uint8Array): TrackedRecord | undefined {
    const body = this.#current?.body;
    if (!body) return undefined;
    while (this.#at < body.length) {
      const record = new TrackedRecord(body, this.#at);
      const order = Buffer.compare(record.name, name);
      if (order > 0) return undefined;
      this.#at += record.bytes.length;
      if (order === 0) return record;
    }
    return undefined;
  }

  close(): void {
    this.#rows.return();
  }

  #take(): KnownBlock | undefined {
    const { value, done } = this.#rows.next();
    return done ? undefined : value;
  }
}
