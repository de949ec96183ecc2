import type { System } from '../base/system.ts';
import { type RangeLine, readRanges } from './account-lines.ts';
import type { LoginDefs } from './login-defs.ts';
import type { MappedRange, MappedUser } from './owner-table.ts';
import type { IdRange, User } from './schema.ts';
import type { TargetAccounts } from './target-accounts.ts';

/** Below lie the ids of 16 bits, people's and the system's. */
const SUBORDINATE_MIN = 65_536;

/**
 * Where each person's subordinate ids lie on the target: in the range that the user has there, where it was if nobody has
 * that, else in the next gap. Ranges that find none stay out, as do those that reach into real ids.
 */
export function mapRanges(
  kind: 'subuids' | 'subgids',
  people: readonly User[],
  users: readonly MappedUser[],
  { defs, person }: TargetAccounts,
  target: System,
): readonly MappedRange[] {
  const there = readRanges(target, kind === 'subuids' ? '/etc/subuid' : '/etc/subgid').entries;
  const limits = kind === 'subuids' ? defs.subUid : defs.subGid;
  const wishedBy = (from: string): readonly IdRange[] =>
    (people.find(({ username }) => username === from)?.[kind] ?? []).filter(({ start }) => start >= SUBORDINATE_MIN);
  const known = users.filter(({ to }) => person(to));
  const taken: IdRange[] = [...there];
  const places = new Map<IdRange, number>();
  const wished = users.filter(({ to }) => !person(to)).flatMap(({ from }) => wishedBy(from));
  // Who can keep a range goes first.
  for (const mustKeep of [true, false]) {
    for (const range of wished) {
      const start = places.has(range) ? undefined : placeFor(range, taken, limits);
      if (start === undefined || (mustKeep && start !== range.start)) continue;
      taken.push({ start, count: range.count });
      places.set(range, start);
    }
  }
  const paired = known.flatMap(({ from, to }) =>
    pairs(
      wishedBy(from),
      there.filter(({ name }) => name === to),
    ),
  );
  return [...paired, ...[...places].map(([{ start, count }, to]) => ({ from: start, to, count }))];
}

/** Ranges of somebody who is there: one by one, as far as they are large enough. */
function pairs(wished: readonly IdRange[], there: readonly RangeLine[]): readonly MappedRange[] {
  return wished.flatMap(({ start, count }, index) => {
    const range = there[index];
    return range && range.start >= SUBORDINATE_MIN && range.count >= count
      ? [{ from: start, to: range.start, count }]
      : [];
  });
}

/** Where a range of so many ids fits: where it was, else the lowest gap. */
export function placeFor(
  { start, count }: IdRange,
  taken: readonly IdRange[],
  limits: LoginDefs['subUid'],
): number | undefined {
  const min = Math.max(limits.min, SUBORDINATE_MIN);
  const max = Math.min(limits.max, 0xffff_fffe);
  const isFree = (at: number): boolean =>
    at >= min && at + count - 1 <= max && taken.every((one) => at + count <= one.start || at >= one.start + one.count);
  if (isFree(start)) return start;
  return [min, ...taken.map((one) => one.start + one.count)].sort((a, b) => a - b).find(isFree);
}
