/** Events in full, those that were asked for last: they are read from the journal, and asked for again at each change. */
import { EVENTS_CACHED_MAX } from '../../common/limits.ts';
import type { RecordHash, SignedEvent } from './types.ts';

export class EventCache {
  readonly #read: (hash: RecordHash) => SignedEvent;
  readonly #events = new Map<RecordHash, SignedEvent>();

  constructor(read: (hash: RecordHash) => SignedEvent) {
    this.#read = read;
  }

  get(hash: RecordHash): SignedEvent {
    const event = this.#events.get(hash) ?? this.#read(hash);
    this.#events.delete(hash);
    this.#events.set(hash, event);
    if (this.#events.size > EVENTS_CACHED_MAX) this.#events.delete(this.#events.keys().next().value as RecordHash);
    return event;
  }
}
