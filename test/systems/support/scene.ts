import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { CommandLine, type Ran } from './command-line.ts';
import { copyOf, debian, type Release } from './debian.ts';

/** A store in a folder, and how it is opened. */
class Store {
  readonly #opened: readonly string[];

  constructor(folder: string) {
    const passphrase = join(folder, 'passphrase');
    writeFileSync(passphrase, 'four words of nobody\n', { mode: 0o644 });
    this.#opened = ['--store', join(folder, 'store'), '--passphrase-file', passphrase];
  }

  capture(home: CommandLine, root: string, ...more: readonly string[]): Ran {
    return home.run('capture', '--root', root, ...this.#opened, ...more);
  }

  restore(home: CommandLine, root: string, ...more: readonly string[]): Ran {
    return home.run(...this.restoreLine(root, ...more));
  }

  restoreLine(root: string, ...more: readonly string[]): string[] {
    return ['restore', '--root', root, ...this.#opened, ...more];
  }
}

/** A folder with systems, a store and HOMEs of resettle, gone when the tests of a file have ended. */
export class Scene extends Store {
  readonly folder: string;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'resettle-systems-'));
    after(() => rmSync(folder, { recursive: true, force: true }));
    super(folder);
    this.folder = folder;
  }

  /** A new system; `name` is of its folder. */
  newSystem(name: string, release: Release = 'bookworm'): string {
    return debian(release, this.folder, name);
  }

  copy(system: string, name: string): string {
    return copyOf(system, join(this.folder, name));
  }

  /** `as`: a program with arguments that runs another one as somebody else. */
  home(name = 'home', as: readonly string[] = []): CommandLine {
    return new CommandLine(join(this.folder, name), as);
  }

  /** Another store, in a folder that is somebody else's. */
  apart(folder: string): Store {
    return new Store(folder);
  }
}
