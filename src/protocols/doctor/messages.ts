import { ADDRESS_TEXT_MAX, DOCTOR_ADDRESSES_MAX } from '../../common/limits.ts';
import { Fault } from '../wire/fault.ts';
import {
  countField,
  defineMessage,
  flagField,
  listField,
  type MessageOf,
  messageField,
  textField,
} from '../wire/message.ts';

export const DOCTOR_PROTOCOL = '/resettle/doctor/1';

const requestFields = { version: countField(1) };
/** "How do you see me?" It names no address: whoever is asked uses those that it knows of the asker itself. */
export const DoctorRequest = defineMessage(requestFields);
export type DoctorRequest = MessageOf<typeof requestFields>;

const dialFields = {
  address: textField(1, ADDRESS_TEXT_MAX),
  /** A word of `DialOutcome`. */
  outcome: textField(2, 32),
  tookMs: countField(3),
};
export const DialReport = defineMessage(dialFields);
export type DialReport = MessageOf<typeof dialFields>;

const answerFields = {
  /** The answerer hears the asker by multicast now. */
  hears: flagField(1),
  /** Each address that the answerer knows of the asker, and what became of a dial. */
  dials: listField(messageField(2, DialReport), DOCTOR_ADDRESSES_MAX),
  /** The answerer's clock, milliseconds since 1970. */
  nowMs: countField(3),
  fault: messageField(4, Fault),
};
export const DoctorAnswer = defineMessage(answerFields);
export type DoctorAnswer = MessageOf<typeof answerFields>;
