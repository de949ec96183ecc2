import { ResettleError } from '../../common/errors.ts';
import { codeOf } from './errno.ts';

/** The disk is used up, or a person's share of it. */
const FULL: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

export function saysFull(code: string | undefined): boolean {
  return FULL.has(code);
}

/** `no-space` with the place that it is about, where a full disk is why something failed; else the error as it is. */
export function orNoSpace(error: unknown, where: string): unknown {
  const isOurs = error instanceof ResettleError;
  if (isOurs && error.code !== 'failed') return error;
  if (!saysFull(codeOf(isOurs ? error.cause : error))) return error;
  return new ResettleError('no-space', `there is no space left in ${where}`, { cause: error });
}
