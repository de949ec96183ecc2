/** A point, a source and a destination, each an agent of its own, for runs that do not count kills. */
import { join } from 'node:path';
import { AgentProcess, Command, type CommandOptions, type Ended, resettle } from '../../support/agents.ts';
import type { Run } from '../scenario.ts';

export const NAMES = ['nas', 'laptop', 'desk'] as const;
export type Name = (typeof NAMES)[number];

export interface Place {
  /** The network namespace of each machine. */
  readonly namespaces?: Readonly<Record<Name, string>>;
  /** The interface that they use; default loopback. */
  readonly device?: string;
}

export class SmallFleet {
  readonly run: Run;
  readonly #place: Place;
  readonly #agents = new Map<Name, AgentProcess | Command>();

  constructor(run: Run, place: Place = {}) {
    this.run = run;
    this.#place = place;
  }

  /** Starts all three and makes them a fleet. */
  async begin(): Promise<void> {
    for (const name of NAMES) await this.start(name);
    await this.done('nas', ['fleet', 'init', '--name', 'office']);
    const { token } = await this.done('nas', ['fleet', 'invite', '--uses', '2']);
    for (const name of ['laptop', 'desk'] as const) {
      await resettle(['fleet', 'join', '-', '--home', this.home(name)], { input: String(token) });
    }
  }

  home(name: Name): string {
    return join(this.run.dir, name);
  }

  get store(): string {
    return join(this.run.dir, 'nas-store');
  }

  agent(name: Name): Command {
    const agent = this.#agents.get(name)!;
    return agent instanceof Command ? agent : agent.command;
  }

  async start(name: Name): Promise<void> {
    const { namespaces, device } = this.#place;
    const point = name === 'nas' ? ['--point', this.store, '--keep-free', '0MB'] : [];
    if (namespaces && device) {
      const args = ['agent', '--home', this.home(name), '--name', name, '--interface', device, '--json', ...point];
      const agent = new Command(args, { namespace: namespaces[name] });
      this.#agents.set(name, agent);
      await agent.event(({ event }) => event === 'ready');
      return;
    }
    const peers = [...this.#agents.values()].flatMap((agent) =>
      agent instanceof AgentProcess ? ['--peer', agent.addresses[0]!] : [],
    );
    this.#agents.set(name, await AgentProcess.start(name, this.home(name), [...point, ...peers]));
  }

  async stop(name: Name): Promise<void> {
    if (!this.#agents.has(name)) return;
    const agent = this.agent(name);
    this.#agents.delete(name);
    agent.kill('SIGTERM');
    agent.kill('SIGCONT');
    await agent.ended;
  }

  begun(name: Name, args: readonly string[], options: CommandOptions = {}): Command {
    return new Command([...args, '--json', '--home', this.home(name)], options);
  }

  ended(name: Name, args: readonly string[]): Promise<Ended> {
    return this.begun(name, args).ended;
  }

  /** A command that must succeed; what it says at its end. */
  async done(name: Name, args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    return await resettle([...args, '--home', this.home(name)], { mayLeaveOut: true });
  }

  async end(): Promise<void> {
    await Promise.all(NAMES.map((name) => this.stop(name)));
  }
}
