import type { Clock } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import type { AssociationId, PeerIdText } from '../../../common/ids.ts';
import type { Association, Roster } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';
import { nameOf } from '../../membership/machines.ts';

/** How long records are asked for until an association names this machine: where its ticket says that there is one, and else. */
const TICKET_WAIT_MS = 120_000;
const ASSOCIATION_WAIT_MS = 10_000;
const ASK_AGAIN_MS = 500;

/** Those that name this machine as their destination; of sources that were revoked later too: the old machine is gone. */
export function associationsFor(roster: Roster, self: PeerIdText): Association[] {
  const all = [...roster.associations.values(), ...roster.pastAssociations.values()];
  return all.filter(({ destination }) => destination === self);
}

type AskedFleet = Pick<FleetView, 'self' | 'roster' | 'refresh'>;

export interface AssociationsWish {
  /** A state is named: whether there is an association does not matter. */
  readonly once: boolean;
  /** That of the ticket that this machine joined with. */
  readonly ticketFor: AssociationId | undefined;
  readonly onNote: (message: string) => void;
}

/** The same; waits for records until there is one, unless `once`. Throws `failed` where those of its ticket do not come. */
export async function awaitAssociations(
  { fleet, clock }: { readonly fleet: AskedFleet; readonly clock: Pick<Clock, 'monotonicMs'> },
  { once, ticketFor, onNote }: AssociationsWish,
  signal: AbortSignal,
): Promise<Association[]> {
  const endMs = clock.monotonicMs() + (ticketFor === undefined ? ASSOCIATION_WAIT_MS : TICKET_WAIT_MS);
  for (let isFirst = true; ; isFirst = false) {
    const roster = fleet.roster();
    const all = associationsFor(roster, fleet.self);
    if (all.length > 0 || once) return all;
    if (clock.monotonicMs() >= endMs) {
      if (ticketFor !== undefined && !isKnown(roster, ticketFor)) throw notHereYet();
      return all;
    }
    if (isFirst && ticketFor !== undefined)
      onNote("waiting for the records of the move that this machine's ticket is for");
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    await fleet.refresh(signal);
  }
}

const isKnown = ({ associations, pastAssociations }: Roster, id: AssociationId): boolean =>
  associations.has(id) || pastAssociations.has(id);

function notHereYet(): ResettleError {
  return new ResettleError('failed', "the records of the move that this machine's ticket is for have not come here", {
    hint: 'start a member of the fleet that was there when the move was made, such as its points, and give the command again',
  });
}

/** Nobody has said that this machine is anything's destination, `from` apart. */
export function noAssociation(roster: Roster, self: PeerIdText, from: string | undefined): ResettleError {
  const waiting = [...roster.associations.values()].filter(
    ({ destination, body }) => destination === undefined && body.source !== self,
  );
  const sources = [...new Set(waiting.map(({ body }) => nameOf(roster, body.source)))].join(', ');
  return new ResettleError(
    'not-found',
    `no association names this machine as the destination${from ? ` of ${from}` : ''}`,
    {
      hint:
        sources === ''
          ? 'on the old machine run "resettle capture PATH --for THIS-MACHINE" first'
          : `those of ${sources} have no destination yet: an operator names it, or gives this machine a ticket`,
    },
  );
}
