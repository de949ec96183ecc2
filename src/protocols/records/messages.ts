import {
  RECORD_ENVELOPE_MAX_BYTES,
  RECORD_PREFIX_MAX_BYTES,
  RECORDS_COMPARED_MAX,
  RECORDS_LISTED_MAX,
  RECORDS_PER_MESSAGE_MAX,
} from '../../common/limits.ts';
import { bytesField, countField, defineMessage, listField, type MessageOf, messageField } from '../wire/message.ts';

export const RECORDS_PROTOCOL = '/resettle/records/1';

/** As many bytes of a hash as name a record here: two with the same ones would take 2^64 tries. */
export const HASH_START_BYTES = 16;
export const FINGERPRINT_BYTES = 16;
/** A hash's start, and four bytes of the record's place in an order in which the records can be taken. */
export const LISTED_BYTES = HASH_START_BYTES + 4;
export const CHILDREN = 256;

const branchFields = {
  /** The first bytes of the hashes that it is about. */
  prefix: bytesField(1, RECORD_PREFIX_MAX_BYTES),
  /** Over the hashes that the sender has there. */
  fingerprint: bytesField(2, FINGERPRINT_BYTES),
};
/** The records whose hashes begin alike. */
export const Branch = defineMessage(branchFields);
export type Branch = MessageOf<typeof branchFields>;

/** What `BranchAnswer.kind` says: both have the same; fingerprints of the 256 branches in it; the records in it. */
export const KIND = { same: 1, children: 2, listed: 3 } as const;

const branchAnswerFields = {
  prefix: bytesField(1, RECORD_PREFIX_MAX_BYTES),
  kind: countField(2),
  children: bytesField(3, CHILDREN * FINGERPRINT_BYTES),
  listed: bytesField(4, RECORDS_LISTED_MAX * LISTED_BYTES),
};
export const BranchAnswer = defineMessage(branchAnswerFields);
export type BranchAnswer = MessageOf<typeof branchAnswerFields>;

const records = (id: number) => listField(bytesField(id, RECORD_ENVELOPE_MAX_BYTES), RECORDS_PER_MESSAGE_MAX);

const requestFields = {
  /** Do you have the same there? */
  branches: listField(messageField(1, Branch), RECORDS_COMPARED_MAX),
  /** Starts of the hashes of records that the sender lacks. */
  wants: listField(bytesField(2, HASH_START_BYTES), RECORDS_PER_MESSAGE_MAX),
  /** Records that the other seems to lack. */
  records: records(3),
};
export const RecordsRequest = defineMessage(requestFields);
export type RecordsRequest = MessageOf<typeof requestFields>;

const answerFields = {
  /** Of the branches that were asked about, as many as fit. */
  branches: listField(messageField(1, BranchAnswer), RECORDS_COMPARED_MAX),
  /** Of the records that were wanted, as many as fit. */
  records: records(2),
  /** How many of the wanted ones, from the first on, are dealt with. */
  served: countField(3),
};
export const RecordsAnswer = defineMessage(answerFields);
export type RecordsAnswer = MessageOf<typeof answerFields>;
