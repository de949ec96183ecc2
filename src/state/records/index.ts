/** Signed records of a fleet: what other folders may use. See README.md. */
export { type AssociationParties, plainAssociation } from './association-body.ts';
export {
  type AssociationTerms,
  decodeTerms,
  encodeTerms,
  openTerms,
  sealTerms,
  type UserMapping,
} from './association-terms.ts';
export { plainEvent } from './event-body.ts';
export { createAuthority, type FoundFleetOptions, foundFleet } from './found.ts';
export { type AdmitContext, admitAndStore, createJoinRequest } from './join.ts';
export { peerIdOf } from './keys.ts';
export { associationIdOf } from './migrations.ts';
export { readRecord, verifyRecord } from './record.ts';
export {
  type BodyOrMaker,
  type InsertResult,
  RecordLog,
  type RecordLogOptions,
  type RefusedRecord,
} from './record-log.ts';
export { computeRoster } from './roster.ts';
export {
  type CreateInviteOptions,
  checkCredential,
  checkInvite,
  createInvite,
  type InviteToken,
  parseInviteToken,
  type TicketTerms,
} from './token.ts';
export type * from './types.ts';
