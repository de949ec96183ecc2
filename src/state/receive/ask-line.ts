import type { DirectAsk } from '../../common/ports.ts';
import type { Inbox } from '../threads/inbox.ts';
import type { FromReceiveWorker, ToReceiveWorker } from './messages.ts';

/** Asks the source, through the main thread, one thing after another. */
export class AskLine {
  readonly #inbox: Inbox<ToReceiveWorker>;
  readonly #tell: (message: FromReceiveWorker, transfer?: ArrayBuffer[]) => void;

  constructor(inbox: Inbox<ToReceiveWorker>, tell: (message: FromReceiveWorker, transfer?: ArrayBuffer[]) => void) {
    this.#inbox = inbox;
    this.#tell = tell;
  }

  /** Hands over each pack of the answer, good until `onPack` returns. False where the stream broke off. */
  async ask(ask: DirectAsk, onPack: (bytes: Uint8Array) => void): Promise<boolean> {
    this.#tell({ type: 'ask', ask });
    for (;;) {
      const message = await this.#inbox.next();
      if (message.type === 'answered') return message.whole;
      onPack(new Uint8Array(message.buffer, 0, message.sizeBytes));
      this.#tell({ type: 'used', buffer: message.buffer }, [message.buffer]);
    }
  }
}
