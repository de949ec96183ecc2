import type { System } from './system.ts';

/**
 * Paths of a machine that a pattern means, ascending: `*` and `?` stand for characters of one name, `{a,b}` for one of some
 * texts. Each name of the pattern is looked for in one folder's list, so nothing is walked. At most `most` are given.
 */
export function globPaths(system: System, pattern: string, most: number): string[] {
  const found = alternatives(pattern).flatMap((one) => expand(system, one, most));
  return [...new Set(found)].sort().slice(0, most);
}

function expand(system: System, pattern: string, most: number): string[] {
  let folders = [''];
  for (const name of pattern.slice(1).split('/')) {
    folders = folders
      .flatMap((folder) => (/[*?]/.test(name) ? matching(system, folder, name, most) : [`${folder}/${name}`]))
      .slice(0, most);
  }
  return folders.filter((path) => system.facts(path) !== undefined);
}

function matching(system: System, folder: string, name: string, most: number): string[] {
  const source = name
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const isMeant = new RegExp(`^${source}$`, 'su');
  return system
    .list(folder === '' ? '/' : folder)
    .filter((one) => isMeant.test(one))
    .slice(0, most)
    .map((one) => `${folder}/${one}`);
}

/** `{a,b}` written out; braces within braces are not known. */
export function alternatives(pattern: string): string[] {
  const braces = /\{([^{}]*)\}/.exec(pattern);
  if (!braces?.[1]) return [pattern];
  const before = pattern.slice(0, braces.index);
  const after = pattern.slice(braces.index + braces[0].length);
  return braces[1].split(',').flatMap((one) => alternatives(`${before}${one}${after}`));
}
