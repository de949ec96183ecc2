/** The face of the room that restores system areas. */
export { type AreasStanding, canUndoAreas, readAreasOutcome, standingOfAreas } from './outcome.ts';
export { type AreasRun, openAreas } from './run.ts';
export type {
  AreaFailure,
  AreasOutcome,
  AreasPlan,
  AreasPlanItem,
  AreasResult,
  AreasStatus,
  AreasUndone,
  AreasWish,
} from './types.ts';
export { forgetUnstagedAreas, mayBeUnfinishedOn, rollBackAreas, undoAreas } from './undo-areas.ts';
