/** What is fuzzed: one way of reading bytes that may come from anybody. */
import type { ErrorCode } from '../../src/common/errors.ts';
import type { Random } from '../faults/scenario.ts';

/** How its inputs are built, so that mutations can follow it. */
export type Shape = 'bytes' | 'cbor' | 'protobuf' | 'json' | 'yaml' | 'lines' | 'words';

export interface Target<Value = unknown> {
  /** Also the name of its folder in `corpus` and `failures`. */
  readonly name: string;
  readonly shape: Shape;
  /** The codes of `ResettleError` that it may refuse with. Anything else that it throws is a fault. */
  readonly refusals: readonly ErrorCode[];
  /** An input that it takes, made by what the program itself writes. */
  valid(random: Random): Uint8Array | Promise<Uint8Array>;
  decode(bytes: Uint8Array): Value | Promise<Value>;
  /** Writes what was decoded; that must decode to the same. */
  encode?(value: Value): Uint8Array | Promise<Uint8Array>;
  /** There is one encoding, and no other is taken. */
  readonly isCanonical?: boolean;
  /** Share of the executions of a run that falls on it, against 1 of others: it is dear, or deserves more. */
  readonly weight?: number;
  /** Words that mean something to it. */
  readonly words?: readonly string[];
}

/** A target among others: what it decodes to is its own affair. */
export function target<Value>(of: Target<Value>): Target {
  return of as Target;
}
