import { ResettleError } from '../../common/errors.ts';
import { DIRECT_PULSE_MS, DIRECT_SILENCE_MS } from '../../common/limits.ts';
import { FRAME } from '../blocks/frame.ts';
import type { FrameStream } from '../blocks/frame-stream.ts';

export interface PulseOptions {
  /** Default DIRECT_PULSE_MS. */
  readonly pulseMs?: number;
  /** How long the other side may be silent, give or take a pulse; default DIRECT_SILENCE_MS. */
  readonly silenceMs?: number;
}

/** Tells the other side now and then that this one is there, and says when nothing is heard of it. */
export class Pulse {
  readonly #timer: ReturnType<typeof setInterval>;
  #quietMs = 0;

  /** `onSilent` is called when nothing is heard, and ends what reads. */
  constructor(frames: FrameStream, onSilent: (error: Error) => void, options: PulseOptions = {}) {
    const { pulseMs = DIRECT_PULSE_MS, silenceMs = DIRECT_SILENCE_MS } = options;
    this.#timer = setInterval(() => {
      // Counted in pulses, not by the clock: a machine that slept has not listened meanwhile.
      this.#quietMs += pulseMs;
      if (this.#quietMs > silenceMs) onSilent(silent(silenceMs));
      // A stream that has ended is told by who reads from it.
      else frames.send(FRAME.opened).catch(() => {});
    }, pulseMs);
  }

  /** Something came. */
  heard(): void {
    this.#quietMs = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function silent(silenceMs: number): ResettleError {
  return new ResettleError('failed', `nothing was heard of the other machine for ${silenceMs / 1000} s`);
}
