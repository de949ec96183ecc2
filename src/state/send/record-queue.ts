import type { LineFrame } from '../capture/frame-line.ts';
import { type FileRecord, FileRecordWriter } from '../format/file-record.ts';
import { KIND } from '../format/frame-cipher.ts';

/** A frame of records ends beyond this; with the longest record on top it stays far below SEGMENT_PLAIN_MAX_BYTES. */
const FRAME_BYTES = 256 * 1024;

/** Records that wait until they may be sent. */
export class RecordQueue {
  readonly #writer = new FileRecordWriter();
  readonly #ready: Buffer[] = [];

  add(record: FileRecord): void {
    this.#writer.add(record);
    if (this.#writer.bytes > FRAME_BYTES) this.#ready.push(this.#writer.take());
  }

  /** There is a whole frame of them. */
  get isFull(): boolean {
    return this.#ready.length > 0;
  }

  /** All of them; none wait any more. */
  *frames(): Generator<LineFrame, void> {
    if (this.#writer.count > 0) this.#ready.push(this.#writer.take());
    for (let plain = this.#ready.shift(); plain; plain = this.#ready.shift()) yield { kind: KIND.manifest, plain };
  }
}
