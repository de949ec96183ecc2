import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What a folder holds, or why it does not suit a demonstration. */
interface Measured {
  readonly files: number;
  readonly bytes: number;
  readonly suits: boolean;
}

const WANTED_FILES = 2_500;
const WANTED_BYTES = 110e6;
/** A single folder larger than this would make the demonstration long. */
const FOLDER_MAX_BYTES = 150e6;
const PATHS_MAX = 200;

function measure(path: string): Measured {
  let files = 0;
  let bytes = 0;
  const uid = process.getuid?.() ?? 0;
  const todo = [path];
  while (todo.length > 0) {
    const folder = todo.pop()!;
    let names: string[];
    try {
      names = readdirSync(folder);
    } catch {
      return { files, bytes, suits: false };
    }
    for (const name of names) {
      const entry = join(folder, name);
      const stat = lstatSync(entry);
      const special = !stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink();
      const privileged = stat.isFile() && (stat.mode & 0o6000) !== 0;
      const foreign = uid !== 0 && stat.uid !== uid;
      if (special || privileged || foreign || bytes > FOLDER_MAX_BYTES) return { files, bytes, suits: false };
      if (stat.isDirectory()) todo.push(entry);
      else files += 1;
      if (stat.isFile()) bytes += stat.size;
    }
  }
  return { files, bytes, suits: true };
}

/** Folders of this machine that together are a sample of real files: at least 2,000 and 100 MB. Nothing is written. */
export function chooseSample(parents: readonly string[]): { paths: string[]; files: number; bytes: number } {
  const paths: string[] = [];
  let files = 0;
  let bytes = 0;
  for (const parent of parents) {
    let names: string[] = [];
    try {
      names = readdirSync(parent).sort();
    } catch {
      continue;
    }
    for (const name of names) {
      if ((files >= WANTED_FILES && bytes >= WANTED_BYTES) || paths.length >= PATHS_MAX) break;
      const path = join(parent, name);
      if (!lstatSync(path).isDirectory()) continue;
      const measured = measure(path);
      if (!measured.suits || measured.files === 0) continue;
      paths.push(path);
      files += measured.files;
      bytes += measured.bytes;
    }
  }
  return { paths, files, bytes };
}
