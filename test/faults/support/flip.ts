/** Damage at rest: what a disk does to a file while nobody looks. */
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../scenario.ts';

/** Flips one bit of a file, in place. Returns which, for people. */
export function flipBit(path: string, random: Random): string {
  const bytes = readFileSync(path);
  const bit = random.integer(8 * bytes.length);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  writeFileSync(path, bytes);
  return `bit ${bit} of ${path}`;
}

/** Every regular file below a folder that has bytes, sorted. */
export function filesBelow(dir: string): string[] {
  return (readdirSync(dir, { recursive: true, encoding: 'utf8' }) as string[])
    .map((name) => join(dir, name))
    .filter((path) => lstatSync(path).isFile() && lstatSync(path).size > 0)
    .sort();
}
