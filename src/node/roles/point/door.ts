import type { Clock } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import type { StateId } from '../../../common/ids.ts';

/** What goes on behind the door of one state. Nothing else does at the same time. Drawn in docs/PROTOCOLS.md. */
export type Door =
  | { readonly is: 'closed' }
  | { readonly is: 'put'; readonly by: string }
  | { readonly is: 'get'; readonly readers: number }
  | { readonly is: 'committing'; readonly by: string }
  | { readonly is: 'deleting' };

export type Entry = 'put' | 'get' | 'commit' | 'delete';
export type DoorEvent = { readonly enter: Entry; readonly by: string } | { readonly leave: Entry };

const CLOSED: Door = { is: 'closed' };

/** The whole machine: the door after an event, or undefined where the event is refused. */
export function nextDoor(door: Door, event: DoorEvent): Door | undefined {
  if ('leave' in event) return left(door, event.leave);
  switch (event.enter) {
    case 'put':
      return isFree(door, event.by) ? { is: 'put', by: event.by } : undefined;
    case 'commit':
      return isFree(door, event.by) ? { is: 'committing', by: event.by } : undefined;
    case 'delete':
      return door.is === 'closed' ? { is: 'deleting' } : undefined;
    case 'get':
      if (door.is === 'get') return { is: 'get', readers: door.readers + 1 };
      return door.is === 'closed' ? { is: 'get', readers: 1 } : undefined;
  }
}

/** Who writes may come again: a cut connection is noticed on one side first. What was inside before is ended. */
function isFree(door: Door, by: string): boolean {
  return door.is === 'closed' || (door.is === 'put' && door.by === by);
}

function left(door: Door, entry: Entry): Door | undefined {
  if (door.is === 'get' && entry === 'get') return door.readers > 1 ? { is: 'get', readers: door.readers - 1 } : CLOSED;
  const inside = { closed: undefined, put: 'put', get: 'get', committing: 'commit', deleting: 'delete' } as const;
  return inside[door.is] === entry ? CLOSED : undefined;
}

/** The right to be inside, until `close`, or until the point takes it away: then `signal` aborts. */
export interface Pass {
  readonly signal: AbortSignal;
  /** A pack has passed: nothing else keeps a door from being taken for stalled. */
  progress(): void;
  close(): void;
}

interface Inside {
  readonly state: StateId;
  readonly entry: Entry;
  readonly by: string;
  readonly yields: boolean;
  readonly abort: AbortController;
  lastProgressMs: number;
}

/** The doors of one point. All are closed at its start: whoever was inside before has to ask anew. */
export class Doors {
  readonly #clock: Clock;
  readonly #stallMs: number;
  readonly #doors = new Map<StateId, Door>();
  readonly #inside = new Set<Inside>();

  constructor(clock: Clock, stallMs: number) {
    this.#clock = clock;
    this.#stallMs = stallMs;
  }

  of(state: StateId): Door {
    return this.#doors.get(state) ?? CLOSED;
  }

  isOpen(state: StateId): boolean {
    return this.of(state).is !== 'closed';
  }

  /**
   * Lets somebody in. `yields`: the point's own reading, which gives way to whoever comes to write. Throws `refused`
   * while something else goes on.
   */
  enter(state: StateId, entry: Entry, by: string, yields = false): Pass {
    if (entry === 'put' || entry === 'commit') this.giveWay(state, by);
    const door = nextDoor(this.of(state), { enter: entry, by });
    if (!door) throw inUse(this.of(state));
    this.#doors.set(state, door);
    const inside: Inside = {
      state,
      entry,
      by,
      yields,
      abort: new AbortController(),
      lastProgressMs: this.#clock.monotonicMs(),
    };
    this.#inside.add(inside);
    return {
      signal: inside.abort.signal,
      progress: () => {
        inside.lastProgressMs = this.#clock.monotonicMs();
      },
      close: () => this.#leave(inside),
    };
  }

  /** Ends what gives way to a peer that comes to write: the point's own reading, and that peer's own writing before. */
  giveWay(state: StateId, by: string): void {
    const all = [...this.#inside].filter((one) => one.state === state);
    if (!all.every((one) => one.yields || (one.entry === 'put' && one.by === by))) return;
    for (const inside of all) this.#end(inside, new ResettleError('interrupted', 'the state is wanted for a transfer'));
  }

  /** Ends whoever has let nothing pass for too long. Returns whom. */
  endStalled(): { state: StateId; by: string }[] {
    const now = this.#clock.monotonicMs();
    const over = [...this.#inside].filter(
      ({ entry, lastProgressMs }) => entry !== 'delete' && now - lastProgressMs >= this.#stallMs,
    );
    for (const inside of over) {
      this.#end(
        inside,
        new ResettleError('refused', `no pack was completed for ${Math.round(this.#stallMs / 1000)} s`, {
          hint: 'check the network between the machines, and run the same command again',
        }),
      );
    }
    return over.map(({ state, by }) => ({ state, by }));
  }

  /** Ends everybody who was let in, because the point ends. */
  endAll(reason: Error): void {
    for (const inside of [...this.#inside]) this.#end(inside, reason);
  }

  #end(inside: Inside, reason: Error): void {
    this.#leave(inside);
    inside.abort.abort(reason);
  }

  #leave(inside: Inside): void {
    if (!this.#inside.delete(inside)) return;
    const door = nextDoor(this.of(inside.state), { leave: inside.entry }) ?? CLOSED;
    if (door.is === 'closed') this.#doors.delete(inside.state);
    else this.#doors.set(inside.state, door);
  }
}

function inUse(door: Door): ResettleError {
  const what = {
    closed: '',
    put: 'being written',
    get: 'being read',
    committing: 'being committed',
    deleting: 'being deleted',
  };
  return new ResettleError('refused', `that state is in use: it is ${what[door.is]}`, {
    hint: 'wait until the other transfer has ended',
  });
}
