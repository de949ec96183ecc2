import type { CheckItem } from '../base/check-item.ts';

/**
 * Of what was expected, what was not judged. Several items may have one id: as many must be judged as were expected, those
 * of the same group first.
 */
export function unjudged<Item extends CheckItem>(expected: readonly Item[], judged: readonly CheckItem[]): Item[] {
  const left = new Map<string, number>();
  const add = (key: string, count: number): number => {
    const sum = (left.get(key) ?? 0) + count;
    left.set(key, sum);
    return sum;
  };
  for (const { id, group } of judged) {
    add(inGroup(id, group), 1);
    add(id, 1);
  }
  const take = (key: string): boolean => {
    if ((left.get(key) ?? 0) <= 0) return false;
    add(key, -1);
    return true;
  };
  const elsewhere = expected.filter(({ id, group }) => !take(inGroup(id, group)) || !take(id));
  return elsewhere.filter(({ id }) => !take(id));
}

const inGroup = (id: string, group: string): string => `${group}\0${id}`;
