import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { close, openFolderAt, xattrsOfItem } from '../../../src/state/fs/calls.ts';
import { type Before, emptyBytes, type Inode, type Item, type Kind, type Name } from './operations.ts';

/** Reads folders as they are. Those of one device are one volume. */
export function scan(roots: readonly string[]): Before {
  const items = new Map<Inode, Item>();
  const names: { at: Name; inode: Inode }[] = [];
  const known = new Map<string, Inode>();
  const devices: bigint[] = [];
  const visit = (path: Buffer): Inode => {
    const stats = lstatSync(path, { bigint: true });
    const key = `${stats.dev}/${stats.ino}`;
    const seen = known.get(key);
    if (seen !== undefined) return seen;
    const inode = items.size + 1;
    known.set(key, inode);
    if (!devices.includes(stats.dev)) devices.push(stats.dev);
    items.set(inode, itemAt(path, stats, devices.indexOf(stats.dev)));
    if (!stats.isDirectory()) return inode;
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      const below = Buffer.concat([path, Buffer.from('/'), name]);
      names.push({ at: { folder: inode, name: name.toString('latin1') }, inode: visit(below) });
    }
    return inode;
  };
  return { roots: roots.map((root) => visit(Buffer.from(root))), items, names };
}

function itemAt(path: Buffer, stats: BigIntStats, volume: number): Item {
  const kind = kindOf(stats);
  return {
    made: { kind, volume, target: kind === 'symlink' ? readlinkSync(path, { encoding: 'buffer' }) : emptyBytes },
    metadata: {
      mode: Number(stats.mode & 0o7777n),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mtimeNs: stats.mtimeNs,
      xattrs: kind === 'file' || kind === 'folder' ? xattrsAt(path) : {},
    },
    data: kind === 'file' ? readFileSync(path) : emptyBytes,
  };
}

function kindOf(stats: BigIntStats): Kind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'symlink';
  return stats.isFIFO() ? 'fifo' : 'other';
}

function xattrsAt(path: Buffer): Record<string, Buffer> {
  const cut = path.lastIndexOf('/');
  const folder = openFolderAt(path.subarray(0, cut));
  try {
    const found = xattrsOfItem(folder, path.subarray(cut + 1));
    return Object.fromEntries(
      found.map(({ name, value }) => [Buffer.from(name).toString('latin1'), Buffer.from(value)]),
    );
  } finally {
    close(folder);
  }
}
