/** A stage where all is kept that processes say and leave behind, and searched for the secrets that went through them. */
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Command, type CommandOptions, type Ended, loopbackAgent } from '../../support/agents.ts';
import { Finder } from './finder.ts';
import { ProcessWatch } from './process-watch.ts';

/** Where a secret may be: texts that the name of a file or of an output must match. */
type Places = readonly RegExp[];

interface Output {
  readonly name: string;
  readonly command: Command;
}

export class Stage {
  /** What the program makes: HOMEs, stores, temporary files. Every file of it is searched. */
  readonly made: string;
  /** What people have themselves: passphrases, tokens, machines. It is not searched. */
  readonly own: string;
  readonly #dir = mkdtempSync(join(tmpdir(), 'resettle-secrets-'));
  readonly #finder = new Finder();
  readonly #places = new Map<string, Places>();
  readonly #outputs: Output[] = [];
  readonly #watch = new ProcessWatch();

  constructor() {
    this.made = join(this.#dir, 'made');
    this.own = join(this.#dir, 'own');
    for (const dir of [this.made, this.own, join(this.made, 'tmp')]) mkdirSync(dir);
  }

  home(name: string): string {
    return join(this.made, name);
  }

  /** From now on nothing may hold it but the places that are named. Those are private files, or outputs that are there to tell it. */
  secret(name: string, secret: Uint8Array | string, ...places: RegExp[]): void {
    this.#finder.add(name, secret);
    this.#places.set(name, places);
  }

  /** A file of a person's own with one line in it. */
  given(name: string, line: string): string {
    const path = join(this.own, name);
    writeFileSync(path, `${line}\n`, { mode: 0o600 });
    return path;
  }

  /** Starts a command that tells all that it can: as JSON, at length, with what libraries say. */
  start(home: string, args: readonly string[], options: CommandOptions = {}): Command {
    return this.#start(`${args.slice(0, 2).join(' ')} of ${home}`, [...args, '--home', this.home(home)], options);
  }

  async agent(name: string, more: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Command> {
    const command = this.#start(`agent ${name}`, loopbackAgent(name, this.home(name), more), { env });
    await command.event(({ event }) => event === 'ready');
    return command;
  }

  async run(home: string, args: readonly string[], options: CommandOptions = {}, statuses = [0, 3]): Promise<Ended> {
    const ended = await this.start(home, args, options).ended;
    assert.ok(
      statuses.includes(ended.status ?? -1),
      `${args.join(' ')}: ${ended.status} ${ended.stdout}${ended.stderr}`,
    );
    return ended;
  }

  #start(name: string, args: readonly string[], options: CommandOptions): Command {
    const env = { ...options.env, DEBUG: '*,*:trace', DUMP_SESSION_KEYS: '1', TMPDIR: join(this.made, 'tmp') };
    const all = [...args, '--verbose', ...(args.includes('--json') ? [] : ['--json'])];
    const command = new Command(all, { ...options, env });
    this.#outputs.push({ name, command });
    this.#watch.add(command.pid);
    return command;
  }

  /** Each secret that is where it must not be: its name, its form, the place. And how much was searched. */
  search(): { readonly leaks: string[]; readonly searchedBytes: number } {
    const leaks: string[] = [];
    let searchedBytes = 0;
    const look = (where: string, bytes: Buffer, isPrivate: boolean): void => {
      searchedBytes += bytes.length;
      for (const { secret, form } of this.#finder.in(bytes)) {
        const may = this.#places.get(secret)!.some((place) => place.test(where));
        if (!may) leaks.push(`${where} has ${secret} (${form})`);
        else if (!isPrivate) leaks.push(`${where} has ${secret}, and others can read it`);
      }
    };
    for (const { name, command } of this.#outputs) {
      look(`standard output of ${name}`, Buffer.from(command.stdout), true);
      look(`standard error of ${name}`, Buffer.from(command.stderr), true);
    }
    for (const [where, text] of this.#watch.read) look(where, Buffer.from(text, 'latin1'), false);
    for (const path of filesOf(this.made)) {
      const { mode } = lstatSync(path);
      look(relative(this.made, path), readFileSync(path), (mode & 0o077) === 0);
    }
    return { leaks, searchedBytes };
  }

  /** Ends every process. */
  async stop(): Promise<void> {
    for (const { command } of this.#outputs) command.kill('SIGTERM');
    await Promise.all(this.#outputs.map(({ command }) => command.ended));
    this.#watch.end();
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function* filesOf(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesOf(path);
    else if (entry.isFile()) yield path;
  }
}
