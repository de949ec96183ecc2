import { ResettleError } from '../../common/errors.ts';
import { openTicketKey } from '../../state/keys/index.ts';
import type { Association, Roster, TicketTerms } from '../../state/records/index.ts';
import { nameOf } from './machines.ts';

/** So many digits of an association's id are enough to mean it. */
const ID_PREFIX_MIN = 8;

/**
 * The association in place that a person means: its id, the beginning of it, or the machine that was captured. Throws
 * `not-found`, `ambiguous`; `refused` where a machine has joined with a ticket of it already.
 */
export function associationOfTicket(roster: Roster, text: string): Association {
  const all = [...roster.associations.values(), ...roster.pastAssociations.values()];
  const fitting = all.filter((association) => isMeant(association, roster, text));
  const inPlace = fitting.filter(({ body }) => body.mode === 'in-place' && body.ticketSealed !== null);
  const open = inPlace.filter(({ destination }) => destination === undefined);
  const current = open.filter(({ ended }) => !ended);
  const chosen = current.length > 0 ? current : open;
  if (chosen.length === 1) return chosen[0]!;
  const shown = JSON.stringify(text);
  if (chosen.length > 1) {
    const list = chosen.map(({ id, body }) => `${nameOf(roster, body.source)} ${id}`).join(', ');
    throw new ResettleError('ambiguous', `${shown} fits several associations in place: ${list}`, {
      hint: 'give the id of the association',
    });
  }
  const used = inPlace.find(({ destination }) => destination !== undefined);
  if (used?.destination) {
    const by = nameOf(roster, used.destination);
    throw new ResettleError('refused', `${by} is the destination of the association of ${shown} already`, {
      hint: 'a ticket is good once; the recovery file or the recovery code open the state without one',
    });
  }
  throw new ResettleError('not-found', `${shown} means no association in place that has tickets`, {
    hint: '"resettle associate MACHINE --in-place" makes one, "resettle associations" lists them',
  });
}

/** What makes an invite a ticket. Throws `refused` where the ticket key is not sealed to this operator. */
export async function ticketTerms({ id, body }: Association, ageIdentity: string): Promise<TicketTerms> {
  const { ticketRecipient: recipient, ticketSealed: sealed } = body;
  if (recipient === null || sealed === null) throw new ResettleError('refused', `association ${id} has no tickets`);
  return { association: id, identity: await openTicketKey({ recipient, sealed }, ageIdentity) };
}

function isMeant({ id, body }: Association, roster: Roster, text: string): boolean {
  if (text.length >= ID_PREFIX_MIN && id.startsWith(text)) return true;
  const isPeerId = text.startsWith('12D3KooW') && body.source.startsWith(text);
  return isPeerId || roster.members.get(body.source)?.name === text;
}
