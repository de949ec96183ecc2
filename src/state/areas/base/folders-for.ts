import type { Change } from './change.ts';
import type { System } from './system.ts';

/** The folders above a path that a machine lacks, outermost first: root's, for everybody to read. */
export function foldersFor(system: System, path: string): Change[] {
  const folders: Change[] = [];
  for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder)) {
    if (system.facts(folder) !== undefined) break;
    folders.unshift({ kind: 'folder', path: folder, mode: 0o755, uid: 0, gid: 0 });
  }
  return folders;
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
