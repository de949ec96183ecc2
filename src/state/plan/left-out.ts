import { LEFT_OUT_BYTES_MAX, REPORT_ITEMS_MAX } from '../../common/limits.ts';
import type { Report } from '../../common/ports.ts';
import type { LeftOut } from '../format/index.ts';
import { showPath } from '../fs/show-path.ts';

/** Items left out of a capture, with paths as bytes; beyond the limits they are counted only. */
export class LeftOutList {
  readonly items: { path: Uint8Array; reason: string }[] = [];
  count = 0;
  #bytes = 0;

  add(path: Uint8Array, reason: string): void {
    this.count += 1;
    const bytes = path.length + reason.length + 16;
    if (this.items.length >= REPORT_ITEMS_MAX || this.#bytes + bytes > LEFT_OUT_BYTES_MAX) return;
    this.#bytes += bytes;
    // A copy: what comes from a pool of buffers would take all of it along to the main thread.
    this.items.push({ path: Uint8Array.from(path), reason });
  }

  get(): LeftOut {
    return { items: [...this.items], count: this.count };
  }
}

/** The same list for people: another machine may have written it. */
export function reportOf(leftOut: LeftOut): Report {
  return {
    items: leftOut.items.map(({ path, reason }) => ({ path: showPath(path), reason: showPath(Buffer.from(reason)) })),
    count: leftOut.count,
  };
}
