import type { AssociationId } from '../../../common/ids.ts';
import type { Emit, TaskEvent } from '../../events.ts';

/** A capture that is under way in this agent, for `status`. */
export interface RunningCapture {
  readonly kind: 'capture';
  readonly association: AssociationId | null;
  /** A person waits for it; else it goes on by itself. */
  readonly attended: boolean;
  readonly phase: string;
  readonly bytes: number;
  readonly totalBytes: number;
}

interface Entry {
  association: AssociationId | undefined;
  readonly attended: boolean;
  readonly abort: AbortController;
  phase: string;
  bytes: number;
  totalBytes: number;
}

/** The captures that are under way, each with what ends it. */
export class RunningCaptures {
  readonly #entries = new Set<Entry>();

  list(): RunningCapture[] {
    return [...this.#entries].map(({ association, attended, phase, bytes, totalBytes }) => ({
      kind: 'capture',
      association: association ?? null,
      attended,
      phase,
      bytes,
      totalBytes,
    }));
  }

  has(id: AssociationId): boolean {
    return [...this.#entries].some(({ association }) => association === id);
  }

  /** Ends those of one association. Returns whether there were any. */
  end(id: AssociationId, reason: Error): boolean {
    const found = [...this.#entries].filter(({ association }) => association === id);
    for (const { abort } of found) abort.abort(reason);
    return found.length > 0;
  }

  /** Runs one; `watch` is told what it is about and how far it is. */
  async run<T>(
    attended: boolean,
    emit: Emit,
    signal: AbortSignal,
    work: (tell: Emit, within: AbortSignal, onAssociation: (id: AssociationId) => void) => Promise<T>,
  ): Promise<T> {
    const abort = new AbortController();
    const entry: Entry = { association: undefined, attended, abort, phase: 'start', bytes: 0, totalBytes: 0 };
    this.#entries.add(entry);
    const tell = (event: TaskEvent): void => {
      if (event.event === 'progress') {
        entry.phase = event.phase;
        entry.bytes = event.bytes;
        entry.totalBytes = event.totalBytes;
      }
      emit(event);
    };
    try {
      return await work(tell, AbortSignal.any([signal, abort.signal]), (id) => {
        entry.association = id;
      });
    } finally {
      this.#entries.delete(entry);
    }
  }
}
