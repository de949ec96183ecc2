import type { Random } from '../scenario.ts';
import { type Cut, happens, isOrdered } from './cut.ts';
import type { Durable } from './durable.ts';
import { LiveDisk } from './live-disk.ts';
import { type Before, type Inode, type Kind, keyOf, type Name, type Operation } from './operations.ts';

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
  const kept = isOrdered(how.cut.profile) ? inOrder(done, durable, how) : chosen(before, done, durable, how);
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

/** Name by name; from the end, since what is kept may need something that came before. */
function chosen(before: Before, done: readonly Operation[], durable: Durable, { cut, random }: How): Kept[] {
  const { kinds, displaced } = followed(before, done);
  const kept: Kept[] = Array.from({ length: done.length }, () => NEITHER);
  /** Names that are something else later: what was renamed away from there must be where it went. */
  const used = new Set<string>();
  /** What loses a name later, and must have those that it got before. */
  const needsNames = new Set<Inode>();
  const note = (at: Name, index: number): void => {
    used.add(keyOf(at));
    const lost = displaced[index];
    if (cut.profile === 'journaled' && lost !== undefined) needsNames.add(lost);
  };
  for (let index = done.length - 1; index >= 0; index--) {
    const operation = done[index]!;
    const isThere = (at: Name) => index < durable.of(at.folder) || happens(random, cut.names);
    if (operation.type === 'rename') {
      const { from, to } = operation;
      const isOne = from.folder === to.folder || kinds.get(operation.inode) === 'folder';
      const gone = used.has(keyOf(from)) || isThere(from);
      const come = gone || needsNames.has(operation.inode) || isThere(to);
      kept[index] = { from: isOne ? come : gone, to: come };
      if (kept[index]!.from) used.add(keyOf(from));
      if (come) note(to, index);
    } else if ('at' in operation) {
      const isNeeded = operation.type === 'link' && needsNames.has(operation.inode);
      const to = isNeeded || isThere(operation.at);
      kept[index] = { from: false, to };
      if (to) note(operation.at, index);
    }
  }
  return kept;
}

/** What everything is, and what had the name that each operation gives or takes. */
function followed(before: Before, done: readonly Operation[]) {
  const disk = new LiveDisk(before);
  const displaced = done.map((operation) => {
    const at = operation.type === 'rename' ? operation.to : 'at' in operation ? operation.at : undefined;
    const lost = at && disk.at(at.folder, at.name);
    if (at) disk.apply(operation);
    return lost;
  });
  return { kinds: new Map<Inode, Kind>([...disk.items].map(([inode, { made }]) => [inode, made.kind])), displaced };
}
