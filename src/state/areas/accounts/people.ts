import type { AccountsContent, User } from './schema.ts';

/** People of a document, whoever wrote it: each name and each id once, and never root. */
export function peopleOf({ users }: Pick<AccountsContent, 'users'>): readonly User[] {
  const seen = new Set<string | number>();
  return users.filter(({ username, uid }) => {
    const isAgain = seen.has(username) || seen.has(uid) || uid === 0 || username === 'root';
    seen.add(username).add(uid);
    return !isAgain;
  });
}
