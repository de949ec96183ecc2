import { parseRanges } from './account-lines.ts';
import type { AccountsPlan } from './accounts-plan.ts';
import { type AccountFiles, addLine } from './edit-files.ts';
import { placeFor } from './map-ranges.ts';
import type { User } from './schema.ts';

/** With the subordinate ids of a new account: where the mapping puts them, or as many as useradd gives to everybody. */
export function withRanges(files: AccountFiles, user: User, name: string, accounts: AccountsPlan): AccountFiles {
  const { owners, defs } = accounts;
  const uids = withKind(
    files,
    '/etc/subuid',
    name,
    user.subuids.map(({ start, count }) => ({ start: owners.uid(start), count })),
    defs.subUid,
  );
  return withKind(
    uids,
    '/etc/subgid',
    name,
    user.subgids.map(({ start, count }) => ({ start: owners.gid(start), count })),
    defs.subGid,
  );
}

function withKind(
  files: AccountFiles,
  path: '/etc/subuid' | '/etc/subgid',
  name: string,
  wished: readonly { start: number; count: number }[],
  limits: AccountsPlan['defs']['subUid'],
): AccountFiles {
  const none = wished.length === 0;
  if (files[path] === undefined || (none && limits.count === 0)) return files;
  let after = files;
  for (const range of none ? [{ start: limits.min, count: limits.count }] : wished) {
    const place = placeFor(range, parseRanges(after[path] ?? '').entries, limits);
    // Only where its owners' files are mapped to, unless it is the first that this person gets.
    if (place !== undefined && (none || place === range.start))
      after = addLine(after, path, [name, place, range.count]);
  }
  return after;
}
