/** The face of the room that restores system areas. */
export { areWhollyUndone, canUndoAreas, readAreasOutcome } from './outcome.ts';
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
export { forgetUnstagedAreas, rollBackAreas, undoAreas } from './undo-areas.ts';
