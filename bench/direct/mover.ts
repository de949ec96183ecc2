import type { Place } from './place.ts';

/** One way to bring a folder to another machine. */
export interface Mover {
  readonly name: string;
  /** Prepares what is not measured, beneath `base` only. */
  open(base: string, place: Place, timeoutMs: number): Promise<Session>;
}

export interface Session {
  /** What its processes are called, by process id; may grow while it moves. */
  readonly names: ReadonlyMap<number, string>;
  /** Brings what is in `data` into `into`, which does not exist yet. Throws where a command fails, or is late. */
  move(data: string, into: string): Promise<Course>;
  /** Ends its processes. */
  close(): Promise<void>;
}

/** How a move went. */
export interface Course {
  /** When it was asked for at the receiving end (Unix time). */
  readonly beganMs: number;
  /** From then until both ends had ended. */
  readonly seconds: number;
  /** What came before: the sending end's start and its look at the data. Undefined: it does so while it moves. */
  readonly scanSeconds?: number;
  /** Peak memory (VmHWM) by process. */
  readonly peakBytes?: Readonly<Record<string, number>>;
}
