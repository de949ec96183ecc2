/**
 * The interfaces between the two wings: src/state (files, packs, no network) and src/protocols (wire, no files).
 * Both import them; src/node joins the two.
 */
import type { PackId, StateId } from './ids.ts';

/** A finished pack in a pooled buffer. Whoever gets it must not keep `bytes` after `put` has settled. */
export interface SealedPack {
  readonly id: PackId;
  readonly bytes: Uint8Array;
}

/** Takes packs: a point across the network, a store in a folder. */
export interface PackSink {
  /** Settles when the holder has the pack durably and has checked its id. Up to CAPTURE_PACKS_IN_FLIGHT at once. */
  put(pack: SealedPack, signal: AbortSignal): Promise<void>;
}

/** Gives packs: a point across the network, a store in a folder. */
export interface PackSource {
  /**
   * Fills `into` with the pack's `sizeBytes` bytes, from the front. Throws `not-found` or `damaged`.
   * The receiver checks the id itself. Up to RESTORE_PACKS_IN_FLIGHT at once.
   */
  get(id: PackId, sizeBytes: number, into: Uint8Array, signal: AbortSignal): Promise<void>;
}

/** What a transfer on the wire needs of the store that holds one state's packs. Buffers are pooled by the holder. */
export interface PackHolder {
  /** The size of a pack that is held, or undefined. */
  packSize(state: StateId, id: PackId): Promise<number | undefined>;
  /** A buffer of PACK_MAX_BYTES; waits until one is free. */
  borrow(signal: AbortSignal): Promise<Uint8Array>;
  /** Gives a buffer back that was not stored. */
  giveBack(buffer: Uint8Array): void;
  /** Checks the id, stores durably, takes the buffer back. Throws `damaged` when the bytes are not that pack. */
  storePack(state: StateId, id: PackId, buffer: Uint8Array, sizeBytes: number): Promise<void>;
  /** Reads a pack into a borrowed buffer and returns its size. Throws `not-found`, `damaged`. */
  loadPack(state: StateId, id: PackId, buffer: Uint8Array): Promise<number>;
}

/** One step of progress of a capture or a restore. */
export interface Progress {
  readonly phase: string;
  /** Bytes of file content done and to be done in this phase; total is 0 while unknown. */
  readonly bytes: number;
  readonly totalBytes: number;
  readonly files: number;
  readonly totalFiles: number;
}

/** An item that was left out or needs a person, with the reason. `path` is shown with bad bytes escaped. */
export interface ReportItem {
  readonly path: string;
  readonly reason: string;
}

/** A list of items that cannot grow without end: what is beyond REPORT_ITEMS_MAX is counted only. */
export interface Report {
  readonly items: readonly ReportItem[];
  readonly count: number;
}

/** What the destination of a direct stream asks its source for: one thing after another, over as many streams as it takes. */
export interface DirectAsk {
  /**
   * `plan`: the packs of the plan. `compare`: the pieces and hashes of files that may be there already, without their
   * bytes. `content`: files.
   */
  readonly what: 'plan' | 'compare' | 'content';
  /** Which files, as `EntrySet` writes them; empty for the plan. */
  readonly entries: Uint8Array;
  /** Bytes from the front of a file that are there already, by entry, ascending. At most DIRECT_OFFSETS_MAX. */
  readonly offsets: readonly { readonly entry: number; readonly offset: number }[];
}

/** Takes the packs of an answer, at the source. */
export interface DirectSink {
  /**
   * Settles when the destination has used the pack: with the milliseconds for which it had nothing to do before the pack
   * was there. The memory is the network's until then.
   */
  put(pack: SealedPack, signal: AbortSignal): Promise<number>;
}

/** Takes the packs of an answer, at the destination. */
export interface DirectTaker {
  /**
   * A buffer of DIRECT_PACK_BYTES. There are DIRECT_BUFFERS of them. One that was borrowed for a pack that did not come
   * whole is not taken: when the ask has settled, all are free again.
   */
  borrow(): Uint8Array;
  /** Called in the order of arrival, before earlier calls have settled; then the buffer is free. */
  take(buffer: Uint8Array, sizeBytes: number): Promise<void>;
}

/** The source of a direct stream, as its destination sees it. */
export interface DirectAsker {
  /**
   * Asks, and hands over every pack of the answer. True: the answer is whole. False: the stream broke off, and what was
   * taken so far is good; ask for the rest, once `take` has settled. Waits while there is no connection. Throws what the
   * source says, what `take` throws, or the signal's reason.
   */
  ask(ask: DirectAsk, taker: DirectTaker, signal: AbortSignal): Promise<boolean>;
}
