/** Runs the support scripts as processes and waits for what they print. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const NODE = new URL('../../../bin/node', import.meta.url).pathname;

/** One line that a script printed. */
export interface ScriptEvent {
  readonly event: string;
  readonly atMs: number;
  readonly peerId?: string;
  readonly addresses?: string[];
  readonly interfaceName?: string;
  readonly interfaces?: { name: string; address: string; error?: string }[];
}

export class ScriptProcess {
  readonly events: ScriptEvent[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #stderr = '';

  /** @param namespace the network namespace to run in; none means the machine's own */
  constructor(script: 'agent.ts' | 'stock.ts' | 'noise.ts', settings: object, namespace?: string) {
    const path = new URL(script, import.meta.url).pathname;
    const command = [NODE, '--disable-warning=ExperimentalWarning', path, JSON.stringify(settings)];
    if (namespace !== undefined) command.unshift('ip', 'netns', 'exec', namespace);
    this.#child = spawn(command[0]!, command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.events.push(JSON.parse(line) as ScriptEvent);
      for (const wake of this.#waiting) wake();
    });
  }

  /** Waits for an event, past or future. */
  async waitFor(name: string, matches: (event: ScriptEvent) => boolean = () => true): Promise<ScriptEvent> {
    const untilMs = Date.now() + 30_000;
    for (;;) {
      const found = this.events.find((event) => event.event === name && matches(event));
      if (found !== undefined) return found;
      if (Date.now() > untilMs) {
        throw new Error(`no event ${name}; there were ${JSON.stringify(this.events)}; ${this.#stderr}`);
      }
      const line = Promise.withResolvers<void>();
      this.#waiting.add(line.resolve);
      await Promise.race([line.promise, sleep(250, undefined, { ref: false })]);
      this.#waiting.delete(line.resolve);
    }
  }

  /** Lets it say goodbye and end. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await ended;
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
