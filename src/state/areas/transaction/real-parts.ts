import { LocalSystem } from '../base/local-system.ts';
import { OWNERS_AS_CAPTURED } from '../base/owners-as-captured.ts';
import { AREAS } from '../registry.ts';
import type { AreasParts } from './parts.ts';

const REAL_PARTS: AreasParts = {
  areas: AREAS,
  systemAt: (root) => new LocalSystem(root),
  ownerTable: () => null,
  ownersOf: () => OWNERS_AS_CAPTURED,
};

/** The real ones, or those of a test's module. */
export async function loadParts(module: string | undefined): Promise<AreasParts> {
  return module === undefined ? REAL_PARTS : ((await import(module)) as { readonly parts: AreasParts }).parts;
}
