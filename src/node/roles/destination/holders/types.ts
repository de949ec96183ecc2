import type { PackId, PeerIdText, StateId } from '../../../../common/ids.ts';
import type { PackWant } from '../../../../protocols/blocks/client.ts';

/** Somebody who may have packs of a state: a point across the network, or this very agent. */
export interface Holder {
  readonly peerId: PeerIdText;
  /** Stands for it in messages to people. */
  readonly name: string;
  /** Finds it wherever it is now and opens the state there. Throws `refused`, `not-found`, `no-point`, `failed`. */
  open(state: StateId, signal: AbortSignal): Promise<OpenHolder>;
}

/** A state that is accessible at a holder, until `close` or `abort`. */
export interface OpenHolder {
  /** Of these packs, those that the holder lacks. */
  missing(packs: readonly PackId[], signal: AbortSignal): Promise<readonly PackId[]>;
  /**
   * Fetches a pack, or the rest of it; settles with what its check said. An error is about this pack only as long as
   * `failure` is undefined; otherwise about the whole transfer, and no memory is written to any more.
   */
  fetch(want: PackWant, signal: AbortSignal): Promise<boolean>;
  readonly failure: Error | undefined;
  /** Settles if the holder still answers anything. */
  probe(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  /** Ends the transfer. `unreachable`: the connection is of no use either, and the next one is made anew. */
  abort(reason: Error, unreachable: boolean): void;
}
