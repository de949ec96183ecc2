import { ResettleError } from '../../common/errors.ts';
import { PATH_DEPTH_MAX } from '../../common/limits.ts';
import type { FolderPath } from '../format/index.ts';
import { showPath } from '../fs/show-path.ts';

const SLASH = 0x2f;

/** The names of an absolute path. Throws `usage` when it is relative or holds `..`. */
export function namesOfPath(path: Uint8Array): FolderPath {
  if (path[0] !== SLASH || path.includes(0)) {
    throw new ResettleError('usage', `not an absolute path: ${showPath(path)}`, { hint: 'write it from / on' });
  }
  const names: Uint8Array[] = [];
  for (let start = 0; start < path.length; ) {
    let end = path.indexOf(SLASH, start);
    if (end === -1) end = path.length;
    const name = path.slice(start, end);
    start = end + 1;
    if (name.length === 0 || (name.length === 1 && name[0] === 0x2e)) continue;
    if (name.length === 2 && name[0] === 0x2e && name[1] === 0x2e) {
      throw new ResettleError('usage', `a path to capture holds "..": ${showPath(path)}`, { hint: 'write it without' });
    }
    names.push(name);
  }
  if (names.length > PATH_DEPTH_MAX) {
    throw new ResettleError('usage', `this path is deeper than ${PATH_DEPTH_MAX} folders`);
  }
  return names;
}

/** The absolute path of names, as bytes. */
export function pathOfNames(names: FolderPath): Buffer {
  if (names.length === 0) return Buffer.from('/');
  return Buffer.concat(names.flatMap((name) => [Buffer.of(SLASH), name]));
}

export function startsWith(path: FolderPath, prefix: FolderPath): boolean {
  return prefix.length <= path.length && prefix.every((name, at) => Buffer.compare(name, path[at]!) === 0);
}

/** The given paths in order, each once, without those that lie inside another. */
export function distinctRoots(paths: readonly Uint8Array[]): FolderPath[] {
  const all = paths.map(namesOfPath).sort(comparePaths);
  const roots: FolderPath[] = [];
  for (const path of all) {
    const last = roots.at(-1);
    if (!last || !startsWith(path, last)) roots.push(path);
  }
  return roots;
}

/** Order of a walk: name by name, a folder before what is in it. */
function comparePaths(a: FolderPath, b: FolderPath): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const order = Buffer.compare(a[at]!, b[at]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
