/** Machines in network namespaces, each with a real agent, in one fleet. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Finding } from '../../../src/node/doctor/finding.ts';
import { Command, type Event, resettle } from '../../support/agents.ts';
import { Namespace, Switch } from './namespace.ts';

export interface Examined {
  readonly status: number | null;
  readonly last: Event;
  readonly findings: readonly Finding[];
}

type Done = Readonly<Record<string, unknown>>;

/** One machine: a namespace, a HOME, and an agent when it runs. */
export class Machine {
  readonly name: string;
  readonly namespace = new Namespace();
  home: string;
  agent: Command | undefined;
  ready: Event | undefined;

  constructor(name: string, home: string) {
    this.name = name;
    this.home = home;
  }

  async start(...more: string[]): Promise<void> {
    const args = ['agent', '--home', this.home, '--name', this.name, '--json', ...more];
    this.agent = new Command(args, { namespace: this.namespace.name });
    this.ready = await this.agent.event(({ event }) => event === 'ready');
  }

  async stop(): Promise<void> {
    this.agent?.kill('SIGTERM');
    await this.agent?.ended;
  }

  get peerId(): string {
    return String(this.ready?.peerId);
  }

  /** Runs a command against this machine's agent, in its namespace. Throws when it does not end well. */
  ask(...args: string[]): Promise<Done> {
    return resettle([...args, '--home', this.home], { namespace: this.namespace.name });
  }

  /** Runs a command to its end, however that is. */
  run(...args: string[]): Command {
    return new Command([...args, '--home', this.home, '--json'], { namespace: this.namespace.name });
  }

  /** Runs `doctor` to its end: its findings, and how it ended. */
  async doctor(...args: string[]): Promise<Examined> {
    const { status, events, last } = await this.run('doctor', ...args).ended;
    return { status, last, findings: events.filter(({ event }) => event === 'check') as unknown as Finding[] };
  }

  async peer(other: Machine): Promise<Record<string, unknown> | undefined> {
    const { peers } = await this.ask('peers');
    return (peers as Record<string, unknown>[]).find(({ peerId }) => peerId === other.peerId);
  }
}

export class Office implements AsyncDisposable {
  readonly base = mkdtempSync(join(tmpdir(), 'resettle-office-'));
  readonly machines: Machine[] = [];
  readonly namespaces: Namespace[] = [];
  #token: string | undefined;

  machine(name: string): Machine {
    const machine = new Machine(name, join(this.base, name));
    this.machines.push(machine);
    this.namespaces.push(machine.namespace);
    return machine;
  }

  namespace<N extends Namespace>(namespace: N): N {
    this.namespaces.push(namespace);
    return namespace;
  }

  switch(): Switch {
    return this.namespace(new Switch());
  }

  /** Makes the fleet on a machine whose agent does not run, so that the invite brings no address. */
  async found(first: Machine): Promise<void> {
    await resettle(['fleet', 'init', '--home', first.home, '--name', 'office']);
    this.#token = String((await resettle(['fleet', 'invite', '--home', first.home, '--uses', '20'])).token);
  }

  /** Lets a machine whose agent runs join. Its agent and a member's must reach each other. */
  async join(machine: Machine): Promise<Done> {
    return resettle(['fleet', 'join', '-', '--home', machine.home], {
      namespace: machine.namespace.name,
      input: String(this.#token),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.machines.map((machine) => machine.stop()));
    for (const namespace of this.namespaces) namespace[Symbol.dispose]();
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** The finding of that check and verdict whose words fit. Throws with all findings when there is none. */
export function findingOf({ findings }: Examined, name: string, verdict: string, words: RegExp): Finding {
  const fits = (one: Finding): boolean =>
    one.name === name && one.verdict === verdict && words.test(`${one.subject}: ${one.message}`);
  const found = findings.find(fits);
  if (found === undefined)
    throw new Error(`no ${verdict} of ${name} with ${words} in ${JSON.stringify(findings, null, 1)}`);
  return found;
}

/** Asks again and again until the answer is there. Throws with the last thing seen after half a minute. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const untilMs = Date.now() + 30_000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > untilMs) throw new Error(`waited in vain: ${what}`);
    await sleep(200);
  }
}

/** Waits until a machine is connected to another one, and returns what it knows of it. */
export function connected(a: Machine, b: Machine): Promise<Record<string, unknown>> {
  return until(`${a.name} is connected to ${b.name}`, async () => {
    const peer = await a.peer(b);
    return peer?.connected === true && peer;
  });
}

/** Waits until a machine is connected to another one and hears it by multicast too, which may come a second later. */
export function meets(a: Machine, b: Machine): Promise<Record<string, unknown>> {
  return until(`${a.name} is connected to ${b.name} and hears it`, async () => {
    const peer = await a.peer(b);
    return peer?.connected === true && (peer.seenBy as string[]).includes('mdns') && peer;
  });
}

/** The addresses that a machine has signed into its record. */
export async function ownRecord(machine: Machine): Promise<string[]> {
  const { members } = await machine.ask('fleet', 'members');
  const own = (members as { peerId: string; addresses: string[] }[]).find(({ peerId }) => peerId === machine.peerId);
  return own?.addresses ?? [];
}
