/** The machines of many moves: real agents, on a network of their own that has nothing but loopback. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../../../src/api/client.ts';
import type { Method, RequestOf } from '../../../src/api/contract.ts';
import { Namespace } from '../../discovery/support/namespace.ts';
import { AgentProcess, Command, type CommandOptions, type Ended, type Event } from '../../support/agents.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Each keeps a core busy for a second. */
const AT_ONCE = 4;
/** On a machine that carries fifty of them an agent may take its time. */
const ASK_MAX_MS = 600_000;
const JOIN_MAX_MS = 600_000;
const STEP_MS = 250;

interface Machine {
  readonly name: string;
  readonly home: string;
  /** Of the last start. */
  options: readonly string[];
  agent: AgentProcess | undefined;
  /** The most memory that an agent of it had, of all its starts. */
  peakKib: number;
}

export class MovesOffice {
  readonly dir: string;
  readonly #network = new Namespace();
  readonly #machines = new Map<string, Machine>();
  #isClosed = false;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Throws where the run is over, however far it came. */
  mustBeOpen(): void {
    if (this.#isClosed) throw new Error('the run is over');
  }

  home(name: string): string {
    return join(this.dir, 'homes', name);
  }

  storeOf(name: string): string {
    return join(this.dir, `${name}-store`);
  }

  /** Starts the agent of a machine, with the options of its last start where none are given. */
  async start(name: string, options?: readonly string[]): Promise<void> {
    this.mustBeOpen();
    const machine = this.#machines.get(name) ?? this.#add(name);
    machine.options = options ?? machine.options;
    const { namespace, env } = this.#where(name);
    const agent = await AgentProcess.start(name, machine.home, machine.options, { namespace, env });
    machine.agent = agent;
    if (this.#isClosed) await agent.end('SIGKILL');
    this.mustBeOpen();
  }

  async startAll(names: readonly string[], optionsOf: (name: string) => readonly string[]): Promise<void> {
    await someAtOnce(names, (name) => this.start(name, optionsOf(name)));
  }

  /** All with one invite. */
  async joinAll(names: readonly string[], token: string): Promise<void> {
    await someAtOnce(names, (name) => this.join(name, token));
  }

  runs(name: string): boolean {
    return this.#machines.get(name)?.agent?.running === true;
  }

  machines(): string[] {
    return [...this.#machines.keys()];
  }

  /** Those whose agents run. */
  running(): string[] {
    return [...this.#machines.keys()].filter((name) => this.runs(name));
  }

  peerOf(name: string): string {
    return this.#machines.get(name)!.agent!.peerId;
  }

  async kill(name: string): Promise<void> {
    this.noteMemory();
    await this.#machines.get(name)?.agent?.end('SIGKILL');
  }

  /** What a reinstallation leaves of a machine: its hardware. */
  async wipe(name: string): Promise<void> {
    await this.kill(name);
    rmSync(this.home(name), { recursive: true, force: true });
  }

  /** Asks an agent as a command would, without a process. */
  async ask<M extends Method>(name: string, method: M, request: RequestOf<M>): Promise<Row> {
    const client = new ApiClient(join(this.home(name), 'agent.sock'));
    return await client.call(method, request, () => {}, AbortSignal.timeout(ASK_MAX_MS));
  }

  begin(name: string, args: readonly string[]): Command {
    return new Command(['--home', this.home(name), '--json', ...args], this.#where(name));
  }

  /** Runs a command that must end with 0. */
  async done(name: string, args: readonly string[]): Promise<Event> {
    const ended = await this.begin(name, args).ended;
    if (ended.status !== 0) throw new Error(`${name}: resettle ${args.join(' ')}: ${saidBy(ended)}`);
    return ended.last;
  }

  /** Ends when it is a member: where nobody could be reached at once, its agent goes on by itself. */
  async join(name: string, token: string): Promise<void> {
    await this.ask(name, 'fleetJoin', { token: token.trim(), acceptOperators: true });
    const end = performance.now() + JOIN_MAX_MS;
    while ((await this.ask(name, 'status', { goal: 'restored' })).standing !== 'active') {
      if (performance.now() > end) throw new Error(`${name} was not admitted`);
      await sleep(STEP_MS);
    }
  }

  noteMemory(): void {
    for (const machine of this.#machines.values()) {
      if (!machine.agent?.running) continue;
      machine.peakKib = Math.max(machine.peakKib, peakKibOf(machine.agent.pid));
    }
  }

  /** In MiB, by machine. */
  peaks(): ReadonlyMap<string, number> {
    this.noteMemory();
    return new Map([...this.#machines.values()].map(({ name, peakKib }) => [name, Math.ceil(peakKib / 1024)]));
  }

  /** Nothing of it runs afterwards, nor starts: what still waits to start an agent fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#machines.values()].map(({ agent }) => agent?.end('SIGTERM')));
    this.#network[Symbol.dispose]();
  }

  #add(name: string): Machine {
    const number = this.#machines.size + 1;
    const digits = String(number).padStart(12, '0');
    const facts = {
      productUuid: `4c4c4544-0039-4d10-8051-${digits}`,
      productSerial: `SN${digits}`,
      macs: [`3c:ec:ef:00:00:${number.toString(16).padStart(2, '0')}`],
    };
    mkdirSync(join(this.dir, 'homes'), { recursive: true });
    writeFileSync(this.#hardware(name), JSON.stringify(facts));
    const machine: Machine = { name, home: this.home(name), options: [], agent: undefined, peakKib: 0 };
    this.#machines.set(name, machine);
    return machine;
  }

  /** Outlives every wipe. */
  #hardware(name: string): string {
    return join(this.dir, 'homes', `${name}.hardware`);
  }

  #where(name: string): Required<Pick<CommandOptions, 'namespace' | 'env'>> {
    return { namespace: this.#network.name, env: { RESETTLE_HARDWARE_FILE: this.#hardware(name) } };
  }
}

export function saidBy({ status, signal, stdout, stderr }: Ended): string {
  return `ended with ${status ?? signal}: ${stdout.slice(-1500)} ${stderr.slice(-1500)}`;
}

async function someAtOnce(names: readonly string[], work: (name: string) => Promise<void>): Promise<void> {
  const waiting = [...names];
  const next = async (): Promise<void> => {
    for (let name = waiting.shift(); name; name = waiting.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

function peakKibOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
