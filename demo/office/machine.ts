/** One machine of the office: its network, its HOME, its hardware, and the agent that runs on it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, type Ended } from '../../test/support/agents.ts';
import type { Socket } from './network.ts';

export class OfficeMachine {
  readonly name: string;
  readonly home: string;
  readonly #socket: Socket;
  readonly #env: NodeJS.ProcessEnv;
  #agent: Command | undefined;
  #options: readonly string[] = [];

  constructor(base: string, name: string, socket: Socket, number: number) {
    this.name = name;
    this.home = join(base, name, 'home');
    this.#socket = socket;
    mkdirSync(join(base, name), { recursive: true });
    // Its hardware outlives every wipe.
    const hardware = join(base, name, 'hardware.json');
    const digits = String(number).padStart(12, '0');
    const facts = {
      productUuid: `4c4c4544-0039-4d10-8051-${digits}`,
      productSerial: `SN${digits}`,
      boardSerial: `BD${digits}`,
      macs: [`3c:ec:ef:00:00:${(number % 256).toString(16).padStart(2, '0')}`],
    };
    writeFileSync(hardware, JSON.stringify(facts));
    this.#env = { RESETTLE_HARDWARE_FILE: hardware };
  }

  get agent(): Command {
    if (!this.#agent?.running) throw new Error(`no agent runs on ${this.name}`);
    return this.#agent;
  }

  /** Starts its agent, with the options of the last start where none are given. */
  async start(options: readonly string[] = this.#options): Promise<void> {
    this.#options = options;
    const args = ['agent', '--home', this.home, '--name', this.name, '--interface', 'eth0', '--json', ...options];
    this.#agent = new Command(args, this.#where());
    await this.#agent.event(({ event }) => event === 'ready');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.#agent?.running) return;
    this.#agent.kill(signal);
    await this.#agent.ended;
  }

  /** What a reinstallation leaves of it: the hardware. */
  async wipe(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Starts a command on it, with `--json`. */
  begin(args: readonly string[], input = ''): Command {
    return new Command(['--home', this.home, '--json', ...args], { ...this.#where(), input });
  }

  run(args: readonly string[], input = ''): Promise<Ended> {
    return this.begin(args, input).ended;
  }

  /** Runs a command that must end with 0, or 3 where items may be left out; returns what `done` says. */
  async done(args: readonly string[], input = ''): Promise<Readonly<Record<string, unknown>>> {
    const ended = await this.run(args, input);
    if (ended.status !== 0 && ended.status !== 3) {
      throw new Error(
        `${this.name}: resettle ${args.join(' ')} ended with ${ended.status}: ${ended.stdout}${ended.stderr}`,
      );
    }
    return ended.last;
  }

  #where(): { namespace: string; env: NodeJS.ProcessEnv } {
    return { namespace: this.#socket.namespace.name, env: this.#env };
  }
}
