import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** Of /proc/cpuinfo the first processor's flags are enough; all others are a line. */
const TEXT_MAX_BYTES = 16 * 1024;

/** Files of the system below a root, so that tests can give another one. What cannot be read is not there. */
export class SystemFiles {
  readonly #root: string;

  constructor(root = '/') {
    this.#root = root;
  }

  /** The beginning of a file, trimmed. */
  text(path: string): string | undefined {
    let file: number;
    try {
      file = openSync(join(this.#root, path), 'r');
    } catch {
      return undefined;
    }
    try {
      const buffer = Buffer.alloc(TEXT_MAX_BYTES);
      return buffer.toString('utf8', 0, readSync(file, buffer)).trim();
    } catch {
      // Such as a driver that has no answer.
      return undefined;
    } finally {
      closeSync(file);
    }
  }

  exists(path: string): boolean {
    return existsSync(join(this.#root, path));
  }

  /** Where a path leads, symbolic links followed. */
  target(path: string): string | undefined {
    try {
      return realpathSync(join(this.#root, path));
    } catch {
      return undefined;
    }
  }

  names(path: string): string[] {
    try {
      return readdirSync(join(this.#root, path)).sort();
    } catch {
      return [];
    }
  }
}
