/**
 * How many connections to keep, and which. All members with all while that is few; in a larger fleet a few random ones
 * each: then news has few steps to go, and a fleet holds together whoever leaves. Pure: no clock, no network.
 */
import type { RandomBytes } from '../../common/clock.ts';
import { STANDING_CONNECTIONS_MAX, STANDING_CONNECTIONS_MIN } from '../../common/limits.ts';
import { between } from './between.ts';

/** True where there are more members than a machine has connections to. */
export function isLarge(members: number): boolean {
  return members > STANDING_CONNECTIONS_MAX + 1;
}

/** Below so many connections, others are dialled. */
export function leastConnections(members: number): number {
  return isLarge(members) ? STANDING_CONNECTIONS_MIN : STANDING_CONNECTIONS_MAX;
}

/** In random order; a copy. */
export function shuffled<T>(random: RandomBytes, list: readonly T[]): T[] {
  const all = [...list];
  for (let last = all.length - 1; last > 0; last -= 1) {
    const other = Math.floor(between(random, 0, last + 1));
    [all[last], all[other]] = [all[other]!, all[last]!];
  }
  return all;
}

/** The first of one list, the first of the other, the second of one, and so on. */
export function alternating<T>(some: readonly T[], others: readonly T[]): T[] {
  return Array.from({ length: Math.max(some.length, others.length) }, (_, index) => [
    ...some.slice(index, index + 1),
    ...others.slice(index, index + 1),
  ]).flat();
}

/**
 * Whom to dial first: at random, and by turns those who were heard on the network just now and those whom only the records
 * know. The first are there; without the second, a fleet of several networks would fall into parts.
 */
export function inDialOrder<P extends { readonly seenBy: readonly string[] }>(
  random: RandomBytes,
  known: Iterable<P>,
): P[] {
  const { heard = [], told = [] } = Object.groupBy(shuffled(random, [...known]), ({ seenBy }) =>
    seenBy.includes('mdns') ? 'heard' : 'told',
  );
  return alternating(heard, told);
}
