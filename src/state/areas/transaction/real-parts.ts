import { ownersFor, ownersOf } from '../accounts/owners.ts';
import type { AccountsContent } from '../accounts/schema.ts';
import { LocalSystem } from '../base/local-system.ts';
import { AREAS } from '../registry.ts';
import type { AreasParts } from './parts.ts';

const REAL_PARTS: AreasParts = {
  areas: AREAS,
  systemAt: (root) => new LocalSystem(root),
  ownerTable: (contents, target, { mapUsers }) =>
    ownersFor(contents.get('accounts') as AccountsContent | undefined, target, mapUsers),
  ownersOf,
};

/** The real ones, or those of a test's module. */
export async function loadParts(module: string | undefined): Promise<AreasParts> {
  return module === undefined ? REAL_PARTS : ((await import(module)) as { readonly parts: AreasParts }).parts;
}
