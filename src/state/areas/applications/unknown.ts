import { APPLICATIONS_UNKNOWN_MAX, APPLICATIONS_UNKNOWN_MIN_BYTES } from '../../../common/limits.ts';
import { RuleWalk } from '../../catalogue/rule-walk.ts';
import type { CatalogueRule } from '../../catalogue/schema.ts';
import type { Lookup } from './lookup.ts';
import type { Person } from './people.ts';
import type { UnknownFolder } from './schema.ts';
import type { Sizer } from './sizer.ts';

/** Folders that hold one folder for each program. */
const SHELVES = ['.config', '.local/share', '.local/state', '.var/app', 'snap'];
/** Of no program, or with a look of their own. */
const COMMON = new Set(['.config', '.local', '.var', '.cache', '.Trash']);

/** What programs keep in homes that no rule knows and that is not small: the largest first. */
export function unknownFolders(
  rules: readonly CatalogueRule[],
  people: readonly Person[],
  parts: { readonly lookup: Lookup; readonly walk: RuleWalk; readonly sizer: Sizer },
): UnknownFolder[] {
  const { lookup, walk, sizer } = parts;
  const isKnown = knownNames(rules);
  const found = people.flatMap(({ username, home }) =>
    candidates(lookup, home)
      .filter((names) => !isKnown(names) && walk.at(Buffer.from(`${home}/${names.join('/')}`)).isTaken)
      .map((names): UnknownFolder => {
        const path = `${home}/${names.join('/')}`;
        return { path, home, username, size: sizer.sizeOf(path) };
      }),
  );
  return found
    .filter(({ size }) => size.bytes >= APPLICATIONS_UNKNOWN_MIN_BYTES)
    .sort((a, b) => b.size.bytes - a.size.bytes || (a.path < b.path ? -1 : 1))
    .slice(0, APPLICATIONS_UNKNOWN_MAX);
}

/** Dot-folders of a home, and what lies on its shelves, by their names from the home on. */
function candidates(lookup: Lookup, home: string): string[][] {
  const dots = [...lookup.names(home)].filter((name) => name.startsWith('.') && !COMMON.has(name));
  const shelved = SHELVES.flatMap((shelf) =>
    [...lookup.names(`${home}/${shelf}`)].map((name) => [...shelf.split('/'), name]),
  );
  return [...dots.map((name) => [name]), ...shelved];
}

/** Whether a rule of one application or component names that folder, something in it, or what it lies in. */
function knownNames(rules: readonly CatalogueRule[]): (names: readonly string[]) => boolean {
  const patterns = rules
    .filter(({ kind }) => kind !== 'general')
    .flatMap(({ detect, include, exclude, never }) => [...detect, ...include, ...exclude, ...never])
    .filter((pattern) => pattern.startsWith('~/') && !pattern.startsWith('~/**'))
    // As paths of a machine whose root is the home.
    .map((pattern) => pattern.slice(1));
  const walk = new RuleWalk([{ id: 'known', kind: 'general', include: patterns, exclude: [], never: [] }], {
    homes: [],
  });
  return (names) => walk.at(Buffer.from(`/${names.join('/')}`)).mayHoldTaken;
}
