/** What is moved: who to whom, how, and the trees of their people. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesBelow, makeHome } from '../../support/trees.ts';
import type { Random } from '../scenario.ts';

/** How large the trees of a run are. */
export interface Sizes {
  readonly bulkBytes: number;
  readonly smallFiles: number;
  readonly largeBytes: number;
}

export interface Move {
  readonly source: string;
  /** The source's own name where it is in place. */
  readonly destination: string;
  readonly inPlace: boolean;
  readonly replicas: number;
  /** Points delete it as soon as it was restored. */
  readonly keepsNothing: boolean;
  /** The folder that a person of the source works in. */
  readonly tree: string;
  readonly treeBytes: number;
  /** Where the destination restores it. */
  readonly into: string;
}

const BULK_FILES = 8;

/** Every third move is in place, and each sort of tree, number of copies and term is among them. */
export function makeMoves(random: Random, dir: string, count: number, sizes: Sizes): Move[] {
  return Array.from({ length: count }, (_, index) => {
    const inPlace = index % 3 === 2;
    const source = inPlace ? `lab-${index}` : `old-${index}`;
    const tree = join(dir, 'people', source);
    // One is a single large file; of the others every second has many small ones.
    if (index === 0) makeLarge(random, tree, sizes.largeBytes);
    else if (index % 2 === 1) makeSmall(random, tree, sizes.smallFiles);
    else makeBulk(random, tree, sizes.bulkBytes);
    return {
      source,
      destination: inPlace ? source : `new-${index}`,
      inPlace,
      replicas: 1 + ((index >> 1) % 2),
      keepsNothing: random.integer(2) === 0,
      tree,
      treeBytes: bytesBelow(tree),
      into: join(dir, 'restored', source),
    };
  });
}

function makeLarge(random: Random, tree: string, bytes: number): void {
  makeHome(tree);
  writeFileSync(join(tree, 'machine.img'), random.bytes(bytes));
}

function makeBulk(random: Random, tree: string, bytes: number): void {
  makeHome(tree);
  for (let file = 0; file < BULK_FILES; file += 1) {
    writeFileSync(join(tree, `recording-${file}`), random.bytes(Math.ceil(bytes / BULK_FILES)));
  }
}

function makeSmall(random: Random, tree: string, files: number): void {
  makeHome(tree);
  for (let file = 0; file < files; file += 1) {
    const folder = join(tree, 'Mail', `folder-${file % 20}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `letter-${file}`), random.bytes(random.integer(20_000)));
  }
}
