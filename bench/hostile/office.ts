/** A point, a source and a destination: the honest part. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AgentProcess, Command, resettle } from '../../test/support/agents.ts';
import { makeBulk } from '../../test/support/trees.ts';
import { cpuSecondsOf } from '../processes.ts';

/** So many places for the hostile machine, which joins anew each time. */
const USES = '1000';

export type Transfer = 'capture' | 'restore';

export class Office {
  readonly #base: string;
  readonly #megabytes: number;
  readonly #agents: readonly AgentProcess[];
  readonly token: string;

  private constructor(base: string, megabytes: number, agents: readonly AgentProcess[], token: string) {
    this.#base = base;
    this.#megabytes = megabytes;
    this.#agents = agents;
    this.token = token;
  }

  static async open(work: string, megabytes: number): Promise<Office> {
    const base = mkdtempSync(join(work, 'resettle-hostile-'));
    const home = (name: string): string[] => ['--home', join(base, name)];
    const agents: AgentProcess[] = [];
    for (const name of ['point', 'source', 'destination']) {
      const more = name === 'point' ? ['--point', join(base, 'store'), '--keep-free', '0MB'] : [];
      agents.push(await AgentProcess.start(name, join(base, name), more));
    }
    await resettle(['fleet', 'init', ...home('point'), '--name', 'bench']);
    const { token } = await resettle(['fleet', 'invite', ...home('point'), '--uses', USES]);
    for (const name of ['source', 'destination'])
      await resettle(['fleet', 'join', '-', ...home(name)], { input: String(token) });
    return new Office(base, megabytes, agents, String(token));
  }

  /** Where the point listens. */
  get address(): string {
    return this.#agents[0]!.addresses[0]!;
  }

  /** CPU seconds that all agents have used. */
  cpuSeconds(): number {
    return this.#agents.reduce((sum, { pid }) => sum + cpuSecondsOf(pid).own, 0);
  }

  /** New data, so that all of it is sent. */
  prepare(): void {
    makeBulk(join(this.#base, 'data'), this.#megabytes);
  }

  /**
   * Seconds from the command's first word until all is stored, or restored: its own start is no part of it, nor what a capture
   * waits for afterwards; `onBegin` and `onEnd` are called at both ends of that. The rest is waited for all the same: a
   * destination that tries what it got is in the way of the next capture.
   */
  async run(transfer: Transfer, onBegin: () => void = () => {}, onEnd: () => void = () => {}): Promise<number> {
    const home = (name: string): string[] => ['--home', join(this.#base, name)];
    const into = join(this.#base, 'restored');
    const args =
      transfer === 'capture'
        ? ['capture', join(this.#base, 'data'), ...home('source'), '--for', 'destination']
        : ['restore', ...home('destination'), '--from', 'source', '--into', into, '--strip'];
    const command = new Command([...args, '--json']);
    await command.event(() => true);
    const beganMs = performance.now();
    onBegin();
    await command.event(({ event, phase }) => phase === 'verify' || event === 'done' || event === 'error');
    const seconds = (performance.now() - beganMs) / 1000;
    onEnd();
    const { last, stdout, stderr } = await command.ended;
    if (last.event !== 'done') throw new Error(`the ${transfer} has failed: ${stdout}${stderr}`);
    if (transfer === 'restore') rmSync(into, { recursive: true, force: true });
    return seconds;
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.end('SIGTERM')));
    rmSync(this.#base, { recursive: true, force: true });
  }
}
