import type { CatalogueRule } from '../../catalogue/schema.ts';

/** What the area is made with: the catalogue, and what tests replace. */
export interface ApplicationsOptions {
  /** Called once for each look at a machine. Throws `usage`. */
  readonly rules: () => readonly CatalogueRule[];
  /** Some of them did not come with the program. */
  readonly hasOwnRules?: boolean;
  /** Keys and values of a dconf database, as GVariant texts; undefined where it is none. Without it none are looked at. */
  readonly readDconf?: ((database: Uint8Array) => ReadonlyMap<string, string> | undefined) | undefined;
  /** A clock that never goes back, in milliseconds. */
  readonly nowMs: () => number;
}
