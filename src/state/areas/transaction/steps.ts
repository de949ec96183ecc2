import { AREA_NAMES, type AreaName, FILES_AFTER } from '../base/names.ts';
import type { Node, OwnedMode, Present } from './node.ts';

/** Before or after the files of the same restore. */
export type Phase = 'before' | 'after';
export const PHASES: readonly Phase[] = ['before', 'after'];

export const phaseOf = (area: AreaName): Phase =>
  AREA_NAMES.indexOf(area) <= AREA_NAMES.indexOf(FILES_AFTER) ? 'before' : 'after';

/** What one area makes of a path. `metadata` leaves what is there and gives it an owner and a mode. */
export type Made = Exclude<Node, { kind: 'other' }> | ({ readonly kind: 'metadata' } & OwnedMode);

export interface Layer {
  readonly area: AreaName;
  readonly made: Made;
}

/**
 * Everything that one phase does to one path, as one change: the last layer is what it gets. Those beneath are what it would
 * have if later areas were taken back.
 */
export interface Step {
  readonly number: number;
  readonly phase: Phase;
  readonly path: string;
  /**
   * What was there when it was planned. Undefined where that is known only when its phase begins: the phase before, or the
   * files of the same restore, may change the path.
   */
  readonly before?: Present;
  /** The files of the same restore may change it after it was planned. */
  readonly isLoose?: boolean;
  readonly layers: readonly Layer[];
}

/** What a path is with the layers up to one; −1 for what was there before. */
export function stateAt({ layers }: Step, before: Present, level: number): Node {
  const made = layers[level]?.made;
  if (!made) return before;
  if (made.kind !== 'metadata') return made;
  const below = stateAt({ layers } as Step, before, level - 1);
  if (below.kind !== 'file' && below.kind !== 'folder') return below;
  const { mode, uid, gid } = made;
  return { ...below, mode, uid, gid };
}

/** The layer whose content a path has at a level; −1 for what was there before. */
export function contentLevel({ layers }: Step, level: number): number {
  let at = level;
  while (at >= 0 && layers[at]!.made.kind === 'metadata') at -= 1;
  return at;
}

export const top = ({ layers }: Step): number => layers.length - 1;

/** A step that leaves what is there, and changes its owner and mode only. */
export const isMetadataOnly = ({ layers }: Step): boolean => layers.every(({ made }) => made.kind === 'metadata');

export const makesFolder = ({ layers }: Step): boolean => layers.some(({ made }) => made.kind === 'folder');

/** The order in which a phase is carried out: folders first, so that unfinished files can lie in them. */
export function inOrder(steps: readonly Step[], phase: Phase): readonly Step[] {
  const own = steps.filter((step) => step.phase === phase);
  return [...own.filter(makesFolder), ...own.filter((step) => !makesFolder(step))];
}

export const folderOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

/** The folders above a path, the highest first, without the root. */
export function foldersAbove(path: string): string[] {
  const names = path.split('/').slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}
