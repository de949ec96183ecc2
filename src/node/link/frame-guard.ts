import type { Uint8ArrayList } from 'uint8arraylist';
import type { Clock } from '../../common/clock.ts';
import {
  MUXER_SIGNALS_BURST,
  MUXER_SIGNALS_PER_SECOND,
  PACE_SIGNAL_COUNT,
  PACE_SMALL_BYTES,
  UNFINISHED_STEP_BYTES,
  YAMUX_WINDOW_BYTES,
} from '../../common/limits.ts';
import type { UnderWay } from './unfinished.ts';

/** version (1), type (1), flags (2), stream (4), length (4). */
const HEADER_BYTES = 12;
const DATA = 0;
const PING = 2;
const SYN = 1;
const RST = 8;

/**
 * Looks at yamux's frames before the muxer does, which keeps all of a data frame in memory until it is whole, whatever
 * length it announces, and answers every ping and every stream that is opened.
 */
export class FrameGuard implements UnderWay {
  readonly #clock: Clock;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #bodyLeft = 0;
  #frames = 0;
  #small = 0;
  #signals = 0;
  #refilledMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#refilledMs = clock.monotonicMs();
  }

  get underWay(): string | undefined {
    if (this.#bodyLeft === 0 && this.#headerBytes === 0) return undefined;
    return `${this.#frames} ${Math.ceil(this.#bodyLeft / UNFINISHED_STEP_BYTES)}`;
  }

  /** Small things since it was asked last: pieces, frames, and what costs as much as several. */
  takeSmall(): number {
    const count = this.#small;
    this.#small = 0;
    return count;
  }

  /** Throws for what no honest peer sends. */
  look(data: Uint8Array | Uint8ArrayList): void {
    if (data.byteLength < PACE_SMALL_BYTES) this.#small += 1;
    for (const chunk of data instanceof Uint8Array ? [data] : data) this.#lookAt(chunk);
  }

  #lookAt(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#bodyLeft > 0) {
        const count = Math.min(this.#bodyLeft, chunk.length - at);
        this.#bodyLeft -= count;
        at += count;
        continue;
      }
      const count = Math.min(HEADER_BYTES - this.#headerBytes, chunk.length - at);
      this.#header.set(chunk.subarray(at, at + count), this.#headerBytes);
      this.#headerBytes += count;
      at += count;
      if (this.#headerBytes === HEADER_BYTES) this.#judge();
    }
  }

  #judge(): void {
    this.#headerBytes = 0;
    this.#frames += 1;
    const view = Buffer.from(this.#header.buffer);
    const type = view.readUInt8(1);
    const flags = view.readUInt16BE(2);
    const length = view.readUInt32BE(8);
    if (type === DATA) {
      // More than a window cannot be allowed at any time.
      if (length > YAMUX_WINDOW_BYTES) throw new Error(`a frame of ${length} bytes`);
      this.#bodyLeft = length;
    }
    if (type !== DATA || length < PACE_SMALL_BYTES) this.#small += 1;
    if (type === PING || (flags & (SYN | RST)) !== 0) this.#count();
  }

  /** Pings, streams opened and streams reset cost the other side nothing, and this one an answer or an object each. */
  #count(): void {
    this.#small += PACE_SIGNAL_COUNT;
    const nowMs = this.#clock.monotonicMs();
    const refill = ((nowMs - this.#refilledMs) * MUXER_SIGNALS_PER_SECOND) / 1000;
    this.#signals = Math.max(0, this.#signals - refill) + 1;
    this.#refilledMs = nowMs;
    if (this.#signals > MUXER_SIGNALS_BURST) throw new Error('too many pings, or streams opened and reset');
  }
}
