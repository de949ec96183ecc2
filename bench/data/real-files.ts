import {
  chmodSync,
  copyFileSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { below, type Item, walk } from './walk.ts';

const SOURCES = ['/usr/share', '/usr/lib', '/usr/include', '/usr/libexec', '/usr/src', '/usr/local', '/opt'];
const WANTED_FILES = 50_000;
const WANTED_BYTES = 1e9;
/** A single larger file would decide the figures. */
const FILE_MAX_BYTES = 64 * 1024 * 1024;
/** Once there are bytes enough, only files up to this are taken, so that 50,000 of them weigh little more. */
const SMALL_FILE_BYTES = 64 * 1024;
/** Setuid and setgid are withheld by a restore; the copies go without. */
const KEPT_MODE = 0o1777;

/**
 * Copies files of this machine's own system below `into`, the same ones each time while the system stays the same: links
 * of both kinds, permission bits, owners (as root) and times are kept. Returns whether there were enough.
 */
export function copyRealFiles(into: string): { files: number; bytes: number; enough: boolean } {
  const copier = new Copier();
  for (const source of SOURCES) {
    if (copier.enough) break;
    copier.copy(Buffer.from(source), below(Buffer.from(into), Buffer.from(source.slice(1).replaceAll('/', '-'))));
  }
  copier.finish();
  return { files: copier.files, bytes: copier.bytes, enough: copier.enough };
}

class Copier {
  files = 0;
  bytes = 0;
  readonly #folders: Item[] = [];
  readonly #copyOfInode = new Map<string, Buffer>();

  get enough(): boolean {
    return this.files >= WANTED_FILES && this.bytes >= WANTED_BYTES;
  }

  copy(from: Buffer, to: Buffer): void {
    mkdirSync(to, { recursive: true });
    for (const { path, stat } of walk(from, () => {})) {
      if (this.enough) return;
      const copy = Buffer.concat([to, path.subarray(from.length)]);
      try {
        this.#item(path, copy, stat);
      } catch (error) {
        // What this user may not read, and what stands in a folder like that, is not part of the data.
        if (!['EACCES', 'EPERM', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    }
  }

  /** Folders get their times last: what is made in them would change those. */
  finish(): void {
    for (const { path, stat } of this.#folders.reverse()) this.#metadata(path, stat);
  }

  #item(from: Buffer, to: Buffer, stat: Item['stat']): void {
    if (stat.isDirectory()) {
      mkdirSync(to);
      this.#folders.push({ path: to, stat });
    } else if (stat.isSymbolicLink()) {
      symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to);
      this.#metadata(to, stat);
    } else if (stat.isFile()) {
      this.#file(from, to, stat);
    }
  }

  #file(from: Buffer, to: Buffer, stat: Item['stat']): void {
    const inode = `${stat.dev}:${stat.ino}`;
    const first = this.#copyOfInode.get(inode);
    if (first) {
      linkSync(first, to);
      return;
    }
    if (stat.size > (this.bytes < WANTED_BYTES ? FILE_MAX_BYTES : SMALL_FILE_BYTES)) return;
    copyFileSync(from, to);
    this.#metadata(to, stat);
    if (stat.nlink > 1) this.#copyOfInode.set(inode, to);
    this.files += 1;
    this.bytes += stat.size;
  }

  #metadata(path: Buffer, stat: Item['stat']): void {
    if (process.getuid?.() === 0) lchownSync(path, stat.uid, stat.gid);
    if (!stat.isSymbolicLink()) chmodSync(path, stat.mode & KEPT_MODE);
    lutimesSync(path, stat.atimeMs / 1000, stat.mtimeMs / 1000);
  }
}
