import { readFileSync } from 'node:fs';
import { ResettleError } from '../../../common/errors.ts';
import type { ReportItem } from '../../../common/ports.ts';
import { areasOf } from '../../../state/areas/base/documents.ts';
import { LocalSystem } from '../../../state/areas/base/local-system.ts';
import { AREA_NAMES } from '../../../state/areas/base/names.ts';
import { type Association, openTerms } from '../../../state/records/index.ts';
import type { ScopeWish } from '../../scope/open-scope.ts';
import { homesOf } from './homes.ts';
import type { CaptureRequest, SourceOptions } from './types.ts';

/** What is to be captured. */
export interface TermsScope extends ScopeWish {
  /** Users that this machine does not have. */
  readonly skipped: readonly ReportItem[];
}

const readPasswd = (): string => readFileSync('/etc/passwd', 'utf8');
const EVERYTHING: TermsScope = { paths: [], areas: AREA_NAMES, root: '/', skipped: [] };

/** What a request says; else what the association's terms say. Throws as `scopeOfTerms` does. */
export async function scopeOf(
  request: Pick<CaptureRequest, 'paths' | 'areas' | 'root'>,
  association: Association | undefined,
  { ageIdentity, passwd }: Pick<SourceOptions, 'ageIdentity' | 'passwd'>,
): Promise<TermsScope> {
  const { paths, areas = [], root = '/' } = request;
  if (paths.length > 0 || areas.length > 0) return { paths, areas, root, skipped: [] };
  // Whose homes: the captured machine says where they are.
  const users = root === '/' ? passwd : () => new LocalSystem(root).text('/etc/passwd') ?? '';
  return { ...(await scopeOfTerms(association, ageIdentity, users)), root };
}

/**
 * Opens what an association seals to its source. One that says nothing means everything that areas take; users without
 * areas are their homes, whole. Throws `nothing-left` where this machine has nothing of it, `usage` for an unknown area.
 */
async function scopeOfTerms(
  association: Association | undefined,
  ageIdentity: string,
  passwd: () => string = readPasswd,
): Promise<TermsScope> {
  const sealed = association?.body.sealed;
  const terms = sealed ? await openTerms(sealed, ageIdentity) : undefined;
  if (!terms) return EVERYTHING;
  const areas = areasOf(terms.areas);
  const { homes, unknown } = terms.users.length > 0 ? homesOf(terms.users, passwd()) : NO_HOMES;
  const paths = [...terms.paths, ...(areas.length > 0 ? [] : homes)];
  if (paths.length === 0 && areas.length === 0) {
    if (terms.users.length === 0) return EVERYTHING;
    throw new ResettleError('nothing-left', 'nothing of what the association names is on this machine', {
      hint: `it has no user ${unknown.join(', ')}; name the PATHs to capture`,
    });
  }
  const skipped = unknown.map((user) => ({ path: `user ${user}`, reason: 'this machine has no such user' }));
  return { paths, areas, root: '/', skipped, ...(terms.users.length > 0 && { users: terms.users }) };
}

const NO_HOMES = { homes: [], unknown: [] };
