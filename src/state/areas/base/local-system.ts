import { isUtf8 } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { join, posix } from 'node:path';
import {
  AREA_FILE_MAX_BYTES,
  AREA_FOLDER_NAMES_MAX,
  AREA_TOOL_OUTPUT_MAX_BYTES,
  AREA_TOOL_TIMEOUT_MS,
} from '../../../common/limits.ts';
import type { Facts, System, ToolOptions, ToolResult } from './system.ts';

/** As many links as Linux follows in one path. */
const LINKS_MAX = 40;
const TOOL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A machine on a file system of this one: the running one, or a folder that holds another's root. */
export class LocalSystem implements System {
  readonly root: string;
  readonly isLive: boolean;
  readonly asRoot = process.geteuid?.() === 0;
  readonly #tools = new Map<string, boolean>();

  /** `root`: absolute. */
  constructor(root: string) {
    this.root = posix.normalize(root);
    this.isLive = this.root === '/';
  }

  facts(path: string): Facts | undefined {
    return attempt(() => {
      const stats = lstatSync(this.#place(path, false), { bigint: true });
      const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other';
      return {
        kind,
        mode: Number(stats.mode & 0o7777n),
        uid: Number(stats.uid),
        gid: Number(stats.gid),
        sizeBytes: Number(stats.size),
        mtimeNs: stats.mtimeNs,
      };
    });
  }

  read(path: string, maxBytes = AREA_FILE_MAX_BYTES): Buffer | undefined {
    return attempt(() => {
      // Not blocking: a FIFO must not hold a capture up.
      const fd = openSync(this.#place(path, true), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
      try {
        const stats = fstatSync(fd);
        return stats.isFile() && stats.size <= maxBytes ? readUpTo(fd, maxBytes) : undefined;
      } finally {
        closeSync(fd);
      }
    });
  }

  text(path: string, maxBytes?: number): string | undefined {
    return this.read(path, maxBytes)?.toString('utf8');
  }

  readLink(path: string): string | undefined {
    return attempt(() => readlinkSync(this.#place(path, false)));
  }

  list(path: string): readonly string[] {
    const names = attempt(() => readdirSync(this.#place(path, true), { encoding: 'buffer' })) ?? [];
    return names
      .filter((name) => isUtf8(name))
      .map((name) => name.toString('utf8'))
      .sort()
      .slice(0, AREA_FOLDER_NAMES_MAX);
  }

  isUnreadable(path: string): boolean {
    try {
      accessSync(this.#place(path, true), constants.R_OK);
      return false;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'EACCES' || code === 'EPERM';
    }
  }

  run(tool: string, args: readonly string[], options: ToolOptions = {}): ToolResult | undefined {
    if (this.#tools.get(tool) === false) return undefined;
    const { status, stdout, stderr, error } = spawnSync(tool, [...args], {
      env: { PATH: TOOL_PATH, LC_ALL: 'C', HOME: process.env.HOME ?? '/' },
      cwd: '/',
      encoding: 'utf8',
      timeout: options.timeoutMs ?? AREA_TOOL_TIMEOUT_MS,
      maxBuffer: AREA_TOOL_OUTPUT_MAX_BYTES,
      ...(options.input === undefined ? { stdio: ['ignore', 'pipe', 'pipe'] as const } : { input: options.input }),
    });
    const isThere = (error as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT';
    this.#tools.set(tool, isThere);
    return isThere ? { status, stdout: stdout ?? '', stderr: stderr ?? '' } : undefined;
  }

  /** Where a path of that machine lies here, each link on the way followed as that machine would. */
  #place(path: string, followLast: boolean): string {
    let left = namesOf(path);
    const done: string[] = [];
    let links = 0;
    while (left.length > 0) {
      const [name, ...rest] = left as [string, ...string[]];
      left = rest;
      if (name === '..') {
        done.pop();
        continue;
      }
      const here = join(this.root, ...done, name);
      const isLast = rest.length === 0;
      const stats = isLast && !followLast ? undefined : lstatSync(here);
      if (!stats?.isSymbolicLink()) {
        done.push(name);
        continue;
      }
      if (++links > LINKS_MAX) throw Object.assign(new Error(`too many links in ${path}`), { code: 'ELOOP' });
      const target = readlinkSync(here);
      if (target.startsWith('/')) done.length = 0;
      left = [...namesOf(target), ...rest];
    }
    return join(this.root, ...done);
  }
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** What is there by now: a file may grow while it is read. */
function readUpTo(fd: number, maxBytes: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const got = readSync(fd, chunk);
    if (got === 0) return Buffer.concat(chunks, total);
    total += got;
    if (total > maxBytes) return undefined;
    chunks.push(chunk.subarray(0, got));
  }
}
