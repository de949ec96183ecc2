/** The face of the trial room. */
export { Trial, type TrialSnapshot } from './trial.ts';
