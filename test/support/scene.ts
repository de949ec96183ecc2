/** A stage for end-to-end tests: a temporary folder, agents in it, commands to them, and secrets that nobody may say. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { AgentProcess, Command, type CommandOptions, type Ended, type Event } from './agents.ts';

const WAIT_MAX_MS = 30_000;
const WAIT_STEP_MS = 50;

/** Repeats until the answer is one. */
export async function eventually<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const until = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > until) throw new Error(`never came true: ${what}`);
    await new Promise((done) => setTimeout(done, WAIT_STEP_MS));
  }
}

interface Said {
  readonly by: string;
  readonly text: string;
}

export class Scene {
  readonly dir = mkdtempSync(join(tmpdir(), 'resettle-test-'));
  readonly #agents: AgentProcess[] = [];
  readonly #homes = new Set<string>();
  readonly #secrets = new Set<string>();
  readonly #commands: Command[] = [];

  constructor() {
    // Agents of other users have their HOME in it.
    chmodSync(this.dir, 0o755);
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  /** A text that no process may print, log, or carry on its command line. */
  secret(text: string): string {
    this.#secrets.add(text);
    return text;
  }

  async agent(name: string, more: readonly string[] = [], options: CommandOptions = {}): Promise<AgentProcess> {
    const home = this.path(name);
    this.#homes.add(home);
    const agent = await AgentProcess.start(basename(name), home, more, options);
    this.#agents.push(agent);
    return agent;
  }

  /** The running agent NAME. */
  running(name: string): AgentProcess {
    const agent = this.#agents.find(({ home, running }) => home === this.path(name) && running);
    assert.ok(agent, `${name} runs`);
    return agent;
  }

  /** Ends the agent NAME, cleanly unless told otherwise. */
  async stop(name: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.running(name).end(signal);
  }

  /** An agent that is a point with its store in NAME-store. */
  point(name: string, more: readonly string[] = []): Promise<AgentProcess> {
    return this.agent(name, ['--point', this.storeOf(name), '--keep-free', '0MB', ...more]);
  }

  storeOf(name: string): string {
    return this.path(`${name}-store`);
  }

  /** Starts a command that talks to the agent NAME, with `--json`. */
  start(name: string, args: readonly string[], options: CommandOptions = {}): Command {
    const home = this.path(name);
    this.#homes.add(home);
    return this.command(['--home', home, '--json', ...args], options);
  }

  /** Starts any command line. */
  command(args: readonly string[], options: CommandOptions = {}): Command {
    const command = new Command(args, options);
    this.#commands.push(command);
    return command;
  }

  run(name: string, args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
    return this.start(name, args, options).ended;
  }

  /** Runs a command that must succeed and returns its last event. */
  async done(name: string, args: readonly string[], options: CommandOptions = {}): Promise<Event> {
    const ended = await this.run(name, args, options);
    assert.equal(ended.status, 0, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
    assert.equal(ended.last.event, 'done');
    return ended.last;
  }

  /** Runs a command that must be refused with that status and code, and returns its error. */
  async fails(
    name: string,
    args: readonly string[],
    status: number,
    code: string,
    options: CommandOptions = {},
  ): Promise<{ message: string; hint: string }> {
    return failure(await this.run(name, args, options), status, code);
  }

  async invite(name: string, more: readonly string[] = []): Promise<string> {
    const command = this.start(name, ['fleet', 'invite', ...more]);
    // It is there to print the token: what it says is not listened to.
    this.#commands.splice(this.#commands.indexOf(command), 1);
    const { status, last, stdout } = await command.ended;
    assert.equal(status, 0, stdout);
    return this.secret(last.token as string);
  }

  join(name: string, token: string): Promise<Ended> {
    return this.run(name, ['fleet', 'join', '-'], { input: `${token}\n` });
  }

  /** Makes a fleet of running agents; the first is its operator. */
  async fleet(operator: string, members: readonly string[], init: readonly string[] = []): Promise<void> {
    await this.done(operator, ['fleet', 'init', '--name', 'office', ...init]);
    if (members.length === 0) return;
    const token = await this.invite(operator, ['--uses', String(members.length)]);
    for (const ended of await Promise.all(members.map((name) => this.join(name, token)))) {
      assert.equal(ended.last.admitted, true, ended.stdout);
    }
    const all = members.length + 1;
    for (const name of [operator, ...members]) {
      await eventually(`${name} knows all members`, async () => {
        const { members: known } = await this.done(name, ['fleet', 'members']);
        return (known as { status: string }[]).filter(({ status }) => status === 'active').length === all || undefined;
      });
    }
  }

  /** Ends every process, listens for secrets, removes everything. */
  async end(): Promise<void> {
    try {
      await Promise.all(this.#agents.map((agent) => agent.end('SIGTERM')));
      this.#assertDiscretion();
    } finally {
      rmSync(this.dir, { recursive: true, force: true });
    }
  }

  #assertDiscretion(): void {
    for (const home of this.#homes) this.#secretsIn(home);
    const said: Said[] = [];
    for (const command of [...this.#commands, ...this.#agents.map((agent) => agent.command)]) {
      const by = command.args.join(' ').slice(0, 200);
      said.push({ by: `standard output of ${by}`, text: command.stdout });
      said.push({ by: `standard error of ${by}`, text: command.stderr });
      for (const line of command.commandLines) said.push({ by: `the command line of ${by}`, text: line });
    }
    for (const secret of this.#secrets) {
      for (const { by, text } of said)
        assert.ok(!text.includes(secret), `${by} has the secret ${secret.slice(0, 24)}…`);
    }
  }

  #secretsIn(home: string): void {
    const read = (name: string): Buffer | undefined =>
      existsSync(join(home, name)) ? readFileSync(join(home, name)) : undefined;
    const age = read('age.key')?.toString().trim();
    if (age) this.secret(age);
    for (const name of ['identity.key', 'authority.key']) {
      const key = read(name);
      if (key) for (const encoding of ['hex', 'base64'] as const) this.secret(key.toString(encoding));
    }
    if (!existsSync(join(home, 'states'))) return;
    for (const name of readdirSync(join(home, 'states'))) {
      const { key } = JSON.parse(readFileSync(join(home, 'states', name), 'utf8')) as { key: string };
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        this.secret(Buffer.from(key, 'hex').toString(encoding));
      }
    }
  }
}

/** Checks the contract of an error: exit status, code, one message with a hint, and nothing behind it. */
export function failure(ended: Ended, status: number, code: string): { message: string; hint: string } {
  const shown = `${ended.stdout}${ended.stderr}`;
  assert.equal(ended.status, status, shown);
  assert.equal(ended.last.event, 'error', shown);
  assert.equal(ended.last.code, code, shown);
  const { message, hint } = ended.last;
  assert.ok(typeof message === 'string' && message.length > 0, shown);
  assert.ok(typeof hint === 'string' && hint.length > 0, `no hint: ${shown}`);
  assert.ok(!/\n| at .*\.ts:\d/.test(message), `not one clear line: ${message}`);
  assert.equal(ended.events.filter(({ event }) => event === 'error').length, 1);
  assert.equal(JSON.stringify(ended.last), ended.stdout.trimEnd().split('\n').at(-1), 'the error is the last line');
  return { message, hint };
}
