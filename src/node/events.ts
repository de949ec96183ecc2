import type { Progress } from '../common/ports.ts';

/** What a long-running request tells while it runs, one JSON object an event. */
export type TaskEvent =
  | ({ readonly event: 'progress'; readonly bytesPerSecond: number; readonly secondsLeft: number | null } & Progress)
  | { readonly event: 'note'; readonly message: string }
  | { readonly event: 'skipped'; readonly path: string; readonly reason: string; readonly area?: string }
  /** What a restore replaced, as it was asked to. */
  | { readonly event: 'replaced'; readonly path: string }
  /** What a plan says of one item of an area; `paths` are what is changed for it. */
  | {
      readonly event: 'area-item';
      readonly area: string;
      readonly item: string;
      readonly title: string;
      readonly action: string;
      readonly detail: string;
      readonly effect: string | null;
      readonly paths: readonly string[];
      /** Line by line, never a secret. */
      readonly difference: readonly string[];
    }
  /** What a dry run would do with one item. */
  | { readonly event: 'item'; readonly action: string; readonly path: string };

export type Emit = (event: TaskEvent) => void;
