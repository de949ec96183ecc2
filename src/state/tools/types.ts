import type { Progress } from '../../common/ports.ts';

/** What every tool that takes long tells and listens to. */
export interface ToolEvents {
  onProgress(progress: Progress): void;
  readonly signal: AbortSignal;
}
