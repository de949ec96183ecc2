import { randomBytes } from 'node:crypto';
import type { PackId, StateId } from '../../common/ids.ts';
import { SEGMENT_PLAIN_MAX_BYTES, SEGMENTS_COMPRESSED_AHEAD } from '../../common/limits.ts';
import { type FrameBody, frameBody, frameBodyAside, PackWriter } from '../format/pack-writer.ts';
import type { LevelChooser } from './level-chooser.ts';

export interface MadePack {
  readonly id: PackId;
  readonly sizeBytes: number;
}

/** What becomes one frame of a pack. Its memory may be used again as soon as the next one is asked for. */
export interface LineFrame {
  readonly kind: FrameBody['kind'];
  readonly plain: Uint8Array;
}

export interface FrameLineOptions {
  readonly stateKey: Uint8Array;
  readonly stateId: StateId;
  readonly packBytes: number;
  readonly levels: LevelChooser;
  /** A buffer of `packBytes`; waits until there is one. */
  readonly take: () => Promise<ArrayBuffer>;
  /** For how many milliseconds whoever takes the packs had nothing to do since the last call, where that is known. */
  readonly takeIdleMs?: () => number;
  /** Gets each pack when it is whole, by its index. */
  readonly handOver: (index: number, pack: MadePack, buffer: ArrayBuffer) => void;
}

/** A frame that is being compressed, in memory of its own. */
interface Ahead<Frame> {
  readonly frame: Frame;
  readonly body: Promise<FrameBody>;
  readonly copy: Buffer;
}

/** Compresses frames, seals them in their order into packs, and hands over each pack. */
export class FrameLine {
  /** In the order of writing. */
  readonly packs: MadePack[] = [];
  readonly #options: FrameLineOptions;
  #beganMs = performance.now();
  #buffer: ArrayBuffer | undefined;
  #writer: PackWriter | undefined;

  constructor(options: FrameLineOptions) {
    this.#options = options;
  }

  /** Seals every frame, and ends the last pack. A few are compressed aside while others are made. */
  async run<Frame extends LineFrame>(
    frames: Iterable<Frame>,
    placed: (frame: Frame, pack: number, number: number) => void = () => {},
  ): Promise<void> {
    const ahead: Ahead<Frame>[] = [];
    const memory: Buffer[] = [];
    /** Its memory can be used again then. */
    const place = async ({ frame, body, copy }: Ahead<Frame>): Promise<Buffer> => {
      const { pack, frame: number } = await this.#add(await body);
      placed(frame, pack, number);
      return copy;
    };
    for (const frame of frames) {
      const { kind, plain } = frame;
      const { level } = this.#options.levels;
      if (level === 0) {
        for (const one of ahead.splice(0)) memory.push(await place(one));
        const { pack, frame: number } = await this.#add(frameBody(kind, plain, 0));
        placed(frame, pack, number);
        continue;
      }
      const copy = memory.pop() ?? Buffer.allocUnsafeSlow(SEGMENT_PLAIN_MAX_BYTES);
      copy.set(plain);
      const body = frameBodyAside(kind, copy.subarray(0, plain.length), level);
      // Where reading fails meanwhile, that is what is told.
      body.catch(() => {});
      ahead.push({ frame, body, copy });
      if (ahead.length > SEGMENTS_COMPRESSED_AHEAD) memory.push(await place(ahead.shift()!));
    }
    for (const one of ahead) await place(one);
    this.finish();
  }

  /** Seals one frame; says in which pack, by its index, and as which frame. */
  async seal(kind: FrameBody['kind'], plain: Uint8Array): Promise<{ pack: number; frame: number }> {
    return await this.#add(frameBody(kind, plain, this.#options.levels.level));
  }

  async #add(body: FrameBody): Promise<{ pack: number; frame: number }> {
    if (this.#writer && !this.#writer.fits(body)) this.finish();
    const writer = this.#writer ?? (await this.#begin());
    return { pack: this.packs.length, frame: writer.add(body) };
  }

  /** Ends the pack that is being written, if any. */
  finish(): void {
    if (!this.#writer || !this.#buffer) return;
    const pack = this.#writer.finish();
    const index = this.packs.push(pack) - 1;
    this.#options.handOver(index, pack, this.#buffer);
    this.#writer = undefined;
    this.#buffer = undefined;
  }

  async #begin(): Promise<PackWriter> {
    const { take, takeIdleMs, levels, stateKey, stateId, packBytes } = this.#options;
    const asked = performance.now();
    this.#buffer = await take();
    const began = performance.now();
    levels.onPack(asked - this.#beganMs, began - asked, takeIdleMs?.());
    this.#beganMs = began;
    this.#writer = new PackWriter(new Uint8Array(this.#buffer), stateKey, stateId, randomBytes, packBytes);
    return this.#writer;
  }
}
