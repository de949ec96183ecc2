import { bytesField, countField, defineMessage, flagField, type MessageOf } from '../wire/message.ts';
import { BULK_KEY_BYTES } from './bulk/handshake.ts';

export const DIRECT_PROTOCOL = '/resettle/direct/1';

/** `session` of a pairing record. */
export const SESSION_BYTES = 64;
export const STATE_KEY_BYTES = 32;

const openFields = {
  session: bytesField(1, SESSION_BYTES),
  /** Packs that may be on their way at once: DIRECT_BUFFERS. */
  buffers: countField(2),
  /** Whether packs may come over a bulk socket. */
  wantsBulk: flagField(3),
};
/** First frame, by the receiver. */
export const DirectOpen = defineMessage(openFields);
export type DirectOpen = MessageOf<typeof openFields>;

const openedFields = {
  /** What packs and plan are sealed with. */
  stateKey: bytesField(1, STATE_KEY_BYTES),
  /** The plan's signed descriptor follows as data, so many bytes. */
  descriptorBytes: countField(2),
  buffers: countField(3),
  /** Where the sender listens for the bulk socket; 0: nowhere. */
  bulkPort: countField(4),
  /** What both prove there, BULK_KEY_BYTES; empty without a port. */
  bulkKey: bytesField(5, BULK_KEY_BYTES),
};
/** Its answer, by the sender. */
export const DirectOpened = defineMessage(openedFields);
export type DirectOpened = MessageOf<typeof openedFields>;

const askHeadFields = {
  /** 1 the plan, 2 compare, 3 content. */
  what: countField(1),
  /** The entries follow as data, so many bytes; and then */
  entriesBytes: countField(2),
  /** so many offsets, as data too. */
  offsets: countField(3),
  /** The packs of the answer shall come over the bulk socket, which both have. */
  overBulk: flagField(4),
};
/** What is asked for; see `ask.ts`. */
export const DirectAskHead = defineMessage(askHeadFields);
export type DirectAskHead = MessageOf<typeof askHeadFields>;

const doneFields = {
  files: countField(1),
  bytes: countField(2),
  /** Items that need a person at the receiving side. */
  skipped: countField(3),
};
/** By the receiver, last: everything has verified and is in its place. */
export const DirectDone = defineMessage(doneFields);
export type DirectDone = MessageOf<typeof doneFields>;
