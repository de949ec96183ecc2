import { randomBytes } from 'node:crypto';
import type { PackId, StateId } from '../../common/ids.ts';
import { CAPTURE_PACKS_IN_FLIGHT, SEGMENT_PLAIN_MAX_BYTES, SEGMENTS_COMPRESSED_AHEAD } from '../../common/limits.ts';
import { KIND } from '../format/frame-cipher.ts';
import { type FrameBody, frameBody, frameBodyAside, PackWriter } from '../format/pack-writer.ts';
import type { Inbox } from '../threads/inbox.ts';
import { LevelChooser } from './level-chooser.ts';
import type { ToCaptureWorker } from './messages.ts';
import type { Segment } from './open-segments.ts';
import { SegmentPlaces } from './segment-places.ts';

export interface MadePack {
  readonly id: PackId;
  readonly sizeBytes: number;
}

/** A segment that is being compressed, in memory of its own. */
interface Ahead {
  readonly number: number;
  readonly body: Promise<FrameBody>;
  readonly copy: Buffer;
}

/** Seals frames into packs and hands each over; the buffers go to and fro between the threads. */
export class PackLine {
  /** In the order of writing. */
  readonly packs: MadePack[] = [];
  /** Where each segment of content was sealed. */
  readonly places = new SegmentPlaces();
  readonly #stateKey: Uint8Array;
  readonly #state: StateId;
  readonly #inbox: Inbox<ToCaptureWorker>;
  readonly #packBytes: number;
  readonly #handOver: (index: number, pack: MadePack, buffer: ArrayBuffer) => void;
  readonly #stored = new Set<number>();
  readonly #free: ArrayBuffer[] = [];
  readonly #levels = new LevelChooser();
  #beganMs = performance.now();
  #made = 0;
  #buffer: ArrayBuffer | undefined;
  #writer: PackWriter | undefined;

  constructor(
    stateKey: Uint8Array,
    state: StateId,
    inbox: Inbox<ToCaptureWorker>,
    packBytes: number,
    handOver: (index: number, pack: MadePack, buffer: ArrayBuffer) => void,
  ) {
    this.#stateKey = stateKey;
    this.#state = state;
    this.#inbox = inbox;
    this.#packBytes = packBytes;
    this.#handOver = handOver;
  }

  /** Seals every segment, and the last pack of content with it. A few are compressed aside while others are read. */
  readonly content = async (segments: Iterable<Segment>): Promise<void> => {
    const ahead: Ahead[] = [];
    const memory: Buffer[] = [];
    for (const { number, plain } of segments) {
      const copy = memory.pop() ?? Buffer.allocUnsafeSlow(SEGMENT_PLAIN_MAX_BYTES);
      copy.set(plain);
      const body = frameBodyAside(KIND.content, copy.subarray(0, plain.length), this.#levels.level);
      // Where reading fails meanwhile, that is what is told.
      body.catch(() => {});
      ahead.push({ number, body, copy });
      if (ahead.length > SEGMENTS_COMPRESSED_AHEAD) memory.push(await this.#place(ahead.shift()!));
    }
    for (const one of ahead) await this.#place(one);
    this.finish();
  };

  /** Seals one frame; says in which pack, by its index, and as which frame. */
  async seal(kind: FrameBody['kind'], plain: Uint8Array): Promise<{ pack: number; frame: number }> {
    return await this.#add(frameBody(kind, plain, this.#levels.level));
  }

  /** Seals a segment that was compressed; its memory can be used again then. */
  async #place({ number, body, copy }: Ahead): Promise<Buffer> {
    const { pack, frame } = await this.#add(await body);
    this.places.set(number, pack, frame);
    return copy;
  }

  async #add(body: FrameBody): Promise<{ pack: number; frame: number }> {
    if (this.#writer && !this.#writer.fits(body)) this.finish();
    const writer = this.#writer ?? (await this.#begin());
    return { pack: this.packs.length, frame: writer.add(body) };
  }

  /** Whether the holder has acknowledged that pack, by its index. */
  isStored(pack: number): boolean {
    return this.#stored.has(pack);
  }

  /** Ends the pack that is being written, if any. */
  finish(): void {
    if (!this.#writer || !this.#buffer) return;
    const pack = this.#writer.finish();
    const index = this.packs.push(pack) - 1;
    this.#handOver(index, pack, this.#buffer);
    this.#writer = undefined;
    this.#buffer = undefined;
  }

  async #begin(): Promise<PackWriter> {
    const asked = performance.now();
    this.#buffer = await this.#take();
    const began = performance.now();
    this.#levels.onPack(asked - this.#beganMs, began - asked);
    this.#beganMs = began;
    this.#writer = new PackWriter(
      new Uint8Array(this.#buffer),
      this.#stateKey,
      this.#state,
      randomBytes,
      this.#packBytes,
    );
    return this.#writer;
  }

  async #take(): Promise<ArrayBuffer> {
    if (this.#free.length === 0 && this.#made < CAPTURE_PACKS_IN_FLIGHT) {
      this.#made += 1;
      return new ArrayBuffer(this.#packBytes);
    }
    while (this.#free.length === 0) {
      const message = await this.#inbox.next();
      if (message.type !== 'buffer') continue;
      this.#free.push(message.buffer);
      this.#stored.add(message.index);
    }
    return this.#free.pop()!;
  }
}
