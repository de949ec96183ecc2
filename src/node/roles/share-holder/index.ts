/** Shares of the keys of moves in place: what other folders may use. See README.md. */
export { type DistributeOptions, distributeShares, forgetOlderShares, type GivenShares } from './distribute.ts';
export { type GatherOptions, gatherShares } from './gather.ts';
export { ShareHolder, type ShareHolderOptions } from './holder.ts';
export { type RetireOptions, retireShares } from './retire.ts';
export { TicketWay } from './ticket-way.ts';
