/** The face of the capture room. */
export { describeSnapshot } from './describe-snapshot.ts';
export { planCapture } from './plan-capture.ts';
export type { Capture, CaptureEvents, CaptureOptions, CaptureResult, PlanSummary, SnapshotAbout } from './types.ts';
