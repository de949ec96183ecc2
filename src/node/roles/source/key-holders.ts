import { ResettleError } from '../../../common/errors.ts';
import type { AssociationBody, Member, Roster } from '../../../state/records/index.ts';

/** Somebody who will be able to decrypt: the name of the key file, and the age recipient that it is wrapped to. */
export interface KeyHolder {
  readonly name: string;
  readonly shown: string;
  readonly recipient: string;
}

/** Who can open a state, and how. */
export interface Readers {
  /** By key files that lie beside the state. */
  readonly holders: readonly KeyHolder[];
  /** By a ticket and shares: the ticket key's recipient. */
  readonly ticket: string | null;
  /** Each of them by what the key is sealed to: fewer start a new state. */
  readonly recipients: readonly string[];
  /** For people. */
  readonly shown: readonly string[];
}

type Terms = Pick<AssociationBody, 'mode' | 'ticketRecipient' | 'codeRecipient'>;

/** Throws `usage` where nobody could ever open the state. */
export function readersOf(roster: Roster, terms: Terms, destination: Member | undefined): Readers {
  const holders: KeyHolder[] = [];
  if (destination && terms.mode === 'side-by-side') {
    const { peerId, name, ageRecipient } = destination;
    holders.push({ name: peerId, shown: `${name} (${peerId})`, recipient: ageRecipient });
  }
  const recovery = roster.fleet?.recoveryRecipient;
  if (recovery) holders.push({ name: 'recovery', shown: "the fleet's recovery key", recipient: recovery });
  const code = terms.codeRecipient;
  if (code) holders.push({ name: 'code', shown: 'whoever has the recovery code', recipient: code });
  const ticket = terms.ticketRecipient;
  if (holders.length === 0 && ticket === null) {
    throw new ResettleError(
      'usage',
      terms.mode === 'in-place'
        ? 'nobody could open the state after this machine was reinstalled: there is no ticket, no recovery key and no code'
        : 'nobody could open the state: its destination is not named yet, and there is no recovery key and no code',
      {
        hint:
          terms.mode === 'in-place'
            ? 'let an operator make the association with "resettle associate MACHINE --in-place"'
            : 'name the destination first, or let an operator make the association with a recovery code',
      },
    );
  }
  return {
    holders,
    ticket,
    recipients: [...holders.map(({ recipient }) => recipient), ...(ticket === null ? [] : [ticket])],
    shown: [
      ...holders.map(({ shown }) => shown),
      ...(ticket === null ? [] : ['whoever has the ticket, together with the holders of shares']),
    ],
  };
}
