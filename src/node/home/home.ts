import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { makeFolderDurably, syncFolder } from '../../common/durable-folders.ts';
import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import type { StateId } from '../../common/ids.ts';
import { orNoSpace } from '../../state/fs/no-space.ts';
import { writeAll } from '../../state/fs/write-all.ts';

/** The folder of an agent's own keys, records and config. Nobody else may read it. */
export class Home {
  readonly dir: string;

  /** Opens the folder, making it (0700) if need be. Throws `failed` when it cannot be ours. */
  constructor(dir: string) {
    if (!isAbsolute(dir)) throw new ResettleError('usage', `HOME must be an absolute path, not ${dir}`);
    this.dir = resolve(dir);
    try {
      makeFolderDurably(this.dir);
      const stat = statSync(this.dir);
      if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
        throw new ResettleError('failed', `${this.dir} can be read by others`, { hint: `chmod 700 ${this.dir}` });
      }
    } catch (error) {
      if (error instanceof ResettleError) throw error;
      throw new ResettleError('failed', `cannot use the folder ${this.dir}`, {
        hint: 'give another one with --home, one that this user may write',
        cause: error,
      });
    }
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  get socketPath(): string {
    return this.path('agent.sock');
  }

  get recordsPath(): string {
    return this.path('records.db');
  }

  /** One of its folders, made if need be. Throws `no-space` where the disk is full. */
  folder(...names: string[]): string {
    return this.#make(this.path(...names));
  }

  /** A folder for what a capture or restore keeps while it runs. */
  scratchDir(): string {
    return this.folder('scratch');
  }

  /** A fresh folder in it, whose name begins so. Throws `no-space`. */
  scratchFolder(prefix: string): string {
    try {
      return mkdtempSync(join(this.scratchDir(), prefix));
    } catch (error) {
      throw orNoSpace(error, this.dir);
    }
  }

  /** Folders of catalogue rules of this HOME's own, which come before the built-in ones: HOME/rules, where it is there. */
  ruleFolders(): string[] {
    const folder = this.path('rules');
    return existsSync(folder) ? [folder] : [];
  }

  /** Where the stat cache of a state lies; one for each place that captures of it went to, where there are several. */
  cacheFile(state: StateId, place?: string): string {
    const dir = this.folder('cache');
    return join(dir, place === undefined ? `${state}.db` : `${state}-${place}.db`);
  }

  /** Removes a stat cache, with what SQLite keeps beside it. */
  dropCache(state: StateId, place: string): void {
    for (const end of ['', '-wal', '-shm']) rmSync(`${this.cacheFile(state, place)}${end}`, { force: true });
  }

  /** The names in one of its folders, none where there is no such folder. */
  list(...names: string[]): string[] {
    try {
      return readdirSync(this.path(...names));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /** Removes what captures and restores of a process that died have left. Only the holder of HOME's lock may. */
  clearScratch(): void {
    rmSync(this.path('scratch'), { recursive: true, force: true });
  }

  /** The file's bytes, or undefined if there is none. */
  read(...names: string[]): Buffer | undefined {
    try {
      return readFileSync(this.path(...names));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Writes a file that only we can read, whole or not at all, durably. Throws `no-space` where the disk is full. */
  write(bytes: Uint8Array | string, ...names: string[]): void {
    const path = this.path(...names);
    this.#make(dirname(path));
    const fresh = `${path}.new`;
    try {
      writeSynced(fresh, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
      failpoint('home.file-written');
      renameSync(fresh, path);
      failpoint('home.file-renamed');
    } catch (error) {
      rmSync(fresh, { force: true });
      throw orNoSpace(error, this.dir);
    }
    syncFolder(dirname(path));
  }

  /** Removes a file, durably: what is forgotten does not come back. */
  remove(...names: string[]): void {
    const path = this.path(...names);
    rmSync(path, { force: true });
    if (existsSync(dirname(path))) syncFolder(dirname(path));
  }

  #make(path: string): string {
    try {
      makeFolderDurably(path);
      return path;
    } catch (error) {
      throw orNoSpace(error, this.dir);
    }
  }
}

function writeSynced(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'w', 0o600);
  try {
    // All of it: a disk that is nearly full takes a part of one write, without an error.
    writeAll(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Where an agent lives if nobody says otherwise: /var/lib/resettle for root, else the user's data folder. */
export function defaultHomeDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.RESETTLE_HOME) return resolve(env.RESETTLE_HOME);
  if (process.getuid?.() === 0) return '/var/lib/resettle';
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'resettle');
}
