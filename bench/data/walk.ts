import { lstatSync, readdirSync, type Stats } from 'node:fs';

export interface Item {
  readonly path: Buffer;
  readonly stat: Stats;
}

const SLASH = Buffer.from('/');

export const below = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, SLASH, name]);

/**
 * Everything below `folder`, in the order of the names' bytes, a folder before what is in it.
 * What cannot be read is handed to `unreadable` and left out.
 */
export function* walk(
  folder: Buffer,
  unreadable: (error: unknown) => void = (error) => {
    throw error;
  },
): Generator<Item> {
  let names: Buffer[] = [];
  try {
    names = readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare);
  } catch (error) {
    unreadable(error);
  }
  for (const name of names) {
    const path = below(folder, name);
    const stat = lstatSync(path);
    yield { path, stat };
    if (stat.isDirectory()) yield* walk(path, unreadable);
  }
}

/** The sizes of all files below a folder, summed: what a store weighs. */
export function bytesBelow(folder: string): number {
  let bytes = 0;
  for (const { stat } of walk(Buffer.from(folder))) if (stat.isFile()) bytes += stat.size;
  return bytes;
}
