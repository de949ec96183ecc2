import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fc from 'fast-check';

/** A tree to be made on disk. Names are bytes in hexadecimal, so that failing seeds can be read and kept. */
export interface TreeNode {
  name: string;
  kind: 'file' | 'folder' | 'symlink' | 'hardlink';
  mode: number;
  owner: number;
  mtimeS: number;
  sizeBytes: number;
  seed: number;
  target: string;
  children: TreeNode[];
}

const nameByte = fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f);
const name = fc
  .oneof(
    { weight: 3, arbitrary: fc.stringMatching(/^[a-z]{1,6}$/).map((text) => Buffer.from(text)) },
    { weight: 2, arbitrary: fc.array(nameByte, { minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('a\nb', ' ', '-rf', 'é', '\xff\xfe', '.resettle-restore', '...')
        .map((t) => Buffer.from(t, 'latin1')),
    },
    { weight: 1, arbitrary: fc.constant(Buffer.alloc(255, 0x78)) },
  )
  .filter((bytes) => !['.', '..'].includes(bytes.toString('latin1')))
  .map((bytes) => bytes.toString('hex'));

const size = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 3000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 100_000, max: 1_100_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(1_048_576, 1_048_577, 2_097_152, 3_500_000) },
);
/** Before 1970, now, and as far as the file system goes. */
const mtimeS = fc.oneof(
  fc.integer({ min: -2_000_000_000, max: -1 }).map((s) => s + 0.25),
  fc.integer({ min: 0, max: 2_000_000_000 }).map((s) => s + 0.125),
  fc.integer({ min: 5_000_000_000, max: 9_000_000_000 }).map((s) => s + 0.5),
);
const target = fc.constantFrom('/etc/passwd', 'dangling', '../../../up', '.', '/', 'a\nb');

export const treeOf = (depth: number): fc.Arbitrary<TreeNode[]> =>
  fc.uniqueArray(
    fc.record({
      name,
      kind: fc.constantFrom('file', 'file', 'file', 'folder', 'folder', 'symlink', 'hardlink') as fc.Arbitrary<
        TreeNode['kind']
      >,
      mode: fc.constantFrom(0o644, 0o600, 0o755, 0o000, 0o444, 0o1777, 0o2755, 0o700),
      owner: fc.constantFrom(0, 0, 1000, 65534),
      mtimeS,
      sizeBytes: size,
      seed: fc.integer({ min: 0, max: 255 }),
      target,
      children: depth > 0 ? treeOf(depth - 1) : fc.constant([]),
    }),
    { maxLength: 5, selector: (node) => node.name },
  );

function content(node: TreeNode): Buffer {
  const bytes = Buffer.alloc(node.sizeBytes, node.seed);
  // Half of it does not compress.
  let state = node.seed + 1;
  for (let at = 0; at < bytes.length / 2; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

/** Makes the tree; hard links lead to any file made before, in any folder. */
export function makeTree(folder: string | Buffer, nodes: readonly TreeNode[], files: Buffer[] = []): void {
  const asRoot = process.geteuid?.() === 0;
  for (const node of nodes) {
    const path = Buffer.concat([Buffer.from(folder), Buffer.from('/'), Buffer.from(node.name, 'hex')]);
    const kind = node.kind === 'hardlink' && files.length === 0 ? 'file' : node.kind;
    if (kind === 'hardlink') {
      linkSync(files[node.seed % files.length]!, path);
      continue;
    }
    if (kind === 'symlink') {
      symlinkSync(node.target, path);
      lutimesSync(path, node.mtimeS, node.mtimeS);
      continue;
    }
    if (kind === 'folder') {
      mkdirSync(path);
      makeTree(path, node.children, files);
    } else {
      writeFileSync(path, content(node));
      files.push(path);
    }
    if (asRoot) chownSync(path, node.owner, node.owner);
    // A file's setgid bit is withheld by a restore: see its own test.
    const mode = kind === 'file' ? node.mode & 0o1777 : node.mode;
    chmodSync(path, asRoot ? mode : mode | 0o700);
    utimesSync(path, node.mtimeS, node.mtimeS);
  }
}

/** A time with every digit of its nanoseconds, which Node's own calls cannot set. */
export function touchExactly(path: string, time: string): void {
  execFileSync('touch', ['-h', '-d', time, path]);
}
