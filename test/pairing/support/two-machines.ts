/** Two HOMEs, and `send` and `receive` between them over loopback, in this process. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../../src/common/clock.ts';
import { Home } from '../../../src/node/home/home.ts';
import type { ReceiveWish } from '../../../src/node/pairing/kept.ts';
import { type Accept, type ReceiveBy, type ReceiveDone, receive } from '../../../src/node/pairing/receive.ts';
import { type SendDone, send } from '../../../src/node/pairing/send.ts';
import type { PairingEvent, PairingGround } from '../../../src/node/pairing/types.ts';
import { type RoomControl, testRooms } from './rooms.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** Long enough for a machine under load. */
const STEP_MS = 20_000;

export type Named<E extends PairingEvent['event']> = Extract<PairingEvent, { event: E }>;

/** What one side has told, and what it will tell. */
export class Told {
  readonly events: PairingEvent[] = [];
  readonly #waiting = new Set<() => void>();

  readonly emit = (event: PairingEvent): void => {
    this.events.push(event);
    for (const wake of this.#waiting) wake();
  };

  async first<E extends PairingEvent['event']>(
    name: E,
    fits: (event: Named<E>) => boolean = () => true,
  ): Promise<Named<E>> {
    for (;;) {
      const found = this.events.find((event): event is Named<E> => event.event === name && fits(event as Named<E>));
      if (found) return found;
      await new Promise<void>((wake) => this.#waiting.add(wake));
    }
  }

  notes(): string[] {
    return this.events.flatMap((event) => (event.event === 'note' ? [event.message] : []));
  }
}

export interface Running<T> {
  readonly told: Told;
  readonly end: AbortController;
  readonly done: Promise<T>;
}

export class TwoMachines {
  readonly dir = mkdtempSync(join(tmpdir(), 'resettle-pairing-'));
  readonly control: RoomControl = { taken: [], asks: 0 };
  readonly paths = [join(this.dir, 'desk')];
  readonly wish: ReceiveWish = {
    into: join(this.dir, 'target'),
    strip: false,
    root: false,
    onConflict: 'keep-both',
    allowPrivileged: false,
    mapUsers: [],
  };
  readonly #running: Running<unknown>[] = [];

  constructor() {
    mkdirSync(this.paths[0]!);
    writeFileSync(join(this.paths[0]!, 'note'), 'a line');
  }

  home(name: string): Home {
    return new Home(join(this.dir, name));
  }

  ground(name: string, more: Partial<PairingGround> = {}): PairingGround {
    return {
      home: this.home(name),
      clock: systemClock,
      random: randomBytes,
      log: silent,
      machine: { name, system: `${name} OS`, user: 'ann' },
      rooms: testRooms(this.control),
      interfaces: ['lo'],
      timing: { stepMs: STEP_MS },
      ...more,
    };
  }

  send(more: { ground?: Partial<PairingGround>; isNew?: boolean; name?: string } = {}): Running<SendDone> {
    const { name = 'old', isNew = false } = more;
    const request = { paths: this.paths, areas: [], listen: ['/ip4/127.0.0.1/tcp/0'], isNew, exclude: [] };
    return this.#run((emit, signal) => send(this.ground(name, more.ground), request, emit, signal));
  }

  receive(
    by: ReceiveBy,
    more: { ground?: Partial<PairingGround>; name?: string; peer?: string; accept?: Accept } = {},
  ): Running<ReceiveDone> {
    const { name = 'new', peer, accept = async () => this.wish } = more;
    return this.#run((emit, signal) =>
      receive(this.ground(name, more.ground), { by, peer, wish: undefined, dryRun: false }, accept, emit, signal),
    );
  }

  #run<T>(work: (emit: Told['emit'], signal: AbortSignal) => Promise<T>): Running<T> {
    const told = new Told();
    const end = new AbortController();
    const done = work(told.emit, end.signal);
    done.catch(() => {});
    const running = { told, end, done };
    this.#running.push(running);
    return running;
  }

  async close(): Promise<void> {
    for (const { end } of this.#running) end.abort(new Error('the test is over'));
    await Promise.allSettled(this.#running.map(({ done }) => done));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A clock that can be set ahead. */
export class AheadClock implements Clock {
  aheadMs = 0;
  now(): number {
    return Date.now() + this.aheadMs;
  }
  monotonicMs(): number {
    return performance.now() + this.aheadMs;
  }
}
