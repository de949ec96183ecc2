import { createHash } from 'node:crypto';
import type { Before, Inode, Item, Tree } from './operations.ts';

/** Changed through memory that is mapped, which no call shows; SQLite makes it anew. */
const isMapped = (name: string) => name.endsWith('-shm');

/** A disk as lines, one an item, sorted. Times are left out where nobody set them. */
export function textOf(tree: Tree): Map<string, string> {
  const lines = new Map<string, string>();
  const first = new Map<Inode, string>();
  const visit = (inode: Inode, path: string): void => {
    const item = tree.items.get(inode)!;
    const before = first.get(inode);
    lines.set(path, before === undefined ? describe(item) : `is ${before}`);
    first.set(inode, path);
    for (const [name, below] of [...(tree.folders.get(inode) ?? [])].sort()) {
      if (!isMapped(name)) visit(below, `${path}/${name}`);
    }
  };
  for (const [volume, root] of tree.roots.entries()) visit(root, `${volume}`);
  return lines;
}

function describe({ made, metadata, data }: Item): string {
  const { mode, uid, gid, mtimeNs, xattrs } = metadata;
  const sum = made.kind === 'file' ? createHash('sha256').update(data).digest('hex').slice(0, 16) : '';
  const attributes = Object.entries(xattrs).map(([name, value]) => `${name}=${value.toString('hex')}`);
  const rights = made.kind === 'symlink' ? '' : mode.toString(8);
  const words = [made.kind, rights, `${uid}:${gid}`, sum, `${data.length}`, made.target.toString('latin1')];
  return [...words, ...attributes.sort(), mtimeNs === undefined ? '' : `time ${mtimeNs}`].join(' ');
}

/** What a scan of the real folders has otherwise than a model of them. */
export function differencesOf(model: Tree, { roots, items, names }: Before): string[] {
  const folders = new Map<Inode, Map<string, Inode>>();
  for (const [inode, { made }] of items) if (made.kind === 'folder') folders.set(inode, new Map());
  for (const { at, inode } of names) folders.get(at.folder)!.set(at.name, inode);
  const expected = textOf(model);
  const found = textOf({ roots, items, folders });
  const differences: string[] = [];
  for (const [path, line] of expected) {
    const there = found.get(path);
    const isSame =
      there !== undefined && (there === line || (!/ time /.test(line) && there.replace(/ time \d+$/, ' ') === line));
    if (!isSame) differences.push(`${path}: recorded ${line}; there ${there ?? 'is nothing'}`);
  }
  for (const [path, line] of found) if (!expected.has(path)) differences.push(`${path}: not recorded; there ${line}`);
  return differences;
}
