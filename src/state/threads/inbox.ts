import type { MessagePort } from 'node:worker_threads';
import { ResettleError } from '../../common/errors.ts';

/** Messages of a port as a queue that a worker awaits. */
export class Inbox<Message extends { readonly type: string }> {
  readonly #queue: Message[] = [];
  #stopped = false;
  #wake: (() => void) | undefined;

  constructor(port: MessagePort) {
    port.on('message', (message: Message | { readonly type: 'stop' }) => {
      if (message.type === 'stop') this.#stopped = true;
      else this.#queue.push(message as Message);
      this.#wake?.();
    });
  }

  /** Throws `interrupted` once the worker was asked to end. */
  async next(): Promise<Message> {
    for (;;) {
      if (this.#stopped) throw new ResettleError('interrupted', 'interrupted');
      const message = this.#queue.shift();
      if (message) return message;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
