import type { MessagePort } from 'node:worker_threads';

/** Messages of a port as a queue that a worker awaits. */
export class Inbox<Message> {
  readonly #queue: Message[] = [];
  #wake: (() => void) | undefined;

  constructor(port: MessagePort) {
    port.on('message', (message: Message) => {
      this.#queue.push(message);
      this.#wake?.();
    });
  }

  async next(): Promise<Message> {
    while (this.#queue.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#queue.shift()!;
  }
}
