import { chmodSync, closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolderDurably } from '../../common/durable-folders.ts';
import { ResettleError } from '../../common/errors.ts';
import { DESCRIPTOR_MAX_BYTES } from '../../common/limits.ts';
import type { PlanSummary } from '../capture/index.ts';
import { damaged } from '../format/damaged.ts';
import { codeOf } from '../fs/errno.ts';
import { writeDurably } from '../store/durable.ts';

/** What left-out and excluded items take at the most, escaped. */
const SUMMARY_MAX_BYTES = 16 * 1024 * 1024;

/**
 * The files of a plan: `pack-0`, `pack-1`, … in the descriptor's order, `sizes` (see entry-sizes.ts), `links`
 * (see link-identities.ts), `summary`, and `descriptor`, which is written last and renamed into its place: where it stands, the plan is whole.
 */
export class PlanFolder {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Throws `not-empty` where anything lies in it. */
  make(): void {
    makeFolderDurably(this.dir);
    if (readdirSync(this.dir).length > 0) {
      throw new ResettleError('not-empty', `${this.dir} is not empty`, { hint: 'name an empty folder for the plan' });
    }
    chmodSync(this.dir, 0o700);
  }

  get sizesFile(): string {
    return join(this.dir, 'sizes');
  }

  get linksFile(): string {
    return join(this.dir, 'links');
  }

  writePack(index: number, bytes: Uint8Array): void {
    this.#write(`pack-${index}`, bytes);
  }

  writeSummary(plan: PlanSummary): void {
    this.#write('summary', Buffer.from(JSON.stringify(plan)));
  }

  writeDescriptor(bytes: Uint8Array): void {
    this.#write('descriptor', bytes);
  }

  /** Throws `not-found` where no whole plan lies here. */
  readDescriptor(): Buffer {
    try {
      return this.#read('descriptor', DESCRIPTOR_MAX_BYTES);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
      throw new ResettleError('not-found', `no plan lies in ${this.dir}`, { hint: 'send anew', cause: error });
    }
  }

  /** Throws `damaged`. */
  readSummary(): PlanSummary {
    try {
      const plan = JSON.parse(this.#read('summary', SUMMARY_MAX_BYTES).toString('utf8'));
      if (typeof plan?.bytes === 'number' && Array.isArray(plan.skipped?.items) && Array.isArray(plan.excluded)) {
        // Plans of earlier versions knew no rules.
        return { leftByRules: [], byRoot: [], ...plan };
      }
    } catch (error) {
      throw damaged('the summary of a plan cannot be read', error);
    }
    throw damaged('the summary of a plan is none');
  }

  /** Fills the front of `into`. Throws `damaged` where the pack is not there with that size. */
  readPack(index: number, sizeBytes: number, into: Uint8Array): Uint8Array {
    const pack = into.subarray(0, sizeBytes);
    try {
      const fd = openSync(join(this.dir, `pack-${index}`), 'r');
      try {
        let read = 0;
        for (let got = -1; got !== 0 && read < sizeBytes; read += got) {
          got = readSync(fd, pack, read, sizeBytes - read, read);
        }
        if (pack.length === sizeBytes && read === sizeBytes) return pack;
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw damaged(`pack ${index} of a plan cannot be read`, error);
    }
    throw damaged(`pack ${index} of a plan is cut short`);
  }

  #write(name: string, bytes: Uint8Array): void {
    writeDurably(this.dir, join(this.dir, name), bytes);
  }

  #read(name: string, maxBytes: number): Buffer {
    const path = join(this.dir, name);
    if (statSync(path).size > maxBytes) throw damaged(`the ${name} of a plan is too long`);
    return readFileSync(path);
  }
}
