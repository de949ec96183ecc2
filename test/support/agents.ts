/** Real agents and real commands, each in a process of its own, as a person would start them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/resettle', import.meta.url));
const COMMAND_LINE_EVERY_MS = 50;

export type Event = { readonly event: string; readonly [key: string]: unknown };

/** How a process ended, and everything that it said. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of standard output that are JSON. */
  readonly events: readonly Event[];
  /** The last of them: `done` or `error`. */
  readonly last: Event;
}

export interface CommandOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The user and group to run as. */
  readonly uid?: number;
  /** 3 is fine too: done, with items left out and listed. */
  readonly mayLeaveOut?: boolean;
  /** The network namespace to run in. */
  readonly namespace?: string;
  /** Standard error goes to the terminal. */
  readonly showWords?: boolean;
}

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** One running `resettle`. */
export class Command {
  readonly args: readonly string[];
  readonly events: Event[] = [];
  readonly ended: Promise<Ended>;
  /** What other users of the machine can read of it. */
  readonly commandLines = new Set<string>();
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #parsed = 0;

  constructor(args: readonly string[], options: CommandOptions = {}) {
    this.args = args;
    const { uid, namespace } = options;
    const [program, before] = namespace === undefined ? [PROGRAM, []] : ['ip', ['netns', 'exec', namespace, PROGRAM]];
    const child = spawn(program, [...before, ...args], {
      stdio: ['pipe', 'pipe', options.showWords ? 'inherit' : 'pipe'],
      env: { ...process.env, ...options.env },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    this.#child = child;
    living.add(child);
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#parse();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    const watch = setInterval(() => this.#readCommandLine(), COMMAND_LINE_EVERY_MS);
    this.ended = once(child, 'close').then(() => {
      clearInterval(watch);
      living.delete(child);
      this.#wake();
      return {
        status: child.exitCode,
        signal: child.signalCode,
        stdout: this.#stdout,
        stderr: this.#stderr,
        events: this.events,
        last: this.events.at(-1) ?? { event: 'none' },
      };
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** The first event that fits. Throws when the process ends without it. */
  async event(fits: (event: Event) => boolean): Promise<Event> {
    for (;;) {
      const found = this.events.find(fits);
      if (found) return found;
      if (!this.running && this.#child.stdout?.readableEnded) {
        throw new Error(`"resettle ${this.args.join(' ')}" ended too early: ${this.#stdout}${this.#stderr}`);
      }
      await new Promise<void>((wake) => this.#waiting.add(wake));
    }
  }

  #parse(): void {
    for (let end = this.#stdout.indexOf('\n', this.#parsed); end >= 0; end = this.#stdout.indexOf('\n', this.#parsed)) {
      const line = this.#stdout.slice(this.#parsed, end);
      this.#parsed = end + 1;
      if (line.startsWith('{')) this.events.push(JSON.parse(line) as Event);
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #readCommandLine(): void {
    try {
      this.commandLines.add(readFileSync(`/proc/${this.pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
    } catch {
      // It has just ended, or this system has no /proc.
    }
  }
}

/** Runs one command to its end, with `--json`. Throws when it ends with another status than 0 (or 3 where that is allowed). */
export async function resettle(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { status, last, stderr } = await new Command([...args, ...(options.showWords ? [] : ['--json'])], options)
    .ended;
  if (status !== 0 && !(options.mayLeaveOut && status === 3))
    throw new Error(`resettle ${args.join(' ')} ended with ${status}: ${JSON.stringify(last)} ${stderr}`);
  return last;
}

/** The arguments of an agent that stays on loopback. */
export function loopbackAgent(name: string, home: string, more: readonly string[] = []): string[] {
  const listen = more.includes('--listen') ? [] : ['--listen', '/ip4/127.0.0.1/tcp/0'];
  return ['agent', '--home', home, '--name', name, '--interface', 'lo', ...listen, '--json', ...more];
}

/** A running agent. */
export class AgentProcess {
  readonly name: string;
  readonly home: string;
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly command: Command;

  private constructor(name: string, home: string, command: Command, ready: Event) {
    this.name = name;
    this.home = home;
    this.command = command;
    this.peerId = ready.peerId as string;
    this.addresses = ready.addresses as string[];
  }

  static async start(
    name: string,
    home: string,
    more: readonly string[] = [],
    options: CommandOptions = {},
  ): Promise<AgentProcess> {
    const command = new Command(loopbackAgent(name, home, more), options);
    return new AgentProcess(name, home, command, await command.event(({ event }) => event === 'ready'));
  }

  get pid(): number {
    return this.command.pid;
  }

  get running(): boolean {
    return this.command.running;
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.command.kill(signal);
    if (signal !== 'SIGKILL') this.command.kill('SIGCONT');
    return this.command.ended;
  }
}
