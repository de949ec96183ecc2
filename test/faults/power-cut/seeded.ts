import type { Random } from '../scenario.ts';

/** Numbers that a seed gives (mulberry32, which is in the public domain). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (below: number): number => Math.floor(next() * below);
  return {
    integer,
    pick: (of) => of[integer(of.length)]!,
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => integer(256))),
  };
}
