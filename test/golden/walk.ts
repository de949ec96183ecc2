/**
 * What lies in a folder, item by item, as JSON: it imports nothing of the program that it judges. Attributes and ACLs come
 * from getfattr and getfacl.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Bytes are latin1 text: a character a byte. */
export interface WalkedItem {
  readonly path: string;
  readonly type: 'file' | 'folder' | 'symlink' | 'fifo' | 'character' | 'block';
  readonly mode: string;
  readonly owner: string;
  readonly mtimeNs: string;
  readonly size?: number;
  readonly sha256?: string;
  /** The first path of the same inode. */
  readonly linkTo?: string;
  readonly target?: string;
  readonly device?: string;
  /** Lines of getfattr, sorted. */
  readonly attributes: readonly string[];
  /** Lines of getfacl, where they say more than the mode. */
  readonly acl: readonly string[];
}

function typeOf(stats: BigIntStats): WalkedItem['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  return stats.isCharacterDevice() ? 'character' : 'block';
}

/** Every item of a folder, the folder itself as `.`, in the order of a walk. */
export function walkFolder(folder: string): WalkedItem[] {
  const items: WalkedItem[] = [];
  const firstNames = new Map<string, string>();
  const go = (path: Buffer, shown: string): void => {
    const stats = lstatSync(path, { bigint: true });
    const item = describe(path, shown, stats, firstNames);
    items.push(item);
    if (item.type !== 'folder') return;
    for (const name of readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare)) {
      go(Buffer.concat([path, Buffer.from('/'), name]), `${shown}/${name.toString('latin1')}`);
    }
  };
  go(Buffer.from(folder), '.');
  return items;
}

function describe(path: Buffer, shown: string, stats: BigIntStats, firstNames: Map<string, string>): WalkedItem {
  const type = typeOf(stats);
  const inode = `${stats.dev}:${stats.ino}`;
  const linkTo = type !== 'folder' && stats.nlink > 1n ? firstNames.get(inode) : undefined;
  if (!firstNames.has(inode)) firstNames.set(inode, shown);
  return {
    path: shown,
    type,
    mode: (stats.mode & 0o7777n).toString(8).padStart(4, '0'),
    owner: `${stats.uid}:${stats.gid}`,
    mtimeNs: String(stats.mtimeNs),
    ...(type === 'file' ? { size: Number(stats.size), sha256: sha256(path) } : {}),
    ...(linkTo === undefined ? {} : { linkTo }),
    ...(type === 'symlink' ? { target: readlinkSync(path, { encoding: 'buffer' }).toString('latin1') } : {}),
    ...(type === 'character' || type === 'block' ? { device: stats.rdev.toString(16) } : {}),
    attributes: lines('getfattr', ['-h', '-d', '-m', '^(user|trusted|security\\.capability)', '-e', 'hex'], path),
    acl: type === 'symlink' ? [] : lines('getfacl', ['-n', '-p', '-s', '-c'], path),
  };
}

const sha256 = (path: Buffer): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** The path goes by a shell variable, since an argument would have to be text. */
function lines(program: string, args: readonly string[], path: Buffer): string[] {
  const escaped = [...path].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  const script = `p=$(printf '%b.' "$1"); shift; exec "$@" -- "\${p%.}"`;
  const said = execFileSync('sh', ['-c', script, 'sh', escaped.replaceAll('\\', '\\0'), program, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return said
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .sort();
}
