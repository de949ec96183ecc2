import { ResettleError } from '../../common/errors.ts';
import { FRAME, type FrameHeader } from '../blocks/frame.ts';
import type { FrameStream } from '../blocks/frame-stream.ts';
import { errorOfFault, Fault } from '../wire/fault.ts';
import { broken, isBroken } from './broken.ts';
import type { Pulse } from './pulse.ts';

/** Where a frame names no pack: the end of an answer, and data that is none of a pack. */
export const NO_PACK = '0'.repeat(64);

/** What comes from the other side, frame by frame. One reader. Throws broken (`isBroken`), `damaged`, or what it reports. */
export class Incoming {
  readonly #frames: FrameStream;
  readonly #pulse: Pulse;
  readonly #peer: string;
  #reported: Error | undefined;

  constructor(frames: FrameStream, pulse: Pulse, peer: string) {
    this.#frames = frames;
    this.#pulse = pulse;
    this.#peer = peer;
  }

  /** The next frame that is more than a pulse. */
  async next(): Promise<FrameHeader> {
    for (;;) {
      const header = await this.#read(this.#frames.readHeader());
      this.#pulse.heard();
      if (header.type === FRAME.opened && header.payloadBytes === 0) continue;
      if (header.type !== FRAME.bad) return header;
      this.#reported = errorOfFault(Fault.decode(await this.payload(header)), this.#peer);
      throw this.#reported;
    }
  }

  /** Whether there is somebody to whom this error is news. */
  isNews(error: Error): boolean {
    return !isBroken(error) && error !== this.#reported;
  }

  /** The payload of the frame whose header was read last; at most 8 KiB where it is not data. */
  async payload(header: FrameHeader): Promise<Uint8Array> {
    const payload = new Uint8Array(header.payloadBytes);
    await this.#read(this.#frames.readPayload(payload));
    return payload;
  }

  /** Reads data, and nothing but data, of that pack until `target` is full. */
  async fill(pack: string, target: Uint8Array): Promise<void> {
    for (let filled = 0; filled < target.length; ) {
      const header = await this.next();
      const fits = header.pack === pack && header.number === filled && filled + header.payloadBytes <= target.length;
      if (header.type !== FRAME.data || !fits) throw this.unexpected(header);
      await this.#read(this.#frames.readPayload(target.subarray(filled, filled + header.payloadBytes)));
      filled += header.payloadBytes;
    }
  }

  unexpected(header: FrameHeader): ResettleError {
    return new ResettleError('damaged', `${this.#peer} sent a frame of type ${header.type} out of turn`);
  }

  async #read<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      // A frame that does not decode is no break: over another stream it would be the same.
      if (error instanceof ResettleError && error.code === 'damaged') throw error;
      throw broken(this.#peer, error);
    }
  }
}
