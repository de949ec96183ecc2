import type { Random } from '../scenario.ts';

/** How much of what is not durable is there all the same, of 100. */
export type Share = 0 | 10 | 50 | 90 | 100;
export const SHARES: readonly Share[] = [0, 10, 50, 90, 100];

/** Something that happens so often. */
export const happens = (random: Random, share: Share) => share === 100 || (share > 0 && random.integer(100) < share);
