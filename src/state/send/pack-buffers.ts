import { ResettleError } from '../../common/errors.ts';
import { DIRECT_BUFFERS, DIRECT_PACK_BYTES } from '../../common/limits.ts';
import type { Inbox } from '../threads/inbox.ts';
import type { ToSendWorker } from './messages.ts';

/**
 * The buffers that go to and fro between the threads: DIRECT_BUFFERS for one answer. Those that an answer which was ended
 * has not given back are left to the network, which may still read them, and others are made.
 */
export class PackBuffers {
  readonly #inbox: Inbox<ToSendWorker>;
  readonly #free: ArrayBuffer[] = [];
  #out = 0;
  #answer = 0;
  #idleMs = 0;

  constructor(inbox: Inbox<ToSendWorker>) {
    this.#inbox = inbox;
  }

  begin(answer: number): void {
    this.#answer = answer;
    this.#out = 0;
    this.#idleMs = 0;
  }

  /** For how long the receiver has waited for packs since the last call, in milliseconds. */
  takeIdleMs(): number {
    const idleMs = this.#idleMs;
    this.#idleMs = 0;
    return idleMs;
  }

  /** Takes one back, if it is of this answer; the receiver had waited so long for it. */
  giveBack(answer: number, buffer: ArrayBuffer, idleMs: number): void {
    if (answer !== this.#answer || this.#out === 0) return;
    this.#out -= 1;
    this.#idleMs += idleMs;
    this.#free.push(buffer);
  }

  /** Throws `interrupted` where the answer was ended. */
  async take(): Promise<ArrayBuffer> {
    while (this.#free.length === 0 && this.#out >= DIRECT_BUFFERS) {
      const message = await this.#inbox.next();
      if (message.type === 'buffer') this.giveBack(message.answer, message.buffer, message.idleMs);
      if (message.type === 'end' && message.answer === this.#answer) {
        throw new ResettleError('interrupted', 'interrupted');
      }
    }
    this.#out += 1;
    return this.#free.pop() ?? new ArrayBuffer(DIRECT_PACK_BYTES);
  }
}
