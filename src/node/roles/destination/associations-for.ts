import { ResettleError } from '../../../common/errors.ts';
import type { PeerIdText } from '../../../common/ids.ts';
import type { Association, Roster } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';
import { nameOf } from '../../membership/machines.ts';

/** How long records are asked for until an association names this machine. */
const ASSOCIATION_WAIT_MS = 10_000;
const ASK_AGAIN_MS = 500;

/** Those that name this machine as their destination; of sources that were revoked later too: the old machine is gone. */
export function associationsFor(roster: Roster, self: PeerIdText): Association[] {
  const all = [...roster.associations.values(), ...roster.pastAssociations.values()];
  return all.filter(({ destination }) => destination === self);
}

/** The same; waits for records until there is one, unless `once`. */
export async function awaitAssociations(fleet: FleetView, once: boolean, signal: AbortSignal): Promise<Association[]> {
  const deadline = AbortSignal.timeout(ASSOCIATION_WAIT_MS);
  for (;;) {
    const all = associationsFor(fleet.roster(), fleet.self);
    if (all.length > 0 || once || deadline.aborted) return all;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    await fleet.refresh(signal);
  }
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
