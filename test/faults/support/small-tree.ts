/** A tree for runs that are many and short: one pack or two, files small and one of several segments. */
import { appendFileSync, chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../scenario.ts';

const FILES = 40;
const LARGE_BYTES = 3 * 1024 * 1024;

export function makeSmallTree(dir: string, random: Random): string {
  for (const folder of ['one', 'two', 'two/three']) mkdirSync(join(dir, folder), { recursive: true });
  for (let file = 0; file < FILES; file += 1) {
    writeFileSync(
      join(dir, random.pick(['one', 'two', 'two/three']), `file-${file}`),
      random.bytes(random.integer(3000)),
    );
  }
  writeFileSync(join(dir, 'large'), random.bytes(LARGE_BYTES));
  linkSync(join(dir, 'large'), join(dir, 'one', 'large again'));
  symlinkSync('large', join(dir, 'link'));
  chmodSync(join(dir, 'two'), 0o700);
  return dir;
}

export function changeSmallTree(dir: string, random: Random): void {
  appendFileSync(join(dir, 'large'), random.bytes(1 + random.integer(5000)));
  const fresh = join(dir, 'two', `fresh-${random.integer(1e6)}`);
  writeFileSync(fresh, random.bytes(random.integer(9000)));
  rmSync(join(dir, 'one', `file-${random.integer(FILES)}`), { force: true });
}
