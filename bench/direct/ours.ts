/** `resettle send` and `resettle receive`, each with a HOME of its own and neither fleet nor agent. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Command, type Ended } from '../../test/support/agents.ts';
import { NotAvailable } from '../ours/command.ts';
import { killWithDescendants, peakBytesOf } from '../processes.ts';
import type { Course, Mover, Session } from './mover.ts';
import type { Place } from './place.ts';

const SAMPLE_EVERY_MS = 50;
const SAID_SHOWN = 2000;
const TYPING_MS = 3000;
const USAGE_EXIT = 2;
/** Items were left out and listed; the comparison with the data judges that. */
const LEFT_OUT_EXIT = 3;

export const ours: Mover = {
  name: 'resettle',
  async open(base: string, place: Place, timeoutMs: number): Promise<Session> {
    const names = new Map<number, string>();
    return {
      names,
      move: (data, into) => new Move(base, place, timeoutMs, names).run(data, into),
      async close() {},
    };
  },
};

class Move {
  readonly #base: string;
  readonly #place: Place;
  readonly #timeoutMs: number;
  readonly #names: Map<number, string>;
  readonly #peakBytes: Record<string, number> = {};
  #commands: Command[] = [];

  constructor(base: string, place: Place, timeoutMs: number, names: Map<number, string>) {
    this.#base = base;
    this.#place = place;
    this.#timeoutMs = timeoutMs;
    this.#names = names;
  }

  async run(data: string, into: string): Promise<Course> {
    const { device, sourceNamespace, targetNamespace } = this.#place;
    const timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS);
    try {
      const sendBegan = performance.now();
      const send = this.#start('send', [data, '--interface', device], sourceNamespace);
      const { pairingCode } = await this.#inTime(codeOf(send));
      const scanSeconds = (performance.now() - sendBegan) / 1000;
      // Nobody types a code in the same second: until then the announcement of it holds back the answer to a question.
      await pause(TYPING_MS);
      const began = performance.now();
      const beganMs = Date.now();
      const take = ['--into', into, '--strip', '--interface', device, '--yes'];
      const receive = this.#start('receive', [String(pairingCode), ...take], targetNamespace);
      const ended = Promise.all([endOf(receive), endOf(send)]);
      await this.#inTime(ended);
      const seconds = (performance.now() - began) / 1000;
      return { beganMs, seconds, scanSeconds, peakBytes: { ...this.#peakBytes } };
    } finally {
      clearInterval(timer);
      for (const command of this.#commands) if (command.running) killWithDescendants(command.pid);
    }
  }

  #start(name: string, args: readonly string[], namespace: string | undefined): Command {
    const command = new Command(
      [name, ...args, '--home', join(this.#base, name), '--json'],
      namespace === undefined ? {} : { namespace },
    );
    this.#commands.push(command);
    this.#names.set(command.pid, name);
    return command;
  }

  #sample(): void {
    for (const { pid } of this.#commands) {
      const name = this.#names.get(pid)!;
      this.#peakBytes[name] = Math.max(this.#peakBytes[name] ?? 0, peakBytesOf(pid));
    }
  }

  /** Waits for one of the commands to get somewhere. Throws what both have said last where that takes too long. */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const said = this.#commands.map(({ args, stdout, stderr }) => `${args[0]} said last: ${lastOf(stdout, stderr)}`);
      late.reject(new Error(`not done after ${this.#timeoutMs} ms; ${said.join('; ')}`));
    }, this.#timeoutMs);
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The event that brings the code, or the error with which it ended before. */
async function codeOf(send: Command): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await send.event(({ event }) => event === 'code');
  } catch (error) {
    await endOf(send);
    throw error;
  }
}

async function endOf(command: Command): Promise<Ended> {
  const ended = await command.ended;
  const { status, signal, last, stdout, stderr } = ended;
  if (status === 0 || status === LEFT_OUT_EXIT) return ended;
  const how = status === null ? `by ${signal}` : `with ${status}`;
  const said = `resettle ${command.args[0]} ended ${how}: ${String(last.message ?? lastOf(stdout, stderr))}`;
  throw status === USAGE_EXIT ? new NotAvailable(said) : new Error(said);
}

const lastOf = (stdout: string, stderr: string): string =>
  `${stdout.trim().slice(-SAID_SHOWN)} ${stderr.trim().slice(-SAID_SHOWN)}`.trim();
