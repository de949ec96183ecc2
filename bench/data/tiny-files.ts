import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Numbers } from './numbers.ts';

const FILE_MAX_BYTES = 2048;
const FILES_A_FOLDER = 100;
const FOLDERS_A_FOLDER = 100;

/** Makes `count` files of 0 to 2 KiB, every other one of words, the others random; the same ones each time. */
export function makeTinyFiles(into: string, count: number): void {
  const content = Buffer.alloc(FILE_MAX_BYTES + 1);
  let folder = into;
  for (let file = 0; file < count; file++) {
    if (file % FILES_A_FOLDER === 0) {
      const number = file / FILES_A_FOLDER;
      folder = join(into, `group-${Math.floor(number / FOLDERS_A_FOLDER)}`, `folder-${number % FOLDERS_A_FOLDER}`);
      mkdirSync(folder, { recursive: true });
    }
    const numbers = new Numbers(file);
    const bytes = numbers.below(FILE_MAX_BYTES + 1);
    const words = file % 2 === 0;
    const part = content.subarray(0, bytes);
    if (words) numbers.fillWithWords(part);
    else numbers.fill(part);
    writeFileSync(join(folder, `${words ? 'note' : 'image'}-${file}`), part);
  }
}
