/** What anybody, or the same user, can read of running processes and of all that they start: command lines and environments. */
import { readdirSync, readFileSync } from 'node:fs';

const EVERY_MS = 50;

export class ProcessWatch {
  /** By where it was read; each text once. */
  readonly read = new Map<string, string>();
  readonly #roots = new Set<number>();
  readonly #timer = setInterval(() => this.#look(), EVERY_MS);

  add(pid: number): void {
    this.#roots.add(pid);
    this.#lookAt(pid);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const pid of this.#roots) if (!this.#lookAt(pid)) this.#roots.delete(pid);
  }

  /** Whether it is there. */
  #lookAt(pid: number): boolean {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      const about = `${commandLine.split(' ', 4).join(' ')} (${pid})`;
      this.read.set(`the command line of ${about}: ${commandLine.length}`, commandLine);
      this.read.set(`the environment of ${about}`, readFileSync(`/proc/${pid}/environ`, 'latin1'));
      for (const task of readdirSync(`/proc/${pid}/task`)) {
        const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1');
        for (const child of children.split(' ').filter((text) => text !== '')) this.#lookAt(Number(child));
      }
      return true;
    } catch {
      return false;
    }
  }
}
