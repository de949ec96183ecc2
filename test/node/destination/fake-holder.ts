/** Holders in memory that fail in every way that a machine, a cable or a liar can. */
import { setImmediate as turn } from 'node:timers/promises';
import { ResettleError } from '../../../src/common/errors.ts';
import { type PackId, type PeerIdText, packId } from '../../../src/common/ids.ts';
import type { Timing } from '../../../src/node/roles/destination/holders/timing.ts';
import type { Holder, OpenHolder } from '../../../src/node/roles/destination/holders/types.ts';
import type { PackWant } from '../../../src/protocols/blocks/client.ts';
import { digest, type PackReference } from '../../../src/state/format/index.ts';

/**
 * What happens to one pack that is asked for. `cut`: the transfer ends within it. `stall`: nothing comes for ever. `wrong`:
 * other bytes. `wrong-cut`: other bytes, and then the transfer ends. `lacks`: it is not there. `short`: it ends early.
 */
export type PackFault = 'cut' | 'stall' | 'wrong' | 'wrong-cut' | 'lacks' | 'short';
/** What happens when it is asked to open. */
export type OpenFault = 'unreachable' | 'full' | 'refused';

export const QUICK: Timing = {
  stallMs: 40,
  stallBytes: 1,
  probeAfterMs: 1_000_000,
  probeMs: 20,
  retryFirstMs: 1,
  retryLastMs: 4,
  reconnectMs: 3_000,
};

export interface FakeOptions {
  readonly packs: ReadonlyMap<PackId, Uint8Array>;
  /** Taken one by one, with each pack that is asked for; afterwards all is well. */
  readonly packFaults?: readonly (PackFault | undefined)[];
  readonly openFaults?: readonly (OpenFault | undefined)[];
  /** Every pack that it gives is wrong. */
  readonly lies?: boolean;
  readonly chunkBytes?: number;
  /** Says that it has everything. */
  readonly boasts?: boolean;
  /** It takes this long to open. */
  readonly openGate?: Promise<void>;
  /** Answers no small question. */
  readonly isMute?: boolean;
}

export class FakeHolder implements Holder {
  readonly peerId: PeerIdText;
  readonly name: string;
  opens = 0;
  /** Transfers that are open now. */
  openNow = 0;
  /** Packs that it gave to their end. */
  readonly gave: PackId[] = [];
  /** Packs of which it was told that they were wrong. */
  readonly toldBad: PackId[] = [];
  readonly froms: number[] = [];
  unreachableAborts = 0;
  readonly #options: FakeOptions;
  readonly #packFaults: (PackFault | undefined)[];
  readonly #openFaults: (OpenFault | undefined)[];
  /** Set by a test: nothing is given any more, until it is unset. */
  isDown = false;

  constructor(name: string, options: FakeOptions) {
    this.name = name;
    this.peerId = name as PeerIdText;
    this.#options = options;
    this.#packFaults = [...(options.packFaults ?? [])];
    this.#openFaults = [...(options.openFaults ?? [])];
  }

  async open(): Promise<OpenHolder> {
    await turn();
    await this.#options.openGate;
    const fault = this.isDown ? 'unreachable' : this.#openFaults.shift();
    if (fault === 'unreachable') throw new ResettleError('failed', `${this.name} cannot be reached`);
    if (fault === 'full') throw new ResettleError('no-point', `${this.name} serves 8 of at most 8 clients already`);
    if (fault === 'refused') throw new ResettleError('refused', `${this.name} refuses`);
    this.opens += 1;
    this.openNow += 1;
    return new FakeTransfer(this, this.#options, () => this.#packFaults.shift());
  }
}

class FakeTransfer implements OpenHolder {
  failure: Error | undefined;
  readonly #holder: FakeHolder;
  readonly #options: FakeOptions;
  readonly #nextFault: () => PackFault | undefined;
  readonly #ends = new Set<(reason: Error) => void>();

  constructor(holder: FakeHolder, options: FakeOptions, nextFault: () => PackFault | undefined) {
    this.#holder = holder;
    this.#options = options;
    this.#nextFault = nextFault;
  }

  async missing(ids: readonly PackId[]): Promise<PackId[]> {
    return this.#options.boasts ? [] : ids.filter((id) => !this.#options.packs.has(id));
  }

  async fetch(want: PackWant, signal: AbortSignal): Promise<boolean> {
    if (this.failure) throw this.failure;
    const ended = new Promise<never>((_, reject) => this.#ends.add(reject));
    ended.catch(() => {});
    const onAbort = (): void => this.abort(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([this.#give(want), ended]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #give({ id, sizeBytes, into, from, onBytes, check }: PackWant): Promise<boolean> {
    const { packs, lies, chunkBytes = 1000 } = this.#options;
    this.#holder.froms.push(from);
    const fault = this.#nextFault();
    const bytes = packs.get(id);
    if (!bytes || fault === 'lacks')
      throw new ResettleError('not-found', `${this.#holder.name}: pack ${id} is not here`);
    const isWrong = lies || fault === 'wrong' || fault === 'wrong-cut';
    const end =
      fault === 'cut' || fault === 'wrong-cut' || fault === 'short'
        ? from + Math.floor((sizeBytes - from) / 2)
        : sizeBytes;
    for (let at = from; at < end; at += chunkBytes) {
      await turn();
      if (fault === 'stall') await new Promise(() => {});
      if (this.failure) throw this.failure;
      if (this.#holder.isDown) this.abort(new Error('the cable was pulled'));
      if (this.failure) throw this.failure;
      const chunk = bytes.slice(at, Math.min(at + chunkBytes, end));
      if (isWrong) chunk[0]! ^= 0xff;
      into.set(chunk, at);
      onBytes(at + chunk.length);
    }
    if (fault === 'short') throw new ResettleError('damaged', `${this.#holder.name} has only half of it`);
    if (fault === 'cut' || fault === 'wrong-cut') {
      this.abort(new Error('the cable was pulled'));
      throw this.failure!;
    }
    const right = check();
    if (right) this.#holder.gave.push(id);
    else this.#holder.toldBad.push(id);
    return right;
  }

  async probe(signal: AbortSignal): Promise<void> {
    if (!this.#options.isMute) return;
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  }

  async close(): Promise<void> {
    this.#end();
  }

  abort(reason: Error, unreachable = false): void {
    if (unreachable) this.#holder.unreachableAborts += 1;
    if (this.failure) return;
    this.failure = reason;
    for (const end of this.#ends) end(reason);
    this.#end();
  }

  #ended = false;
  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#holder.openNow -= 1;
  }
}

/** Packs with these contents, by id, and as a descriptor names them. */
export function packsOf(contents: readonly Uint8Array[]): { byId: Map<PackId, Uint8Array>; list: PackReference[] } {
  const byId = new Map(contents.map((bytes) => [packId(digest(bytes).toString('hex')), bytes]));
  return { byId, list: [...byId].map(([id, bytes]) => ({ id, sizeBytes: bytes.length })) };
}
