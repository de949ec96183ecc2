import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../common/errors.ts';
import { LocalSystem } from '../../state/areas/base/local-system.ts';
import type { AreaName } from '../../state/areas/base/names.ts';
import { type SurveyedArea, surveyMachine } from '../../state/areas/survey/index.ts';
import { sourceOf } from '../../state/areas/survey/survey.ts';
import type { RuleFilter } from '../../state/plan/rule-filter.ts';
import { DOCUMENTS_NAME, type SourceTree } from '../../state/plan/source-tree.ts';
import type { Emit } from '../events.ts';
import { choosePaths } from './choose-paths.ts';

/** What somebody asks to be captured. */
export interface ScopeWish {
  /** Absolute, as the captured machine has them: taken whole. */
  readonly paths: readonly string[];
  /** Taken by their rules. */
  readonly areas: readonly AreaName[];
  /** What areas take of people is taken of these only; undefined: of all. */
  readonly users?: readonly string[] | undefined;
  /** The folder that is the captured machine's root. */
  readonly root: string;
}

export interface ScopeOptions {
  /** Folders of the agent's own that are never part of a state, as this machine has them. */
  readonly exclude: readonly string[];
  /** An existing, empty folder for what the areas say; the caller's. It has to stay until all of it was read. */
  readonly folder: string;
  /** Folders of catalogue rules of this HOME's own. */
  readonly ruleFolders: readonly string[];
  readonly nowMs: number;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** What is captured, and where it lies. */
export interface Scope {
  /** Absolute, as the captured machine has them: those that were asked for, and the documents. */
  readonly paths: readonly string[];
  readonly tree: SourceTree;
  /** What areas take beside them; undefined where none were asked for. */
  readonly filter: RuleFilter | undefined;
  readonly areas: readonly SurveyedArea[];
  /** What areas could not take. */
  readonly skipped: number;
  /** The captured machine's own name, where it is not this one. */
  readonly machineName: string | undefined;
}

/**
 * Finds what a wish means on this machine; areas are looked at now. What they cannot take is told as `skipped`. Throws
 * `usage`, `not-found`, `nothing-left`, or the signal's reason.
 */
export async function openScope(wish: ScopeWish, options: ScopeOptions): Promise<Scope> {
  const { emit, exclude, folder } = options;
  const { root } = wish;
  checkScope(wish);
  const machineName = root === '/' ? undefined : nameOfRoot(root);
  const asked = choosePaths(wish.paths, exclude, root);
  for (const path of asked.own) emit({ event: 'note', message: `left out, the agent's own: ${path}` });
  if (wish.areas.length === 0) {
    if (asked.paths.length === 0) throw nothingLeft(asked.own);
    return { paths: asked.paths, tree: { root }, filter: undefined, areas: [], skipped: 0, machineName };
  }
  const { nowMs, signal, ruleFolders } = options;
  const { areas, rules } = await surveyMachine(
    { root, areas: wish.areas, users: wish.users, folder, nowMs, ruleFolders },
    signal,
  );
  for (const { area, couldNot } of areas) {
    for (const { what, why } of couldNot) emit({ event: 'skipped', path: what, reason: why, area });
  }
  const roots = areas.flatMap((area) => area.roots.map(({ path }) => path));
  const there = roots.filter((path) => lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined);
  const homes = areas.flatMap(({ area, roots }) => (area === 'homes' ? roots.map(({ path }) => path) : []));
  return {
    paths: [...asked.paths, `/${DOCUMENTS_NAME}`],
    filter: { roots: choosePaths(there, exclude, root).paths.map(bytesOf), homes: homes.map(bytesOf), rules },
    tree: { root, documents: folder },
    areas,
    skipped: areas.reduce((sum, { couldNot }) => sum + couldNot.length, 0),
    machineName,
  };
}

/** Undefined where its files do not say. */
const nameOfRoot = (root: string): string | undefined => sourceOf(new LocalSystem(root)).hostname || undefined;

const bytesOf = (path: string): Buffer => Buffer.from(path);

/** Throws `usage` for what cannot be captured together, `not-found` for a root that is none. */
export function checkScope({ paths, areas, root }: ScopeWish): void {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ResettleError('not-found', `${root} is no folder that could be a machine's root`, {
      hint: 'name the folder where the old disk is mounted or unpacked',
    });
  }
  // Areas stand at the top of a snapshot under a name of ours.
  const reserved = paths.find((path) => path === `/${DOCUMENTS_NAME}` || path.startsWith(`/${DOCUMENTS_NAME}/`));
  if (reserved !== undefined) {
    throw new ResettleError('usage', `${reserved} is a name that snapshots keep for areas`, { hint: 'rename it' });
  }
  if (areas.length > 0 && paths.includes('/')) {
    throw new ResettleError('usage', 'the PATH / and areas do not go together', {
      hint: 'name the folders to take whole, or leave the areas out with PATH / alone',
    });
  }
}

function nothingLeft(own: readonly string[]): ResettleError {
  return new ResettleError('nothing-left', `nothing is left to capture: ${own.join(', ')} is the agent's own`, {
    hint: 'keys and records of an agent stay on its machine; the new machine has its own',
  });
}
