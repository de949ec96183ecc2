import { ResettleError } from '../../../common/errors.ts';
import type { AssociationId, StateId } from '../../../common/ids.ts';
import type { Association, InviteToken } from '../../../state/records/index.ts';
import { type GatherOptions, gatherShares } from './gather.ts';

export interface TicketWayOptions {
  readonly fleet: GatherOptions['fleet'];
  /** What HOME has of this machine: its ticket, until that is spent. */
  readonly own: { readonly ticket: InviteToken | undefined; spendTicket(): void };
  readonly ageIdentity: string;
}

/** The ticket that this machine joined with, as a way to the key of a state. */
export class TicketWay {
  readonly #options: TicketWayOptions;

  constructor(options: TicketWayOptions) {
    this.#options = options;
  }

  /** Which association it is for; undefined: this machine has none, or it is spent. */
  association(): AssociationId | undefined {
    return this.#options.own.ticket?.invite.association ?? undefined;
  }

  /** The state key out of shares. Throws as `gatherShares`; `refused` where there is no ticket. */
  async gatherShares(
    wish: { readonly association: Association; readonly state: StateId; readonly keyCheck: Uint8Array },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { fleet, own, ageIdentity } = this.#options;
    const { inviteKey, ticketIdentity } = own.ticket ?? {};
    if (!inviteKey || !ticketIdentity) {
      throw new ResettleError('refused', 'this machine has no ticket, or it is spent', {
        hint: 'join with one: "resettle fleet invite --ticket ASSOCIATION" makes it',
      });
    }
    const ticket = { inviteKey, identity: ticketIdentity };
    return await gatherShares({ ...wish, fleet, ageIdentity, ticket }, signal);
  }

  /** Forgets it: the restore is whole. */
  async spendTicket(): Promise<void> {
    this.#options.own.spendTicket();
  }
}
