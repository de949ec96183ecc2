/** What a folder holds, item by item, on its own: it imports nothing of the program that it judges. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** By path from the root (bytes as latin1, `/` is the root itself), everything that can be seen of an item but its ctime. */
export type Tree = ReadonlyMap<string, string>;

/** Type, mode, owner, size, time, device, links, content or target, and extended attributes with ACLs, of all beneath a folder. */
export function treeOf(root: string): Tree {
  const attributes = attributesBelow(root);
  const tree = new Map<string, string>();
  const inodes = new Map<bigint, string>();
  const visit = (path: Buffer): void => {
    const at = Buffer.concat([Buffer.from(root), path]);
    const name = path.length === 0 ? '/' : path.toString('latin1');
    const stats = lstatSync(at, { bigint: true });
    const first = stats.isDirectory() || stats.nlink === 1n ? name : (inodes.get(stats.ino) ?? name);
    inodes.set(stats.ino, first);
    const linked = first === name ? '' : ` =${first}`;
    tree.set(name, `${factsOf(stats)} ${contentOf(at, stats)}${linked}${attributes.get(name) ?? ''}`);
    if (!stats.isDirectory()) return;
    for (const child of readdirSync(at, { encoding: 'buffer' })) visit(Buffer.concat([path, Buffer.from('/'), child]));
  };
  visit(Buffer.alloc(0));
  return tree;
}

function factsOf({ mode, uid, gid, size, mtimeNs, nlink, rdev }: BigIntStats): string {
  const isFolder = (mode & 0o170000n) === 0o040000n;
  // How large a folder is and how many links it has is the file system's business, which never makes it smaller.
  return `${mode.toString(8)} ${uid}:${gid} ${mtimeNs} ${isFolder ? '' : `${size} ${nlink}`} ${rdev}`;
}

function contentOf(at: Buffer, stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return `-> ${readlinkSync(at, { encoding: 'buffer' }).toString('latin1')}`;
  return stats.isFile() ? createHash('sha1').update(readFileSync(at)).digest('base64') : '';
}

function attributesBelow(root: string): Map<string, string> {
  const args = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'];
  const output = execFileSync('getfattr', args, {
    cwd: root,
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1e9,
  });
  const found = new Map<string, string>();
  for (const block of output.split('\n\n')) {
    const [head, ...lines] = block.split('\n');
    if (!head?.startsWith('# file: ')) continue;
    const shown = head.slice(8).replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
    const path = shown === '.' ? '/' : `/${shown}`;
    const kept = lines.filter((line) => line !== '' && !line.startsWith('security.selinux='));
    if (kept.length > 0) found.set(path, ` ${kept.sort().join(' ')}`);
  }
  return found;
}

export interface TreeDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly altered: readonly string[];
}

export function compare(before: Tree, after: Tree): TreeDifference {
  const added = [...after.keys()].filter((path) => !before.has(path));
  const removed = [...before.keys()].filter((path) => !after.has(path));
  const altered = [...after].flatMap(([path, facts]) => (before.has(path) && before.get(path) !== facts ? [path] : []));
  return { added, removed, altered };
}

/** For a test's message: each item that differs, with both of its facts. */
export function shownDifference(before: Tree, after: Tree): string[] {
  const { added, removed, altered } = compare(before, after);
  return [
    ...added.map((path) => `+ ${path}  ${after.get(path)}`),
    ...removed.map((path) => `- ${path}  ${before.get(path)}`),
    ...altered.map((path) => `~ ${path}\n    ${before.get(path)}\n    ${after.get(path)}`),
  ];
}
