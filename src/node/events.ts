import type { Progress } from '../common/ports.ts';

/** What a long-running request tells while it runs, one JSON object an event. */
export type TaskEvent =
  | ({ readonly event: 'progress'; readonly bytesPerSecond: number; readonly secondsLeft: number | null } & Progress)
  | { readonly event: 'note'; readonly message: string }
  | { readonly event: 'skipped'; readonly path: string; readonly reason: string; readonly area?: string }
  /** What a restore replaced, as it was asked to. */
  | { readonly event: 'replaced'; readonly path: string }
  /** What a dry run would do with one item. */
  | { readonly event: 'item'; readonly action: string; readonly path: string };

export type Emit = (event: TaskEvent) => void;
