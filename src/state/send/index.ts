/** The face of the send room. */
export { planSend, reopenSend } from './plan-send.ts';
export type { ReopenOptions, Sending, SendOptions } from './types.ts';
