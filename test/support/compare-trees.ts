/**
 * Compares two folders item by item, on its own: it imports nothing of the program that it judges.
 * Names are bytes; folders are compared one pair at a time, files in pieces, so memory does not grow with the trees.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

export interface Comparison {
  compared: { files: number; folders: number; symlinks: number; hardlinks: number; bytes: number };
  /** Sentences, at most 1000. Empty when the trees are the same. */
  differences: string[];
  /** Sockets, FIFOs and devices that the second tree lacks: what a capture leaves out and lists. */
  leftOut: string[];
}

const DIFFERENCES_MAX = 1000;
const PIECE_BYTES = 1024 * 1024;
const pieceA = Buffer.allocUnsafe(PIECE_BYTES);
const pieceB = Buffer.allocUnsafe(PIECE_BYTES);

class Comparer {
  readonly result: Comparison = {
    compared: { files: 0, folders: 0, symlinks: 0, hardlinks: 0, bytes: 0 },
    differences: [],
    leftOut: [],
  };
  /** For inodes with several names: the inode of the same file in the other tree, both ways. */
  readonly #partnerOfA = new Map<string, string>();
  readonly #partnerOfB = new Map<string, string>();

  folders(a: Buffer, b: Buffer, shown: string): void {
    this.#metadata(stat(a), stat(b), shown);
    this.result.compared.folders += 1;
    const inA = names(a);
    const inB = names(b);
    for (let i = 0, j = 0; i < inA.length || j < inB.length; ) {
      const order = i === inA.length ? 1 : j === inB.length ? -1 : Buffer.compare(inA[i]!, inB[j]!);
      if (order === 0) this.#item(join(a, inA[i]!), join(b, inB[j]!), `${shown}/${show(inA[i]!)}`);
      else if (order < 0) this.#missing(stat(join(a, inA[i]!)), `${shown}/${show(inA[i]!)}`);
      else this.#differ(`${shown}/${show(inB[j]!)}`, 'is too many');
      if (order <= 0) i += 1;
      if (order >= 0) j += 1;
    }
  }

  #item(a: Buffer, b: Buffer, shown: string): void {
    const statA = stat(a);
    const statB = stat(b);
    if ((statA.mode & 0o170000n) !== (statB.mode & 0o170000n)) {
      this.#differ(shown, `has type ${statB.mode.toString(8)} instead of ${statA.mode.toString(8)}`);
      return;
    }
    if (statA.isDirectory()) {
      this.folders(a, b, shown);
      return;
    }
    this.#metadata(statA, statB, shown);
    if (this.#sameInodeAgain(statA, statB, shown)) {
      this.result.compared.hardlinks += 1;
    } else if (statA.isSymbolicLink()) {
      this.result.compared.symlinks += 1;
      const target = readlinkSync(a, { encoding: 'buffer' });
      const other = readlinkSync(b, { encoding: 'buffer' });
      if (!target.equals(other)) this.#differ(shown, `leads to ${show(other)} instead of ${show(target)}`);
    } else if (statA.isFile()) {
      this.result.compared.files += 1;
      this.#content(a, b, statA, statB, shown);
    } else if (statA.rdev !== statB.rdev) {
      this.#differ(shown, `is device ${statB.rdev} instead of ${statA.rdev}`);
    }
  }

  #metadata(a: BigIntStats, b: BigIntStats, shown: string): void {
    if (!a.isSymbolicLink() && a.mode !== b.mode) {
      this.#differ(shown, `has mode ${(b.mode & 0o7777n).toString(8)} instead of ${(a.mode & 0o7777n).toString(8)}`);
    }
    if (a.uid !== b.uid || a.gid !== b.gid) {
      this.#differ(shown, `belongs to ${b.uid}:${b.gid} instead of ${a.uid}:${a.gid}`);
    }
    if (a.mtimeNs !== b.mtimeNs) this.#differ(shown, `has mtime ${b.mtimeNs} instead of ${a.mtimeNs}`);
  }

  #sameInodeAgain(a: BigIntStats, b: BigIntStats, shown: string): boolean {
    if (a.nlink <= 1n && b.nlink <= 1n) return false;
    const keyA = `${a.dev}:${a.ino}`;
    const keyB = `${b.dev}:${b.ino}`;
    const knownA = this.#partnerOfA.get(keyA);
    const knownB = this.#partnerOfB.get(keyB);
    if (knownA === undefined && knownB === undefined) {
      this.#partnerOfA.set(keyA, keyB);
      this.#partnerOfB.set(keyB, keyA);
      return false;
    }
    if (knownA !== keyB || knownB !== keyA) this.#differ(shown, 'is linked to other names');
    return true;
  }

  #content(a: Buffer, b: Buffer, statA: BigIntStats, statB: BigIntStats, shown: string): void {
    this.result.compared.bytes += Number(statA.size);
    if (statA.size !== statB.size) {
      this.#differ(shown, `has ${statB.size} bytes instead of ${statA.size}`);
      return;
    }
    const hashA = sha256(a, pieceA);
    const hashB = sha256(b, pieceB);
    if (hashA !== hashB) this.#differ(shown, `has sha256 ${hashB} instead of ${hashA}`);
  }

  #missing(statA: BigIntStats, shown: string): void {
    const kept = statA.isFile() || statA.isDirectory() || statA.isSymbolicLink();
    if (kept) this.#differ(shown, 'is missing');
    else this.result.leftOut.push(shown);
  }

  #differ(shown: string, how: string): void {
    if (this.result.differences.length < DIFFERENCES_MAX) this.result.differences.push(`${shown} ${how}`);
  }
}

function sha256(path: Buffer, piece: Buffer): string {
  const hash = createHash('sha256');
  const fd = openSync(path, 'r');
  try {
    for (let read = readSync(fd, piece); read > 0; read = readSync(fd, piece)) hash.update(piece.subarray(0, read));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

const stat = (path: Buffer) => lstatSync(path, { bigint: true });
const names = (path: Buffer) => readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare);
const join = (folder: Buffer, name: Buffer) => Buffer.concat([folder, Buffer.from('/'), name]);
const show = (name: Buffer) => JSON.stringify(name.toString('latin1')).slice(1, -1);

/** Compares the tree `b` with the tree `a` as it should be: names, types, modes, owners, times, contents, links. */
export function compareTrees(a: string, b: string): Comparison {
  const comparer = new Comparer();
  comparer.folders(Buffer.from(a), Buffer.from(b), '.');
  return comparer.result;
}

/** Runs one of the system's own tools in a folder; its lines, without errors of single items. */
function lines(program: string, args: readonly string[], folder: string): string[] {
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1e8,
  }).split('\n');
}

/** Every extended attribute beneath a folder, ACLs among them: by path, one line each, sorted. */
export function attributesIn(folder: string): string[] {
  const found: string[] = [];
  let path = '';
  for (const line of lines('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'], folder)) {
    if (line.startsWith('# file: ')) path = line.slice(8);
    else if (line !== '' && !line.startsWith('security.selinux=')) found.push(`${path} ${line}`);
  }
  return found.sort();
}

/** The access rights beneath a folder as `getfacl` shows them, with numbers for names. */
export function aclsIn(folder: string): string {
  return execFileSync('getfacl', ['-R', '-P', '-n', '.'], { cwd: folder, encoding: 'latin1', maxBuffer: 1e8 });
}
