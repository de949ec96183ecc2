import { ResettleError } from '../../../../common/errors.ts';
import type { PackId } from '../../../../common/ids.ts';
import type { PackSink, SealedPack } from '../../../../common/ports.ts';
import { formatBytes } from '../../../../common/sizes.ts';

/** One of the points that take a state, and what is still free in its lease. */
export interface SpreadPart<S extends PackSink> {
  readonly sink: S;
  readonly roomBytes: number;
}

/** Sends each pack to the first point whose lease has room for it, and remembers which has what. */
export class SpreadSink<S extends PackSink> implements PackSink {
  readonly #parts: { readonly sink: S; roomBytes: number }[];
  readonly #holders = new Map<PackId, S>();

  constructor(parts: readonly SpreadPart<S>[]) {
    this.#parts = parts.map(({ sink, roomBytes }) => ({ sink, roomBytes }));
  }

  async put(pack: SealedPack, signal: AbortSignal): Promise<void> {
    const sizeBytes = pack.bytes.length;
    const part = this.#parts.find(({ roomBytes }) => roomBytes >= sizeBytes);
    if (!part) {
      throw new ResettleError('no-point', `a pack of ${formatBytes(sizeBytes)} does not fit into what was reserved`, {
        hint: 'the source changed while it was captured; run the capture again',
      });
    }
    part.roomBytes -= sizeBytes;
    this.#holders.set(pack.id, part.sink);
    await part.sink.put(pack, signal);
  }

  /** Who was given that pack; undefined for one that was not sent through here. */
  holderOf(id: PackId): S | undefined {
    return this.#holders.get(id);
  }
}

/** Bit `i % 8`, lowest first, of byte `i / 8` is pack `i`: which packs of a descriptor one point holds. */
export function packsBitmap(packs: readonly { readonly id: PackId }[], holds: (id: PackId) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(packs.length / 8));
  for (const [index, { id }] of packs.entries()) if (holds(id)) bits[index >> 3]! |= 1 << (index & 7);
  return bits;
}
