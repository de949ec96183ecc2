import { asBuffer } from '../../common/bytes.ts';
import type { Entry, Extent } from '../format/index.ts';

/** Where the bytes of a file lie that the last capture read, in file order. */
export class Before {
  readonly #extents: { readonly fileOffset: number; readonly extent: Extent }[] = [];
  #at = 0;

  /** `entries` a file and its further pieces; `place` says where an extent lies now, undefined where it is gone. */
  constructor(entries: readonly Entry[], place: (extent: Extent) => Extent | undefined) {
    let fileOffset = 0;
    for (const entry of entries) {
      if (entry.kind !== 'file' && entry.kind !== 'more') continue;
      const holes = [...(entry.holes ?? [])];
      for (const extent of entry.extents) {
        while (holes[0]?.offset === fileOffset) fileOffset += holes.shift()!.length;
        const placed = place(extent);
        if (placed) this.#extents.push({ fileOffset, extent: placed });
        fileOffset += extent.length;
      }
      while (holes[0]?.offset === fileOffset) fileOffset += holes.shift()!.length;
    }
  }

  /** The extent of those very bytes at that place. Ask in file order; `restart` to begin anew. */
  find(fileOffset: number, length: number, hash: Uint8Array): Extent | undefined {
    while (this.#at < this.#extents.length && this.#extents[this.#at]!.fileOffset < fileOffset) this.#at += 1;
    const found = this.#extents[this.#at];
    if (found?.fileOffset !== fileOffset || found.extent.length !== length) return undefined;
    return asBuffer(found.extent.hash).equals(hash) ? found.extent : undefined;
  }

  restart(): void {
    this.#at = 0;
  }
}
