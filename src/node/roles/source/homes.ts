/** Home folders of users, by the text of a passwd file. A user is a name or a number. */
export function homesOf(
  users: readonly string[],
  passwd: string,
): { readonly homes: readonly string[]; readonly unknown: readonly string[] } {
  const byName = new Map<string, string>();
  for (const line of passwd.split('\n')) {
    const [name, , uid, , , home] = line.split(':');
    if (!name || uid === undefined || !home?.startsWith('/')) continue;
    byName.set(name, home);
    if (/^\d+$/.test(uid) && !byName.has(uid)) byName.set(uid, home);
  }
  const homes = new Set<string>();
  const unknown: string[] = [];
  for (const user of users) {
    const home = byName.get(user);
    if (home === undefined) unknown.push(user);
    else homes.add(home);
  }
  return { homes: [...homes], unknown };
}
