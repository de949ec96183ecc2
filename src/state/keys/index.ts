/** Ways to a state key that survive the machine: what other folders may use. See README.md. */
export {
  combineShares,
  type Deal,
  dealShares,
  indexOfShare,
  openDeal,
  readDeal,
  shareHash,
} from './deal.ts';
export { identityOfRecoveryCode, newRecoveryCode, recipientOfRecoveryCode } from './recovery-code.ts';
export { isReleaseSigned, type ReleaseTerms, signRelease } from './release.ts';
export { makeTicketKey, openTicketKey, type TicketKey } from './ticket-key.ts';
