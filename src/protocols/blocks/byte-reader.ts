import type { Stream } from '@libp2p/interface';
import type { Uint8ArrayList } from 'uint8arraylist';
import { ResettleError } from '../../common/errors.ts';

/** Bytes waiting here at which the stream is paused, and at which it goes on. */
const PAUSE_AT_BYTES = 1024 * 1024;
const RESUME_AT_BYTES = 256 * 1024;

/**
 * Reads exact numbers of bytes from a stream with back-pressure to the sender. libp2p's own readers have none: they
 * collect what arrives and abort above 4 MiB. Here the stream is paused while its reader is behind.
 */
export class ByteReader {
  readonly #stream: Stream;
  readonly #chunks: Uint8Array[] = [];
  #queuedBytes = 0;
  #firstOffset = 0;
  #resuming = false;
  #ended: Error | undefined;
  #dropped = false;
  #wake: (() => void) | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
    stream.addEventListener('message', (event) => this.#onMessage(event.data));
    stream.addEventListener('remoteCloseWrite', () => this.#end(ended()));
    stream.addEventListener('close', (event) => this.#end(event.error ?? ended()));
    if (stream.status !== 'open') this.#end(ended());
  }

  /** Bytes that have arrived and were not read. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Fills `target`. Throws `failed` when the stream ends before that. One call at a time. */
  async readInto(target: Uint8Array): Promise<void> {
    let filled = 0;
    while (filled < target.length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) {
        if (this.#ended) throw this.#ended;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const count = Math.min(chunk.length - this.#firstOffset, target.length - filled);
      target.set(chunk.subarray(this.#firstOffset, this.#firstOffset + count), filled);
      filled += count;
      this.#firstOffset += count;
      this.#queuedBytes -= count;
      if (this.#firstOffset === chunk.length) {
        this.#chunks.shift();
        this.#firstOffset = 0;
      }
      if (this.#queuedBytes <= RESUME_AT_BYTES && this.#stream.readStatus === 'paused') this.#resume();
    }
  }

  /** Ends at once: what has arrived is let go, and no memory that was given to `readInto` is written to any more. */
  drop(error: Error): void {
    this.#dropped = true;
    this.#chunks.length = 0;
    this.#queuedBytes = 0;
    this.#firstOffset = 0;
    this.#end(error);
  }

  /**
   * resume() hands over what has waited before it reopens the window, so a pause() within would be undone behind our
   * back: the window would stay open and the read buffer overflow. So it is paused again only afterwards.
   */
  #resume(): void {
    this.#resuming = true;
    this.#stream.resume();
    this.#resuming = false;
    this.#pauseIfFull();
  }

  #pauseIfFull(): void {
    if (this.#resuming || this.#queuedBytes < PAUSE_AT_BYTES || this.#stream.readStatus !== 'readable') return;
    this.#stream.pause();
  }

  #onMessage(data: Uint8Array | Uint8ArrayList): void {
    if (this.#dropped) return;
    if (data instanceof Uint8Array) this.#chunks.push(data);
    else for (const chunk of data) this.#chunks.push(chunk);
    this.#queuedBytes += data.byteLength;
    this.#pauseIfFull();
    this.#notify();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function ended(): ResettleError {
  return new ResettleError('failed', 'the other machine ended the transfer', {
    hint: 'see the log of the other machine, then run the same command again',
  });
}
