import type { Stream } from '@libp2p/interface';
import { pEvent } from 'p-event';
import { Uint8ArrayList } from 'uint8arraylist';
import { ResettleError } from '../../common/errors.ts';
import { BULK_CHUNK_BYTES, TRANSFER_STALL_MS } from '../../common/limits.ts';
import { ByteReader } from './byte-reader.ts';
import {
  decodeFrameHeader,
  encodeFrameHeader,
  FRAME,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  type FrameType,
} from './frame.ts';

const NO_PACK = '0'.repeat(64);

/** Frames over a stream, both ways, with back-pressure both ways and an end to transfers that stand still. */
export class FrameStream {
  readonly #stream: Stream;
  readonly #reader: ByteReader;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  readonly #stall: ReturnType<typeof setInterval>;
  #moved = true;
  #sending: Promise<void> = Promise.resolve();
  /** Whether the other side owes something now: a transfer that nobody waits for may stand still. */
  isAwaited: () => boolean = () => true;
  /** Bytes of packs that were handed to the connection. */
  sentBytes = 0;

  constructor(stream: Stream, stallMs = TRANSFER_STALL_MS) {
    this.#stream = stream;
    this.#reader = new ByteReader(stream);
    this.#stall = setInterval(() => {
      if (!this.#moved && this.isAwaited()) this.abort(new Stalled(stallMs));
      this.#moved = false;
    }, stallMs);
    stream.addEventListener('close', () => clearInterval(this.#stall), { once: true });
  }

  async readHeader(): Promise<FrameHeader> {
    await this.#reader.readInto(this.#header);
    this.#moved = true;
    return decodeFrameHeader(this.#header);
  }

  /** Reads the payload of the frame whose header was read last. */
  async readPayload(target: Uint8Array): Promise<void> {
    await this.#reader.readInto(target);
    this.#moved = true;
  }

  /** Tells the stall timer that work goes on although nothing moves on the wire, such as a long write to a disk. */
  alive(): void {
    this.#moved = true;
  }

  async send(type: FrameType, pack = NO_PACK, number = 0, payload?: Uint8Array): Promise<void> {
    await this.#inTurn(() => this.#write(type, pack, number, payload));
  }

  /**
   * Sends a pack's bytes from `offset` as data frames. The memory must stay as it is until the receiver has
   * acknowledged it: libp2p keeps views of it in its queues.
   */
  async sendPack(pack: string, bytes: Uint8Array, offset: number): Promise<void> {
    await this.#inTurn(async () => {
      for (let at = offset; at < bytes.length; at += BULK_CHUNK_BYTES) {
        await this.#write(FRAME.data, pack, at, bytes.subarray(at, Math.min(at + BULK_CHUNK_BYTES, bytes.length)));
      }
    });
  }

  async #write(type: FrameType, pack: string, number: number, payload?: Uint8Array): Promise<void> {
    const header = encodeFrameHeader({ type, pack, number, payloadBytes: payload?.length ?? 0 });
    this.#moved = true;
    if (this.#stream.status !== 'open') throw gone();
    const room = this.#stream.send(payload ? new Uint8ArrayList(header, payload) : header);
    if (type === FRAME.data) this.sentBytes += payload?.length ?? 0;
    // stream.onDrain() waits only the first time in a stream's life, so the event itself is awaited.
    if (!room) await pEvent(this.#stream, 'drain', { rejectionEvents: ['close'] });
    this.#moved = true;
  }

  /** Whole frames and whole packs follow each other; a failed send fails the ones behind it. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#sending.then(work).catch((error: unknown) => {
      throw error instanceof Error ? error : gone();
    });
    this.#sending = turn;
    turn.catch(() => {});
    return turn;
  }

  async close(signal: AbortSignal): Promise<void> {
    clearInterval(this.#stall);
    await this.#stream.close({ signal });
  }

  /** Ends both ways at once: after this nothing is read into anybody's memory. */
  abort(error: Error): void {
    clearInterval(this.#stall);
    this.#reader.drop(error);
    this.#stream.abort(error);
  }
}

function gone(): ResettleError {
  return new ResettleError('failed', 'the connection to the other machine ended', {
    hint: 'check that it runs and is reachable, then run the same command again',
  });
}

/** The connection stands, and nothing comes over it. */
class Stalled extends ResettleError {
  constructor(stallMs: number) {
    super('failed', `nothing moved for ${stallMs / 1000} s`, {
      hint: 'check the other machine and the network, then run the same command again',
    });
  }
}

/** Whether a transfer ended because nothing moved, not because the connection did. */
export function isStall(error: unknown): boolean {
  return error instanceof Stalled || (error instanceof Error && error.cause !== undefined && isStall(error.cause));
}
