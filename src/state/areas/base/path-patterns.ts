/** Whether a path is one that a pattern means: `*` stands for part of one name, `**` at the end for all beneath. */
export function matchesPath(pattern: string, path: string): boolean {
  return compiled(pattern).test(path);
}

const cache = new Map<string, RegExp>();

function compiled(pattern: string): RegExp {
  const known = cache.get(pattern);
  if (known) return known;
  const source = pattern
    .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**', '\u0000')
    .replaceAll('*', '[^/]*')
    .replaceAll('\u0000', '.+');
  const made = new RegExp(`^${source}$`, 'su');
  cache.set(pattern, made);
  return made;
}
