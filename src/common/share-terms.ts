import { ResettleError } from './errors.ts';
import { SHARE_HOLDERS_MAX } from './limits.ts';

/** How many shares open a key, of how many. */
export interface ShareTerms {
  readonly needed: number;
  readonly total: number;
}

const SHARES_MIN = 2;

/** Reads `3/5`. Throws `usage` unless 2 ≤ K ≤ N ≤ SHARE_HOLDERS_MAX. */
export function parseShareTerms(text: string): ShareTerms {
  const [, needed, total] = /^(\d{1,2})\/(\d{1,2})$/.exec(text.trim()) ?? [];
  const terms = { needed: Number(needed), total: Number(total) };
  if (areShareTerms(terms)) return terms;
  throw new ResettleError('usage', `${JSON.stringify(text)} does not say how many shares are needed`, {
    hint: `write K/N, such as 3/5: K shares of N open the key, with 2 at least and N at most ${SHARE_HOLDERS_MAX}`,
  });
}

export function areShareTerms({ needed, total }: ShareTerms): boolean {
  const whole = Number.isInteger(needed) && Number.isInteger(total);
  return whole && SHARES_MIN <= needed && needed <= total && total <= SHARE_HOLDERS_MAX;
}

/**
 * The terms for so many holders: all of them up to SHARE_HOLDERS_MAX, and more than half of them are needed. Undefined
 * where there are too few, for the wish or at all.
 */
export function chooseShareTerms(holders: number, wished: ShareTerms | null): ShareTerms | undefined {
  if (wished) return holders >= wished.total ? wished : undefined;
  const total = Math.min(holders, SHARE_HOLDERS_MAX);
  return total < SHARES_MIN ? undefined : { needed: Math.floor(total / 2) + 1, total };
}
