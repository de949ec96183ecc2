import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { LIVED_IN_KEY, liveIn } from '../lived-in/index.ts';
import { CommandLine, type Ran } from './command-line.ts';
import { baseOf, copyOf, debian, kept, type Release } from './debian.ts';

/** A system of a release that people have lived in, for reading only. */
export function livedIn(release: Release): string {
  return kept(`${release}-lived-in-${LIVED_IN_KEY}`, (root) => {
    copyOf(baseOf(release), root);
    liveIn(root);
  });
}

/** A folder with systems, a store and a HOME of resettle, gone when the tests of a file have ended. */
export class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'resettle-systems-'));
  readonly store = join(this.folder, 'store');
  readonly #passphrase = join(this.folder, 'passphrase');

  constructor() {
    after(() => rmSync(this.folder, { recursive: true, force: true }));
    writeFileSync(this.#passphrase, 'four words of nobody\n', { mode: 0o600 });
  }

  /** A new system; `name` is of its folder. */
  newSystem(name: string, release: Release = 'bookworm'): string {
    return debian(release, this.folder, name);
  }

  copy(system: string, name: string): string {
    return copyOf(system, join(this.folder, name));
  }

  home(name = 'home', as: readonly string[] = []): CommandLine {
    return new CommandLine(join(this.folder, name), as);
  }

  capture(home: CommandLine, root: string, ...more: readonly string[]): Ran {
    return home.run('capture', '--root', root, ...this.#opened(), ...more);
  }

  restore(home: CommandLine, root: string, ...more: readonly string[]): Ran {
    return home.run(...this.restoreLine(root, ...more));
  }

  restoreLine(root: string, ...more: readonly string[]): string[] {
    return ['restore', '--root', root, ...this.#opened(), ...more];
  }

  #opened(): string[] {
    return ['--store', this.store, '--passphrase-file', this.#passphrase];
  }
}
