import type { StateId } from '../../common/ids.ts';
import { CAPTURE_PACKS_IN_FLIGHT } from '../../common/limits.ts';
import { KIND } from '../format/frame-cipher.ts';
import type { FrameBody } from '../format/pack-writer.ts';
import type { Inbox } from '../threads/inbox.ts';
import { FrameLine, type LineFrame, type MadePack } from './frame-line.ts';
import { LevelChooser } from './level-chooser.ts';
import type { ToCaptureWorker } from './messages.ts';
import type { Segment } from './open-segments.ts';
import { SegmentPlaces } from './segment-places.ts';

/** Seals a capture's frames into packs and hands each over; the buffers go to and fro between the threads. */
export class PackLine {
  /** Where each segment of content was sealed. */
  readonly places = new SegmentPlaces();
  readonly #line: FrameLine;
  readonly #inbox: Inbox<ToCaptureWorker>;
  readonly #packBytes: number;
  readonly #stored = new Set<number>();
  readonly #free: ArrayBuffer[] = [];
  #made = 0;

  constructor(
    stateKey: Uint8Array,
    stateId: StateId,
    inbox: Inbox<ToCaptureWorker>,
    packBytes: number,
    handOver: (index: number, pack: MadePack, buffer: ArrayBuffer) => void,
  ) {
    this.#inbox = inbox;
    this.#packBytes = packBytes;
    const take = () => this.#take();
    this.#line = new FrameLine({ stateKey, stateId, packBytes, levels: new LevelChooser(), take, handOver });
  }

  /** In the order of writing. */
  get packs(): readonly MadePack[] {
    return this.#line.packs;
  }

  /** Seals every segment, and the last pack of content with it. */
  readonly content = async (segments: Iterable<Segment>): Promise<void> => {
    await this.#line.run(framesOf(segments), ({ number }, pack, frame) => this.places.set(number, pack, frame));
  };

  /** Seals one frame; says in which pack, by its index, and as which frame. */
  async seal(kind: FrameBody['kind'], plain: Uint8Array): Promise<{ pack: number; frame: number }> {
    return await this.#line.seal(kind, plain);
  }

  /** Whether the holder has acknowledged that pack, by its index. */
  isStored(pack: number): boolean {
    return this.#stored.has(pack);
  }

  /** Ends the pack that is being written, if any. */
  finish(): void {
    this.#line.finish();
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

function* framesOf(segments: Iterable<Segment>): Generator<LineFrame & { readonly number: number }, void> {
  for (const { number, plain } of segments) yield { kind: KIND.content, number, plain };
}
