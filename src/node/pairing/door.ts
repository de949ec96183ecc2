/** What the paired machine, and nobody else, gets of a plan: one stream at a time, as often as the connection breaks. */
import { asBuffer } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import type { Progress } from '../../common/ports.ts';
import type { DirectHost, DirectSource, DirectSummary, Sending } from './types.ts';

export interface DoorOptions {
  readonly sending: Sending;
  readonly stateKey: Uint8Array;
  onProgress(progress: Progress): void;
  /** A stream has opened, or ended before its time. */
  onChange(isOpen: boolean): void;
}

/** Who may come in. */
export interface Guest {
  readonly peer: PeerIdText;
  readonly session: Uint8Array;
}

export class DirectDoor implements DirectHost {
  /** The receiver has everything. */
  readonly done: Promise<DirectSummary>;
  /** The person there said no. */
  readonly declined: Promise<void>;
  readonly #options: DoorOptions;
  readonly #settleDone: (summary: DirectSummary) => void;
  readonly #settleDeclined: () => void;
  readonly #guest = Promise.withResolvers<Guest>();
  #isExpecting = false;
  #stream:
    | { readonly end: AbortController; readonly answering: Set<Promise<unknown>>; readonly over: Promise<void> }
    | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    const done = Promise.withResolvers<DirectSummary>();
    const declined = Promise.withResolvers<void>();
    this.done = done.promise;
    this.declined = declined.promise;
    this.#settleDone = done.resolve;
    this.#settleDeclined = declined.resolve;
  }

  /** A machine has proved the code, and will be let in a moment later. */
  expect(): void {
    this.#isExpecting = true;
  }

  letIn(guest: Guest): void {
    this.#isExpecting = true;
    this.#guest.resolve(guest);
  }

  get isOpen(): boolean {
    return this.#stream !== undefined;
  }

  /** Settles when no stream is open. */
  async quiet(): Promise<void> {
    await this.#stream?.over;
  }

  /** Whether somebody is paired who may say it. */
  decline(session: Uint8Array, remotePeer: string): boolean {
    if (!this.#isExpecting) return false;
    void this.#guest.promise.then((guest) => {
      if (isGuest(guest, session, remotePeer)) this.#settleDeclined();
    });
    return true;
  }

  async open(session: Uint8Array, remotePeer: string, signal: AbortSignal): Promise<DirectSource> {
    // Who has just proved the code may be here before it is written down that he did.
    if (!this.#isExpecting || !isGuest(await abortable(this.#guest.promise, signal), session, remotePeer)) {
      throw new ResettleError('refused', 'this machine has nothing for you', {
        hint: 'pair with it by the code that it shows',
      });
    }
    // An earlier stream of the same machine is one that it has lost.
    await this.#endStream(new Error('the other machine has opened another stream'));
    signal.throwIfAborted();
    return this.#source(signal);
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    await this.#endStream(new Error('this machine has ended'));
  }

  #source(signal: AbortSignal): DirectSource {
    const { sending, stateKey, onProgress, onChange } = this.#options;
    const end = new AbortController();
    const answering = new Set<Promise<unknown>>();
    const over = Promise.withResolvers<void>();
    const stream = { end, answering, over: over.promise };
    const both = AbortSignal.any([signal, end.signal]);
    let isDone = false;
    this.#stream = stream;
    onChange(true);
    both.addEventListener(
      'abort',
      () => {
        if (this.#stream === stream) this.#stream = undefined;
        over.resolve();
        if (!isDone && !end.signal.aborted) onChange(false);
      },
      { once: true },
    );
    return {
      descriptor: sending.descriptor,
      stateKey,
      answer: async (ask, sink, ownSignal) => {
        const work = sending.answer(ask, sink, { onProgress, signal: AbortSignal.any([ownSignal, both]) });
        answering.add(work);
        try {
          await work;
        } finally {
          answering.delete(work);
        }
      },
      done: async (summary) => {
        isDone = true;
        this.#settleDone(summary);
      },
    };
  }

  async #endStream(reason: Error): Promise<void> {
    const stream = this.#stream;
    if (!stream) return;
    stream.end.abort(reason);
    await Promise.allSettled(stream.answering);
  }
}

function isGuest({ peer, session }: Guest, shown: Uint8Array, remotePeer: string): boolean {
  return peer === remotePeer && asBuffer(session).equals(asBuffer(shown));
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
