/** Inputs that are kept beside the harness: those that reach something (`corpus`), and those that have failed (`failures`). */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOP = fileURLToPath(new URL('.', import.meta.url));
/** Of one target: all together stay below 2 MiB. */
const CORPUS_BYTES_MAX = 8 * 1024;
const CORPUS_INPUT_BYTES_MAX = 2 * 1024;

export type Kind = 'corpus' | 'failures';

export function keptInputs(kind: Kind, target: string): { name: string; input: Buffer }[] {
  const folder = join(TOP, kind, target);
  return namesIn(folder).map((name) => ({ name, input: readFileSync(join(folder, name)) }));
}

/** Writes it under the hash of its bytes, and returns where. */
export function keep(kind: Kind, target: string, input: Uint8Array): string {
  const folder = join(TOP, kind, target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 16));
  writeFileSync(path, input);
  return path;
}

/** Adds small inputs to the corpus while there is room. Returns how many. */
export function addToCorpus(target: string, inputs: readonly Uint8Array[]): number {
  let room = CORPUS_BYTES_MAX - keptInputs('corpus', target).reduce((sum, { input }) => sum + input.length, 0);
  let added = 0;
  for (const input of inputs) {
    if (input.length > Math.min(CORPUS_INPUT_BYTES_MAX, room)) continue;
    keep('corpus', target, input);
    room -= input.length;
    added += 1;
  }
  return added;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
