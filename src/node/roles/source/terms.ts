import { readFileSync } from 'node:fs';
import { ResettleError } from '../../../common/errors.ts';
import type { ReportItem } from '../../../common/ports.ts';
import { type Association, openTerms } from '../../../state/records/index.ts';
import { homesOf } from './homes.ts';

/** What an association says is to be captured, as paths of this machine. */
export interface TermsPaths {
  readonly paths: readonly string[];
  /** Users that this machine does not have. */
  readonly skipped: readonly ReportItem[];
}

const readPasswd = (): string => readFileSync('/etc/passwd', 'utf8');

/** Opens what an association seals to its source. Throws `usage` where it says nothing, `not-built` for areas. */
export async function pathsOfTerms(
  association: Association | undefined,
  ageIdentity: string,
  passwd: () => string = readPasswd,
): Promise<TermsPaths> {
  const sealed = association?.body.sealed;
  const terms = sealed ? await openTerms(sealed, ageIdentity) : undefined;
  if (terms && terms.areas.length > 0) throw notBuilt(`areas (${terms.areas.join(', ')})`);
  const { homes, unknown } = terms && terms.users.length > 0 ? homesOf(terms.users, passwd()) : NO_HOMES;
  const paths = [...(terms?.paths ?? []), ...homes];
  if (paths.length === 0) {
    if (!terms) throw notBuilt('areas');
    throw new ResettleError('nothing-left', 'nothing of what the association names is on this machine', {
      hint: `it has no user ${unknown.join(', ')}; name the PATHs to capture`,
    });
  }
  const skipped = unknown.map((user) => ({ path: `user ${user}`, reason: 'this machine has no such user' }));
  return { paths, skipped };
}

const NO_HOMES = { homes: [], unknown: [] };

function notBuilt(what: string): ResettleError {
  return new ResettleError('not-built', `capturing by ${what} is not built yet`, { hint: 'name the PATHs to capture' });
}
