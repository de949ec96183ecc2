/** By way of another machine (here: an agent or an sshd on loopback), or into a folder of this one. */
export type Way = 'point' | 'folder';

/** One program that keeps the state of a folder somewhere and gives it back. */
export interface Contestant {
  readonly name: string;
  readonly way: Way;
  /** A second capture of the same data takes less than the first. */
  readonly repeats: boolean;
  /** Earlier captures stay, so that a store grows by what has changed. */
  readonly snapshots: boolean;
  /** Prepares everything that is not measured, beneath `base` only: servers, keys, an empty store. */
  open(base: string, data: string): Promise<Session>;
}

/** A contestant at work on one folder. */
export interface Session {
  /** What its long-lived processes are called, by process id. */
  readonly names: ReadonlyMap<number, string>;
  capture(): Promise<void>;
  /** Puts the newest capture's content straight into `into`, which does not exist yet. */
  restore(into: string): Promise<void>;
  /** The folder that holds what was captured. */
  readonly store: string;
  /** Ends its processes. */
  close(): Promise<void>;
}

/** A contestant that did not take part, and why. */
export interface LeftOut {
  readonly contestant: string;
  /** Undefined: in no way. */
  readonly way?: Way;
  readonly why: string;
}

/** Guards nothing: the stores of a bench hold copies of what lies open beside them. */
export const PASSPHRASE = 'a passphrase for the bench only';
