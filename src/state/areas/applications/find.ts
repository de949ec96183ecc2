import { APPLICATION_PATH_MAX_BYTES, APPLICATION_PLACES_MAX } from '../../../common/limits.ts';
import type { CatalogueRule } from '../../catalogue/schema.ts';
import type { Lookup } from './lookup.ts';
import type { Person } from './people.ts';

/** An application that is there, and where its data lies. */
export interface Found {
  readonly rule: CatalogueRule;
  readonly places: readonly FoundPlace[];
}

export interface FoundPlace {
  readonly path: string;
  /** Whose home it lies in; undefined for the machine's own. */
  readonly person: Person | undefined;
}

/** Applications of which something is there that their rules detect, in the order of the rules. */
export function findApplications(
  rules: readonly CatalogueRule[],
  people: readonly Person[],
  lookup: Lookup,
): readonly Found[] {
  return rules.flatMap((rule): Found[] => {
    if (rule.kind === 'general') return [];
    const isOfMachine = rule.detect.some((pattern) => lookup.isThere(pattern));
    const of = people.filter(({ home }) => rule.detect.some((pattern) => lookup.isThere(pattern, home)));
    if (!isOfMachine && of.length === 0) return [];
    // What the machine itself has of it may be in homes too that nothing was detected in, and the other way round.
    const places = [
      ...placesOf(rule, lookup, undefined),
      ...(isOfMachine ? people : of).flatMap((person) => placesOf(rule, lookup, person)),
    ];
    return [{ rule, places: places.slice(0, APPLICATION_PLACES_MAX) }];
  });
}

/** What is there of what a rule includes; of a rule that includes nothing, what it detects. None inside another. */
function placesOf(rule: CatalogueRule, lookup: Lookup, person: Person | undefined): FoundPlace[] {
  const patterns = rule.include.length > 0 ? rule.include : rule.detect;
  const paths = [...new Set(patterns.flatMap((pattern) => lookup.places(pattern, person?.home)))].sort();
  const outer = paths.filter(
    (path) =>
      Buffer.byteLength(path) <= APPLICATION_PATH_MAX_BYTES && !paths.some((other) => path.startsWith(`${other}/`)),
  );
  return outer.map((path) => ({ path, person }));
}
