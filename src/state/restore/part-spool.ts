import { closeSync, openSync, readSync } from 'node:fs';
import { asBuffer } from '../../common/bytes.ts';
import { damaged } from '../format/damaged.ts';
import { digest } from '../format/digest.ts';
import { KIND } from '../format/frame-cipher.ts';
import type { ManifestPart, PartReference } from '../format/index.ts';
import { decodePart } from '../format/manifest-part.ts';
import type { Frame } from '../format/pack-reader.ts';
import { writeAll } from '../fs/write-all.ts';

/** Keeps the verified parts of a manifest in a scratch file until all are there, then gives them in order. */
export class PartSpool {
  /** Of the scratch file. */
  readonly path: string;
  readonly #parts: readonly PartReference[];
  readonly #fd: number;
  readonly #offsets: Float64Array;
  readonly #lengths: Uint32Array;
  /** Indexes of parts by the pack that they lie in. */
  readonly #ofPack = new Map<number, number[]>();
  #end = 0;

  constructor(path: string, parts: readonly PartReference[]) {
    this.path = path;
    this.#parts = parts;
    this.#fd = openSync(path, 'wx+', 0o600);
    this.#offsets = new Float64Array(parts.length).fill(-1);
    this.#lengths = new Uint32Array(parts.length);
    for (const [index, { pack }] of parts.entries()) {
      const known = this.#ofPack.get(pack);
      if (known) known.push(index);
      else this.#ofPack.set(pack, [index]);
    }
  }

  /** Packs that hold parts, in the order of first use. Throws `damaged` for an index that is none. */
  packs(packCount: number): number[] {
    const packs = [...this.#ofPack.keys()];
    if (packs.some((pack) => pack >= packCount))
      throw damaged('a part lies in a pack that the descriptor does not name');
    return packs;
  }

  /** Takes the parts that lie in that pack. */
  take(pack: number, frames: Iterable<Frame>): void {
    const wanted = new Map<number, number[]>();
    for (const index of this.#ofPack.get(pack) ?? []) {
      const { frame } = this.#parts[index]!;
      const known = wanted.get(frame);
      if (known) known.push(index);
      else wanted.set(frame, [index]);
    }
    for (const frame of frames) {
      const indexes = wanted.get(frame.number);
      if (!indexes) continue;
      if (frame.kind !== KIND.manifest) throw damaged('a part of the manifest is no manifest frame');
      const plain = frame.plain();
      const hash = digest(plain);
      for (const index of indexes) {
        if (!hash.equals(asBuffer(this.#parts[index]!.hash))) throw damaged('a part of the manifest has another hash');
        this.#offsets[index] = this.#end;
        this.#lengths[index] = plain.length;
      }
      writeAll(this.#fd, plain, this.#end);
      this.#end += plain.length;
    }
  }

  /** Every part in order, decoded. Throws `damaged` when one is missing. */
  *inOrder(): Generator<{ part: ManifestPart; entries: number }, void> {
    for (const [index, { entries }] of this.#parts.entries()) {
      const offset = this.#offsets[index]!;
      if (offset < 0) throw damaged('a part of the manifest is missing');
      const plain = Buffer.allocUnsafeSlow(this.#lengths[index]!);
      if (readSync(this.#fd, plain, 0, plain.length, offset) !== plain.length) throw damaged('a scratch file is short');
      yield { part: decodePart(plain), entries };
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
