import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { BECAME_MAX } from '../../common/limits.ts';
import { codeOf } from '../fs/errno.ts';
import { writeAll } from '../fs/write-all.ts';
import type { ItemDecision, Numbered } from './decision-log.ts';

/** u32 decision · u32 link group · f64 size · i64 mtime, little-endian. */
const RECORD_BYTES = 24;

/**
 * What files became that were not as the plan says, for their source read them later: beside the plan, so that `undo` knows
 * them again. What a power cut takes of it is taken for changed since, and stays.
 */
export class Became {
  readonly #path: string;
  readonly #byDecision = new Map<number, { readonly sizeBytes: number; readonly mtimeNs: bigint }>();
  readonly #byGroup = new Map<number, bigint>();
  #fd: number | undefined;
  #unwritten: Buffer[] = [];

  /** `path` is the plan's. */
  constructor(path: string) {
    this.#path = `${path}.became`;
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    const cut = bytes.length % RECORD_BYTES;
    // What comes behind one that was cut short would be read at the wrong places.
    if (cut > 0) truncateSync(this.#path, bytes.length - cut);
    const count = Math.min(BECAME_MAX, Math.floor(bytes.length / RECORD_BYTES));
    for (let at = 0; at < count * RECORD_BYTES; at += RECORD_BYTES) {
      const mtimeNs = bytes.readBigInt64LE(at + 16);
      this.#byDecision.set(bytes.readUInt32LE(at), { sizeBytes: bytes.readDoubleLE(at + 8), mtimeNs });
      const group = bytes.readUInt32LE(at + 4);
      if (group > 0) this.#byGroup.set(group, mtimeNs);
    }
  }

  add(decision: number, { group, sizeBytes, mtimeNs }: Pick<ItemDecision, 'group' | 'sizeBytes' | 'mtimeNs'>): void {
    const record = Buffer.alloc(RECORD_BYTES);
    record.writeUInt32LE(decision);
    record.writeUInt32LE(group, 4);
    record.writeDoubleLE(sizeBytes, 8);
    record.writeBigInt64LE(mtimeNs, 16);
    this.#unwritten.push(record);
    if (this.#unwritten.length >= 1024) this.flush();
  }

  flush(): void {
    if (this.#unwritten.length === 0) return;
    this.#fd ??= openSync(this.#path, 'a', 0o600);
    writeAll(this.#fd, Buffer.concat(this.#unwritten));
    this.#unwritten = [];
  }

  /** The decision with what became of it; a hard link has the time of its file. */
  of(decision: Numbered<ItemDecision>): Numbered<ItemDecision> {
    const became = this.#byDecision.get(decision.number);
    if (became) return { ...decision, ...became };
    const mtimeNs = decision.kind === 'hardlink' ? this.#byGroup.get(decision.group) : undefined;
    return mtimeNs === undefined ? decision : { ...decision, mtimeNs };
  }

  /** May be called again. */
  close(): void {
    this.flush();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
