import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../bin/resettle', import.meta.url));

/** Runs one command as a person would and returns what it printed. Throws when it ends with another status than 0. */
export async function resettle(
  args: readonly string[],
  options: { input?: string; showWords?: boolean } = {},
): Promise<Record<string, unknown>> {
  const child = spawn(PROGRAM, [...args, ...(options.showWords ? [] : ['--json'])], {
    stdio: ['pipe', 'pipe', options.showWords ? 'inherit' : 'pipe'],
  });
  child.stdin?.end(options.input ?? '');
  const words = child.stderr ? text(child.stderr) : Promise.resolve('');
  const [out] = await Promise.all([text(child.stdout!), once(child, 'close')]);
  const last = out.trim().split('\n').at(-1) ?? '';
  if (child.exitCode !== 0) {
    throw new Error(`resettle ${args.join(' ')} ended with ${child.exitCode}: ${last} ${await words}`);
  }
  return options.showWords ? { out } : (JSON.parse(last) as Record<string, unknown>);
}

/** An agent in a process of its own. */
export class AgentProcess {
  readonly name: string;
  readonly home: string;
  readonly peerId: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(name: string, home: string, peerId: string, child: ChildProcess) {
    this.name = name;
    this.home = home;
    this.peerId = peerId;
    this.#child = child;
    this.#ended = child.exitCode === null ? once(child, 'exit') : Promise.resolve();
  }

  static async start(name: string, home: string, more: readonly string[] = []): Promise<AgentProcess> {
    const child = spawn(
      PROGRAM,
      [
        'agent',
        '--home',
        home,
        '--name',
        name,
        '--interface',
        'lo',
        '--listen',
        '/ip4/127.0.0.1/tcp/0',
        '--json',
        ...more,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let log = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-20_000);
    });
    for await (const line of createInterface({ input: child.stdout! })) {
      const event = JSON.parse(line) as { event: string; peerId: string };
      if (event.event === 'ready') return new AgentProcess(name, home, event.peerId, child);
      break;
    }
    throw new Error(`the agent ${name} did not start: ${log}`);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.running) this.#child.kill(signal);
    await this.#ended;
  }
}
