/** Values of which valid inputs are made. */
import type { RandomBytes } from '../../../src/common/clock.ts';
import type { Random } from '../../faults/scenario.ts';

export const hashHex = (random: Random): string => random.bytes(32).toString('hex');
export const hex = (random: Random, bytes: number): string => random.bytes(bytes).toString('hex');
export const someBytes = (random: Random, most: number): Buffer => random.bytes(random.integer(most + 1));
export const flag = (random: Random): boolean => random.integer(2) === 1;

/** Small, large, or anything up to 2^53 - 1. */
export function count(random: Random): number {
  const which = random.integer(3);
  if (which === 0) return random.integer(4);
  return which === 1 ? random.integer(1_000_000) : random.integer(2 ** 32) * 2 ** 21 + random.integer(2 ** 21);
}

export function listOf<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: random.integer(most + 1) }, make);
}

export function maybe<T>(random: Random, make: () => T): T | undefined {
  return random.integer(3) === 0 ? undefined : make();
}

export function orNull<T>(random: Random, make: () => T): T | null {
  return random.integer(3) === 0 ? null : make();
}

const WORDS: readonly string[] = ['ann', 'desk', 'Büro', '机', 'x', 'a b', 'lab-printer', 'Größe', 'r2d2', 'ünï'];
export const word = (random: Random): string => random.pick(WORDS);
export const sentence = (random: Random): string =>
  Array.from({ length: 1 + random.integer(6) }, () => word(random)).join(' ');

export const address = (random: Random): string =>
  random.pick([
    '/ip4/192.168.1.7/tcp/4001',
    '/ip6/fe80::1/tcp/4001',
    '/ip4/10.0.0.1/tcp/65535',
    '/ip6zone/eth0/ip6/fe80::2/tcp/1',
  ]);

export const randomBytesOf =
  (random: Random): RandomBytes =>
  (size) =>
    new Uint8Array(random.bytes(size));
