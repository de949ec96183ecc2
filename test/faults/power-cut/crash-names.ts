import type { Random } from '../scenario.ts';
import type { Cut } from './crash.ts';
import type { Durable } from './durable.ts';
import { happens } from './happens.ts';
import { type Before, type Inode, type Kind, keyOf, type Operation } from './operations.ts';

interface How {
  readonly cut: Cut;
  readonly journal: readonly number[];
  readonly random: Random;
}

/** Whether each of the two names that an operation changes is changed; others than renames change `to` only. */
interface Kept {
  readonly from: boolean;
  readonly to: boolean;
}

/** The names in every folder after a cut. */
export function keptNames(
  before: Before,
  done: readonly Operation[],
  durable: Durable,
  how: How,
): Map<Inode, Map<string, Inode>> {
  const kept = how.cut.profile === 'posix' ? chosen(before, done, durable, how) : inOrder(done, durable, how);
  const folders = new Map<Inode, Map<string, Inode>>();
  const namesOf = (folder: Inode): Map<string, Inode> => {
    const known = folders.get(folder) ?? new Map<string, Inode>();
    folders.set(folder, known);
    return known;
  };
  for (const [inode, { made }] of before.items) if (made.kind === 'folder') namesOf(inode);
  for (const { at, inode } of before.names) namesOf(at.folder).set(at.name, inode);
  for (const [index, operation] of done.entries()) {
    if (operation.type === 'make' && operation.made.kind === 'folder') namesOf(operation.inode);
    const { from, to } = kept[index]!;
    if (operation.type === 'rename') {
      if (from) namesOf(operation.from.folder).delete(operation.from.name);
      if (to) namesOf(operation.to.folder).set(operation.to.name, operation.inode);
    } else if (to && operation.type === 'remove') namesOf(operation.at.folder).delete(operation.at.name);
    else if (to && 'at' in operation && 'inode' in operation) {
      namesOf(operation.at.folder).set(operation.at.name, operation.inode);
    }
  }
  return folders;
}

const NEITHER: Kept = { from: false, to: false };
const BOTH: Kept = { from: true, to: true };

/** One order for all names of a file system. */
function inOrder(done: readonly Operation[], durable: Durable, { journal }: How): Kept[] {
  return done.map((operation, index) => {
    const folder =
      operation.type === 'rename' ? operation.to.folder : 'at' in operation ? operation.at.folder : undefined;
    return folder !== undefined && index < journal[durable.volumeOf(folder)]! ? BOTH : NEITHER;
  });
}

/** Name by name; from the end, since what is kept may need a rename that came before. */
function chosen(before: Before, done: readonly Operation[], durable: Durable, { cut, random }: How): Kept[] {
  const kinds = new Map<Inode, Kind>([...before.items].map(([inode, { made }]) => [inode, made.kind]));
  for (const operation of done) if (operation.type === 'make') kinds.set(operation.inode, operation.made.kind);
  const kept: Kept[] = Array.from({ length: done.length }, () => NEITHER);
  /** Names that are something else later: what was renamed away from there must be where it went. */
  const used = new Set<string>();
  for (let index = done.length - 1; index >= 0; index--) {
    const operation = done[index]!;
    const isDurable = (folder: Inode) => index < durable.of(folder);
    if (operation.type === 'rename') {
      const { from, to } = operation;
      const isOne = from.folder === to.folder || kinds.get(operation.inode) === 'folder';
      const gone = isDurable(from.folder) || used.has(keyOf(from)) || happens(random, cut.names);
      const come = isDurable(to.folder) || gone || happens(random, cut.names);
      kept[index] = { from: isOne ? come : gone, to: come };
      if (kept[index]!.from) used.add(keyOf(from));
      if (come) used.add(keyOf(to));
    } else if ('at' in operation) {
      const isThere = isDurable(operation.at.folder) || happens(random, cut.names);
      kept[index] = { from: false, to: isThere };
      if (isThere) used.add(keyOf(operation.at));
    }
  }
  return kept;
}
