import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Everything of a tree as lines by path: kind, mode, owner, time to the nanosecond, content or target, attributes and ACLs. */
export function treeOf(root: string): Map<string, string> {
  const found = new Map<string, string>();
  const attributes = attributesOf(root);
  const look = (path: string) => {
    const at = join(root, path);
    const stats = lstatSync(at, { bigint: true });
    const head = [stats.mode.toString(8), stats.uid, stats.gid, stats.mtimeNs].join(' ');
    const body = stats.isFile() ? readFileSync(at).toString('base64') : stats.isSymbolicLink() ? readlinkSync(at) : '';
    found.set(path, `${head} ${body} ${attributes.get(at) ?? ''}`);
    if (stats.isDirectory()) for (const name of readdirSync(at)) look(path === '/' ? `/${name}` : `${path}/${name}`);
  };
  look('/');
  return found;
}

function attributesOf(root: string): Map<string, string> {
  const said = execFileSync('getfattr', ['-R', '-h', '-d', '-m', '-', '--absolute-names', '-e', 'hex', root], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const found = new Map<string, string>();
  for (const block of said.split('\n\n')) {
    const [head, ...lines] = block.split('\n');
    if (head?.startsWith('# file: ')) found.set(head.slice('# file: '.length), lines.join(' '));
  }
  return found;
}

/** Paths at which two trees differ: folders only in their own right, not by what lies in them. */
export function differingPaths(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...a.keys(), ...b.keys()]);
  return [...paths].filter((path) => a.get(path) !== b.get(path)).sort();
}
