/** A move from one machine to the next without a fleet: `send` and `receive`, as two people would start them. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, type CommandOptions, type Ended, type Event } from '../../support/agents.ts';
import type { Cable } from '../../support/cable.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import { mountTmpfs, unmount } from '../../support/disks.ts';

/** No step of a test takes so long on a machine that works; who waits longer is told what was said last. */
const STEP_MAX_MS = 100_000;
const SAID_SHOWN = 3_000;

const CODE = /^(\d{3})-([a-z]+)-([a-z]+)$/;

/** A stage: a folder, the HOMEs in it, and every command that runs. On loopback, or at the ends of a cable. */
export class DirectMove {
  readonly dir = mkdtempSync(join(tmpdir(), 'resettle-direct-'));
  readonly #cable: Cable | undefined;
  readonly #commands: Command[] = [];
  readonly #disks: string[] = [];

  constructor(cable?: Cable) {
    this.#cable = cable;
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  /** A disk with room for so many bytes; as root only. Its folder. */
  disk(sizeBytes: number): string {
    const dir = this.path(`disk-${this.#disks.length}`);
    mountTmpfs(dir, sizeBytes);
    this.#disks.push(dir);
    return dir;
  }

  /** Starts `send PATH`. On loopback it takes any free port: other tests have the usual one. */
  send(path: string, more: readonly string[] = []): Command {
    const listen = this.#cable || more.includes('--listen') ? [] : ['--listen', '/ip4/127.0.0.1/tcp/0'];
    return this.#start('old', this.#cable?.old.name, ['send', path, ...listen, ...more]);
  }

  /** Starts `receive [CODE] --into INTO --strip`; without a code it goes on with what was broken off. */
  receive(code: string | undefined, into: string, more: readonly string[] = [], home = 'new'): Command {
    const given = code === undefined ? [] : [code];
    return this.#start(home, this.#cable?.new.name, ['receive', ...given, '--into', into, '--strip', '--yes', ...more]);
  }

  /** The same of areas of this machine. */
  sendAreas(areas: string, options: CommandOptions = {}): Command {
    return this.#start('old', undefined, ['send', '--areas', areas, '--listen', '/ip4/127.0.0.1/tcp/0'], options);
  }

  /** The same onto the root of a machine. */
  receiveRoot(code: string, root: string, more: readonly string[]): Command {
    return this.#start('new', undefined, ['receive', code, '--root', root, '--yes', ...more]);
  }

  /** Files only, with their paths. */
  receiveWhole(code: string, into: string): Command {
    return this.#start('new', undefined, ['receive', code, '--into', into, '--yes']);
  }

  #start(home: string, namespace: string | undefined, args: readonly string[], options: CommandOptions = {}): Command {
    const device = this.#cable?.device ?? 'lo';
    const all = [...args, '--home', this.path(home), '--interface', device, '--json'];
    const command = new Command(all, namespace === undefined ? options : { ...options, namespace });
    this.#commands.push(command);
    return command;
  }

  /** The first event that fits. Throws what everybody has said where it does not come. */
  event(command: Command, fits: (event: Event) => boolean): Promise<Event> {
    return this.#inTime(command, command.event(fits));
  }

  ended(command: Command): Promise<Ended> {
    return this.#inTime(command, command.ended);
  }

  async code(send: Command): Promise<string> {
    const { pairingCode } = await this.event(send, ({ event }) => event === 'code');
    assert.match(String(pairingCode), CODE);
    return String(pairingCode);
  }

  /** Waits until more than that share of the content is across, as the command itself shows it, and not all of it. */
  async past(command: Command, share: number): Promise<void> {
    await this.event(
      command,
      ({ event, phase, bytes, totalBytes }) =>
        event === 'progress' &&
        phase !== 'scan' &&
        Number(totalBytes) > 0 &&
        Number(bytes) > share * Number(totalBytes),
    );
    assert.ok(command.running && !command.events.some(({ event }) => event === 'done'), 'it is not over yet');
  }

  /** Both end well and tell the same. Returns the receiver's last event. */
  async bothDone(send: Command, receive: Command): Promise<Event> {
    const taken = await this.done(receive);
    const sent = await this.done(send);
    assert.deepEqual(summaryOf(sent), summaryOf(taken), 'both show the same summary');
    return taken;
  }

  async done(command: Command): Promise<Event> {
    const { status, last } = await this.ended(command);
    assert.equal(status, 0, saidBy(command));
    assert.equal(last.event, 'done');
    return last;
  }

  async #inTime<T>(command: Command, work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const said = this.#commands.map(saidBy).join('\n');
      late.reject(new Error(`"resettle ${command.args[0]}" does not get there; what was said last:\n${said}`));
    }, STEP_MAX_MS);
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends every command and removes everything. */
  async end(): Promise<void> {
    for (const command of this.#commands) command.kill('SIGKILL');
    await Promise.all(this.#commands.map(({ ended }) => ended));
    this.#disks.forEach(unmount);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The same code with other words: those of the list, so that it is no slip of the pen. */
export function withWrongWords(code: string): string {
  const [, digits] = CODE.exec(code)!;
  const wrong = `${digits}-acid-zoom`;
  return wrong === code ? `${digits}-zoom-acid` : wrong;
}

/** The same words with other digits. */
export function withWrongDigits(code: string): string {
  const [, digits, first, second] = CODE.exec(code)!;
  return `${String((Number(digits) + 1) % 1000).padStart(3, '0')}-${first}-${second}`;
}

/** What a command says, in its events, of how many attempts are left. */
export function saysOneIsLeft({ event, ...rest }: Event): boolean {
  const text = JSON.stringify(rest);
  return event !== 'code' && /left/i.test(text) && /\b(1|one)\b/i.test(text);
}

/** Nothing that belongs to somebody was put there. */
export function assertNothingIn(into: string): void {
  assert.deepEqual(existsSync(into) ? readdirSync(into) : [], []);
}

export function assertSame(source: string, into: string): void {
  assert.deepEqual(compareTrees(source, into).differences, []);
}

function summaryOf({ files, bytes, skipped }: Event): unknown[] {
  assert.ok(typeof files === 'number' && typeof bytes === 'number', 'a summary has files and bytes');
  return [files, bytes, skipped];
}

function saidBy({ args, stdout, stderr }: Command): string {
  return `${args[0]}: ${stdout.slice(-SAID_SHOWN)}${stderr.slice(-SAID_SHOWN)}`;
}
