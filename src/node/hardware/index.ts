/** What this machine is told by: what other folders may use. See README.md. */
export { compareMachine, type MachineComparison, type Strength } from './compare.ts';
export { machineClaim, machineDigests } from './digests.ts';
export type { Hardware, HardwareFacts } from './facts.ts';
export { guardMachine } from './guard.ts';
export { openHardware } from './open.ts';
export { describeStrength, machineStrength } from './strength.ts';
