/** Source folders for end-to-end tests. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** A small home folder with every kind of thing that people have. `marker` stands in names and contents. */
export function makeHome(dir: string, marker = 'marker'): string {
  mkdirSync(join(dir, 'Documents', 'Empty'), { recursive: true });
  mkdirSync(join(dir, `.config-${marker}`), { mode: 0o700 });
  writeFileSync(join(dir, `${marker}.txt`), `${marker}\n`.repeat(50));
  writeFileSync(join(dir, 'Documents', 'Grüße 東京.md'), `# ${marker}\n`);
  writeFileSync(join(dir, 'Documents', 'nothing'), '');
  writeFileSync(join(dir, `.config-${marker}`, 'settings'), `name=${marker}\n`, { mode: 0o600 });
  writeFileSync(join(dir, 'photo.raw'), randomBytes(300_000));
  writeFileSync(join(dir, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  linkSync(join(dir, 'photo.raw'), join(dir, 'Documents', 'photo-again.raw'));
  symlinkSync(`../${marker}.txt`, join(dir, 'Documents', 'link'));
  symlinkSync('/nowhere/at/all', join(dir, 'dangling'));
  chmodSync(join(dir, 'Documents', 'nothing'), 0o400);
  utimesSync(join(dir, 'run.sh'), 1_000_000_000, 1_000_000_000.5);
  return dir;
}

/** Files that no compression makes small, so that a transfer takes its time. */
export function makeBulk(dir: string, megabytes: number, files = 8): string {
  mkdirSync(dir, { recursive: true });
  for (let file = 0; file < files; file += 1) {
    writeFileSync(join(dir, `bulk-${file}`), randomBytes(Math.ceil((megabytes * 1e6) / files)));
  }
  return dir;
}

/** Every regular file below a folder, with its path. */
export function* filesBelow(dir: string): Generator<string> {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

export function bytesBelow(dir: string): number {
  let sum = 0;
  for (const path of filesBelow(dir)) sum += statSync(path).size;
  return sum;
}

/** The first place below a folder where a text stands, in a name or in a content. */
export function findText(dir: string, text: string): string | undefined {
  for (const path of filesBelow(dir)) {
    if (path.slice(dir.length).includes(text) || readFileSync(path).includes(text)) return path;
  }
  return undefined;
}
