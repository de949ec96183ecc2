import { DEAL_BYTES_MAX, SHARE_MAX_BYTES, SHARE_SEALED_MAX_BYTES } from '../../common/limits.ts';
import { Fault } from '../wire/fault.ts';
import {
  bytesField,
  defineMessage,
  flagField,
  listField,
  type MessageOf,
  messageField,
  textField,
} from '../wire/message.ts';

export const SHARES_PROTOCOL = '/resettle/shares/1';

const HASH_TEXT = 64;
const DEAL_ID_TEXT = 32;
export const NONCE_BYTES = 32;
const SIGNATURE_BYTES = 64;

const aboutFields = { association: textField(1, HASH_TEXT), state: textField(2, HASH_TEXT) };
const About = defineMessage(aboutFields);
export type About = MessageOf<typeof aboutFields>;

const putFields = {
  /** The source's signed word on the shares: association, state, terms and the hash of each share. */
  deal: bytesField(1, DEAL_BYTES_MAX),
  share: bytesField(2, SHARE_MAX_BYTES),
};
const Put = defineMessage(putFields);
export type Put = MessageOf<typeof putFields>;

const settleFields = {
  ...aboutFields,
  /** This deal counts from now on; shares of other deals of the state are erased. */
  deal: textField(3, DEAL_ID_TEXT),
  /** Shares of older states of the association are erased as well: there is a snapshot of this one. */
  forgetOlder: flagField(4),
};
const Settle = defineMessage(settleFields);
export type Settle = MessageOf<typeof settleFields>;

const retireFields = {
  ...aboutFields,
  /** The share of this deal is erased: another deal of the same state has taken its place. */
  deal: textField(3, DEAL_ID_TEXT),
};
const Retire = defineMessage(retireFields);
export type Retire = MessageOf<typeof retireFields>;

const releaseFields = {
  ...aboutFields,
  nonce: bytesField(3, NONCE_BYTES),
  /** By the key of the ticket's invite. */
  signature: bytesField(4, SIGNATURE_BYTES),
};
const Release = defineMessage(releaseFields);
export type Release = MessageOf<typeof releaseFields>;

const requestFields = {
  /** Source: would you keep a share of this state? */
  offer: messageField(1, About),
  put: messageField(2, Put),
  settle: messageField(3, Settle),
  /** Destination: a nonce for a release. */
  nonce: messageField(4, About),
  release: messageField(5, Release),
  /** Source. */
  retire: messageField(6, Retire),
};
/** Exactly one field is set. */
export const SharesRequest = defineMessage(requestFields);
export type SharesRequest = MessageOf<typeof requestFields>;

const sealedFields = {
  deal: bytesField(1, DEAL_BYTES_MAX),
  /** The share in an age file for the asker's own recipient. */
  sealed: bytesField(2, SHARE_SEALED_MAX_BYTES),
};
const SealedShare = defineMessage(sealedFields);
export type SealedShare = MessageOf<typeof sealedFields>;

const answerFields = {
  fault: messageField(1, Fault),
  nonce: bytesField(2, NONCE_BYTES),
  /** One, or two while a new deal takes the place of an old one. */
  shares: listField(messageField(3, SealedShare), 2),
};
/** Without a fault it is done. */
export const SharesAnswer = defineMessage(answerFields);
export type SharesAnswer = MessageOf<typeof answerFields>;
