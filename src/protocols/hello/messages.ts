import { CREDENTIAL_RECORDS_MAX, RECORD_ENVELOPE_MAX_BYTES } from '../../common/limits.ts';
import { Fault } from '../wire/fault.ts';
import { bytesField, countField, defineMessage, listField, type MessageOf, messageField } from '../wire/message.ts';

export const HELLO_PROTOCOL = '/resettle/hello/1';
/** The version of all our protocols together. */
export const WIRE_VERSION = 1;

const credential = (id: number) => listField(bytesField(id, RECORD_ENVELOPE_MAX_BYTES), CREDENTIAL_RECORDS_MAX);

const joinFields = {
  invite: bytesField(1, RECORD_ENVELOPE_MAX_BYTES),
  member: bytesField(2, RECORD_ENVELOPE_MAX_BYTES),
  signature: bytesField(3, 128),
};
/** A stranger's wish to become a member: the invite, its own member record, and the invite key's signature over both. */
export const JoinRequest = defineMessage(joinFields);
export type JoinRequest = MessageOf<typeof joinFields>;

const requestFields = {
  version: countField(1),
  fleet: bytesField(2, 32),
  credential: credential(3),
  join: messageField(4, JoinRequest),
};
export const HelloRequest = defineMessage(requestFields);
export type HelloRequest = MessageOf<typeof requestFields>;

const answerFields = {
  version: countField(1),
  fleet: bytesField(2, 32),
  credential: credential(3),
  fault: messageField(4, Fault),
};
/** A stranger learns version and fleet hash. A member, or one just admitted, also gets the answerer's credential. */
export const HelloAnswer = defineMessage(answerFields);
export type HelloAnswer = MessageOf<typeof answerFields>;
