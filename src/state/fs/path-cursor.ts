import { asBuffer } from '../../common/bytes.ts';
import { OPEN_FOLDERS_MAX } from '../../common/limits.ts';
import { close, openFolder } from './calls.ts';

interface Step {
  readonly name: Uint8Array;
  fd: number | undefined;
}

/**
 * Walks beneath one open folder, by descriptors only and never through a link. It keeps the folders of the current
 * path open, the deepest ones where the path is deep, so that going to a neighbour opens one folder.
 */
export class PathCursor {
  readonly #base: number;
  readonly #steps: Step[] = [];

  /** `base` stays the caller's. */
  constructor(base: number) {
    this.#base = base;
  }

  /** An open descriptor of that folder, good until the next call. Throws as `openFolder` does. */
  enter(path: readonly Uint8Array[]): number {
    const steps = this.#steps;
    let common = 0;
    while (
      common < path.length &&
      common < steps.length &&
      (steps[common]!.name === path[common] || asBuffer(steps[common]!.name).equals(path[common]!))
    ) {
      common += 1;
    }
    this.#leave(common);
    while (steps.length < path.length) steps.push({ name: path[steps.length]!, fd: undefined });
    return this.#open(steps.length);
  }

  /** Closes what is open. The cursor can be used again. */
  close(): void {
    this.#leave(0);
  }

  #leave(depth: number): void {
    while (this.#steps.length > depth) {
      const step = this.#steps.pop()!;
      if (step.fd !== undefined) close(step.fd);
    }
  }

  #open(depth: number): number {
    let from = depth;
    while (from > 0 && this.#steps[from - 1]!.fd === undefined) from -= 1;
    let fd = from === 0 ? this.#base : this.#steps[from - 1]!.fd!;
    try {
      for (let at = from; at < depth; at++) {
        fd = openFolder(fd, this.#steps[at]!.name);
        this.#steps[at]!.fd = fd;
        this.#forget(at - OPEN_FOLDERS_MAX);
      }
    } catch (error) {
      this.#steps.length = this.#steps.findLastIndex((step) => step.fd !== undefined) + 1;
      throw error;
    }
    return fd;
  }

  #forget(at: number): void {
    const step = this.#steps[at];
    if (step?.fd === undefined) return;
    close(step.fd);
    step.fd = undefined;
  }
}
