import { mkdtempSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NAME_MAX_BYTES } from '../../../common/limits.ts';

/** A path on macOS, its NUL included; Linux takes four times that, Windows 32,767 characters. */
const PATH_MAX_BYTES = 1024;
const LONGEST_FOLDER_BYTES = PATH_MAX_BYTES - NAME_MAX_BYTES - '/'.length - '\0'.length;

let home: { path: string; links: number; made: number } | undefined;

/**
 * Another path to a folder whose own is nearly too long: by way of a link in a private temporary folder. It may lead
 * through one of a folder above. The platform follows 32 to 40 of them in one path, which is 25 KB of names and more.
 */
export class ShortPath {
  readonly path: Buffer;
  readonly #link: string;
  readonly #through: ShortPath | undefined;
  #users = 1;

  constructor(long: Buffer, through: ShortPath | undefined) {
    home ??= { path: mkdtempSync(join(tmpdir(), 'resettle-paths-')), links: 0, made: 0 };
    home.made += 1;
    this.#link = join(home.path, `${home.made}`);
    symlinkSync(long, this.#link);
    home.links += 1;
    this.#through = through?.use();
    // Behind the link: what is done to this path is done to the folder, never to the link.
    this.path = Buffer.from(`${this.#link}/.`);
  }

  use(): this {
    this.#users += 1;
    return this;
  }

  /** Removes the link with its last user. */
  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    unlinkSync(this.#link);
    this.#through?.release();
    home!.links -= 1;
    if (home!.links > 0) return;
    rmdirSync(home!.path);
    home = undefined;
  }
}

/** Whether a name beneath this folder may make a path that is too long. */
export function isNearlyTooLong(path: Buffer): boolean {
  return process.platform !== 'win32' && path.length > LONGEST_FOLDER_BYTES;
}
