import { Fault } from '../wire/fault.ts';
import { defineMessage, flagField, type MessageOf, messageField, textField } from '../wire/message.ts';

export const BLOCKS_PROTOCOL = '/resettle/blocks/1';

const openFields = {
  state: textField(1, 64),
  /** Set to send packs under this lease; unset to fetch. */
  lease: textField(2, 64),
  put: flagField(3),
};
export const BlocksOpen = defineMessage(openFields);
export type BlocksOpen = MessageOf<typeof openFields>;

const openedFields = { fault: messageField(1, Fault) };
export const BlocksOpened = defineMessage(openedFields);
