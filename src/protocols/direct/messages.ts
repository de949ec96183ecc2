import { Fault } from '../wire/fault.ts';
import { bytesField, countField, defineMessage, type MessageOf, messageField } from '../wire/message.ts';

export const DIRECT_PROTOCOL = '/resettle/direct/1';

/** `session` of a pairing record. */
export const SESSION_BYTES = 64;
/** A random name of what the sender is going to send: its plan, whose entries have numbers. */
export const PLAN_BYTES = 16;

const openFields = {
  session: bytesField(1, SESSION_BYTES),
  /** The plan that `from` counts in; empty at the first time. */
  plan: bytesField(2, PLAN_BYTES),
  /** Entries from the front that the receiver needs no more of. */
  from: countField(3),
  /** Packs that the receiver takes before it has acknowledged one: 1 to DIRECT_BUFFERS_MAX. */
  buffers: countField(4),
};
/** First frame, by the receiver. */
export const DirectOpen = defineMessage(openFields);
export type DirectOpen = MessageOf<typeof openFields>;

const openedFields = {
  fault: messageField(1, Fault),
  plan: bytesField(2, PLAN_BYTES),
  /** From which entry it goes on: 0 where the plan is another one. */
  from: countField(3),
};
/** Its answer, by the sender. */
export const DirectOpened = defineMessage(openedFields);
export type DirectOpened = MessageOf<typeof openedFields>;

const doneFields = {
  files: countField(1),
  bytes: countField(2),
  /** Items that need a person at the receiving side. */
  skipped: countField(3),
};
/** Last frame, by the receiver: the descriptor has verified, and everything is in its place. */
export const DirectDone = defineMessage(doneFields);
export type DirectDone = MessageOf<typeof doneFields>;
