/** One execution: the input is decoded, and what must hold of every decoder is looked at. */
import { ResettleError } from '../../src/common/errors.ts';
import { difference } from './same.ts';
import type { Target } from './target.ts';

/** A fault of the program that an input shows. */
/** A private key that stands in a message: it would get into logs, and onto screens. */
const SECRET = /AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{20}/i;

export class Finding extends Error {
  override readonly name = 'Finding';
  readonly what: 'uncaught' | 'round-trip' | 'two-forms' | 'slow' | 'memory';

  constructor(what: Finding['what'], message: string, cause?: unknown) {
    super(`${what}: ${message}`, cause === undefined ? undefined : { cause });
    this.what = what;
  }
}

/** What became of an input. Two of the same `sign` went the same way, as far as can be told without counting blocks. */
export interface Outcome {
  readonly isTaken: boolean;
  readonly sign: string;
}

const TAKEN: Outcome = { isTaken: true, sign: 'taken' };
const SIGN_CHARS_MAX = 90;

/** Throws `Finding`. */
export async function judge(target: Target, input: Uint8Array): Promise<Outcome> {
  let value: unknown;
  try {
    value = target.decode(input);
    if (value instanceof Promise) value = await value;
  } catch (error) {
    return refusal(target, error);
  }
  if (target.encode) await roundTrip(target as Required<Target>, input, value);
  return TAKEN;
}

function refusal(target: Target, error: unknown): Outcome {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (SECRET.test(cause.message))
      throw new Finding('uncaught', 'a private key stands in the message of an error', error);
  }
  if (error instanceof ResettleError && target.refusals.includes(error.code)) {
    return { isTaken: false, sign: signOf(error) };
  }
  if (error instanceof Finding) throw error;
  const text =
    error instanceof Error ? `${error.name} ${'code' in error ? error.code : ''} ${error.message}` : String(error);
  throw new Finding('uncaught', text.slice(0, 300), error);
}

/** The code and the words of the message and of what caused it: numbers and quoted input would make each one new. */
function signOf(error: ResettleError): string {
  const cause = error.cause instanceof Error ? error.cause.message : '';
  const words = `${error.message} ${cause}`.replace(/["“'].*["”']/gsu, '"').replace(/[^A-Za-z ]+/g, '#');
  return `${error.code} ${words.slice(0, SIGN_CHARS_MAX)}`;
}

async function roundTrip(target: Required<Target>, input: Uint8Array, value: unknown): Promise<void> {
  let again: Uint8Array;
  let second: unknown;
  try {
    again = await target.encode(value);
    second = await target.decode(again);
  } catch (error) {
    throw new Finding('round-trip', `what was decoded cannot be written and read again: ${error}`, error);
  }
  const differs = difference(value, second);
  if (differs !== undefined)
    throw new Finding('round-trip', `it reads as something else when it is written again: ${differs}`);
  if (target.isCanonical && Buffer.compare(again, input) !== 0) {
    throw new Finding('two-forms', 'the same was taken in another form than the one that is written');
  }
}
