import type { EventBody } from './types.ts';

/** An event with nothing in it but what is given: 0, null or empty for every field that its step has no use for. */
export function plainEvent(
  of: Pick<EventBody, 'association' | 'step' | 'phase'> & Partial<Omit<EventBody, 'type'>>,
): EventBody {
  return {
    type: 'event',
    state: null,
    snapshot: 0,
    descriptorHash: null,
    bytes: 0,
    totalBytes: 0,
    peers: [],
    untilMs: 0,
    proof: null,
    machine: null,
    skipped: 0,
    notes: [],
    ...of,
  };
}
