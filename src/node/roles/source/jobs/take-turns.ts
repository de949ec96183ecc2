/**
 * Which sources of a batch capture now, as a pure function of what one of them sees: nobody hands out turns. Where all see
 * the same, at most `atOnce` go; where their views differ for as long as a record needs to spread, those that are over step
 * back.
 */
import type { AssociationId } from '../../../../common/ids.ts';
import { digest } from '../../../../state/format/index.ts';

/** What is known of one association of the batch. */
export interface BatchMate {
  readonly association: AssociationId;
  readonly doing: 'waiting' | 'capturing' | 'neither';
  /** False for one that has said nothing new for long and cannot be reached: nobody waits for it. */
  readonly alive: boolean;
}

/** What is asked for whom. */
export interface Turn {
  readonly batch: string;
  readonly atOnce: number;
  readonly self: AssociationId;
}

/** Everybody's place in the line, the same for all who ask. */
function keyOf({ batch }: Turn, association: AssociationId): string {
  return digest(Buffer.from(`${batch}/${association}`)).toString('hex');
}

/** Whether one that waits may begin: those that capture and those that wait ahead of it leave a place. */
export function mayStart(turn: Turn, mates: readonly BatchMate[]): boolean {
  const own = keyOf(turn, turn.self);
  const before = mates.filter(
    (mate) =>
      mate.association !== turn.self &&
      mate.alive &&
      (mate.doing === 'capturing' || (mate.doing === 'waiting' && keyOf(turn, mate.association) < own)),
  );
  return before.length < turn.atOnce;
}

/** Whether one that captures is over the number and has to step back: as many as may are ahead of it. */
export function mustStepBack(turn: Turn, mates: readonly BatchMate[]): boolean {
  const own = keyOf(turn, turn.self);
  const ahead = mates.filter(
    (mate) =>
      mate.association !== turn.self && mate.alive && mate.doing === 'capturing' && keyOf(turn, mate.association) < own,
  );
  return ahead.length >= turn.atOnce;
}
