/** A sending and a receiving worker side by side, with nothing but function calls between them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DirectAsk, DirectAsker, DirectSink, DirectTaker } from '../../../src/common/ports.ts';
import type { RuleFilter } from '../../../src/state/plan/rule-filter.ts';
import { type ReceiveOptions, receiveSnapshot } from '../../../src/state/receive/index.ts';
import type { RestoreResult } from '../../../src/state/restore/index.ts';
import { planSend, type Sending } from '../../../src/state/send/index.ts';
import { identity, on, temporaryFolder } from './source-machine.ts';

type Test = Parameters<typeof temporaryFolder>[0];

/** Its worker ends with the test. */
export async function planOf(test: Test, paths: string | readonly string[], filter?: RuleFilter): Promise<Sending> {
  const folder = temporaryFolder(test);
  const scratchDir = join(folder, 'scratch');
  mkdirSync(scratchDir);
  const sending = await planSend(
    {
      paths: [paths].flat().map((path) => Buffer.from(path)),
      filter,
      exclude: [],
      planDir: join(folder, 'plan'),
      scratchDir,
      stateId: identity.stateId,
      stateKey: identity.stateKey,
      capturedAtNs: 1_700_000_000_000_000_000n,
      machineName: 'old machine',
      platform: 'linux test',
      privateKey: identity.privateKey,
    },
    on(),
  );
  test.after(() => sending.close());
  return sending;
}

export interface AskerOptions {
  /** Called before each pack of content is handed over, with how many were: false breaks the stream off. */
  readonly beforePack?: (taken: number, ask: DirectAsk) => boolean | Promise<boolean>;
  /** Changes a pack on its way. */
  readonly onWay?: (bytes: Uint8Array, ask: DirectAsk) => void;
}

/** Asks a sending worker directly; counts what was asked for and what came. */
export class LocalAsker implements DirectAsker {
  readonly asks: DirectAsk[] = [];
  /** Packs and bytes of content. */
  packs = 0;
  bytes = 0;
  readonly #sending: Sending;
  readonly #options: AskerOptions;

  constructor(sending: Sending, options: AskerOptions = {}) {
    this.#sending = sending;
    this.#options = options;
  }

  async ask(ask: DirectAsk, taker: DirectTaker, signal: AbortSignal): Promise<boolean> {
    this.asks.push(ask);
    const { beforePack, onWay } = this.#options;
    const broken = new AbortController();
    const taking: Promise<void>[] = [];
    let line: Promise<void> = Promise.resolve();
    const hand = async (bytes: Uint8Array): Promise<void> => {
      if (ask.what === 'content') {
        if (beforePack && !(await beforePack(this.packs, ask))) broken.abort(new Error('the stream broke off'));
        broken.signal.throwIfAborted();
        this.packs += 1;
        this.bytes += bytes.length;
      }
      const buffer = taker.borrow();
      buffer.set(bytes);
      onWay?.(buffer.subarray(0, bytes.length), ask);
      const taken = taker.take(buffer, bytes.length);
      taking.push(taken);
      await taken;
    };
    const sink: DirectSink = {
      async put(pack) {
        line = line.then(() => hand(pack.bytes));
        await line;
        return 0;
      },
    };
    try {
      const end = AbortSignal.any([signal, broken.signal]);
      await this.#sending.answer(ask, sink, { onProgress() {}, signal: end });
      await Promise.all(taking);
      return true;
    } catch (error) {
      await Promise.allSettled(taking);
      if (broken.signal.aborted) return false;
      throw error;
    }
  }
}

export type ReceiveChoice = Partial<Omit<ReceiveOptions, 'asker' | 'descriptor'>> & { signal?: AbortSignal };

export function receive(
  sending: Pick<Sending, 'descriptor'>,
  asker: DirectAsker,
  target: string,
  { signal, ...choice }: ReceiveChoice = {},
): Promise<RestoreResult> {
  return receiveSnapshot(
    {
      descriptor: sending.descriptor,
      stateKey: identity.stateKey,
      expected: { stateId: identity.stateId, source: identity.source, association: undefined },
      target,
      strip: true,
      asker,
      restoreId: `receives-${randomBytes(4).toString('hex')}`,
      ...choice,
    },
    { onProgress() {}, signal: signal ?? new AbortController().signal },
  );
}
