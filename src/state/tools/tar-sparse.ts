import type { Hole } from '../format/entry.ts';
import { TAR_BLOCK_BYTES, tarPadding } from './tar-header.ts';

/** How a file with holes lies in the archive: GNU's sparse format 1.0, a map in front of what is not a hole. */
export interface SparsePlan {
  /** The map, padded to whole blocks. */
  readonly map: Buffer;
  /** What is left out: aligned to blocks but for the file's end, so that the rest stays aligned too. */
  readonly holes: readonly Hole[];
  /** Bytes of the member: map and data. */
  readonly memberBytes: number;
}

/** The plan for a file; undefined where no hole is as large as a block. `holes` ascend. */
export function planSparse(sizeBytes: number, holes: readonly Hole[]): SparsePlan | undefined {
  const inner = joined(holes)
    .map((hole) => shrunk(hole, sizeBytes))
    .filter(({ length }) => length >= TAR_BLOCK_BYTES);
  if (inner.length === 0) return undefined;
  const lines: number[] = [];
  let at = 0;
  let dataBytes = 0;
  for (const { offset, length } of inner) {
    if (offset > at) lines.push(at, offset - at);
    dataBytes += offset - at;
    at = offset + length;
  }
  // The last line tells the size of a file that ends with a hole.
  lines.push(at, sizeBytes - at);
  dataBytes += sizeBytes - at;
  const text = Buffer.from(`${[lines.length / 2, ...lines].join('\n')}\n`);
  const map = Buffer.concat([text, tarPadding(text.length)]);
  return { map, holes: inner, memberBytes: map.length + dataBytes };
}

/** Holes that touch are one. */
function joined(holes: readonly Hole[]): Hole[] {
  const result: Hole[] = [];
  for (const { offset, length } of holes) {
    const last = result.at(-1);
    if (last && last.offset + last.length === offset) {
      result[result.length - 1] = { offset: last.offset, length: last.length + length };
    } else {
      result.push({ offset, length });
    }
  }
  return result;
}

function shrunk({ offset, length }: Hole, sizeBytes: number): Hole {
  const start = Math.ceil(offset / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
  const end = offset + length;
  const whole = end === sizeBytes ? end : Math.floor(end / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
  return { offset: start, length: Math.max(0, whole - start) };
}

/** Goes through a file from its front and says how many zeros stand in the archive for a stretch without data. */
export class GapCounter {
  readonly #holes: readonly Hole[];
  #next = 0;

  constructor(holes: readonly Hole[]) {
    this.#holes = holes;
  }

  /** Bytes from `start` to `end` that are not left out. Stretches ascend. */
  zeros(start: number, end: number): number {
    let left = end - start;
    for (let hole = this.#holes[this.#next]; hole && hole.offset < end; hole = this.#holes[++this.#next]) {
      left -= hole.length;
    }
    return left;
  }
}
