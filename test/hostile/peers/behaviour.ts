/** What a peer does that no honest one does, and what must come of it. */
import type { Stage } from './stage.ts';

/** What the hostile machine is to the one that it attacks. */
export type Who =
  | 'stranger'
  | 'member'
  | 'operator'
  | 'revoked member'
  | 'source'
  | 'destination'
  | 'point'
  | 'share holder'
  | 'paired machine'
  | 'in the middle';

export interface Behaviour {
  /** A sentence without its subject: what it does. */
  readonly name: string;
  readonly who: Who;
  /** Of which layer or protocol it is. */
  readonly protocol: string;
  /** What must happen: the reason that `run` asserts. */
  readonly must: string;
  /** It waits for one of the agent's time limits: begun first, looked at last. It needs nothing of the stage but its address. */
  readonly isSlow?: true;
  /** Does it, and throws where it was not refused with that reason. */
  run(stage: Stage): Promise<void>;
}
