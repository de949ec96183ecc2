import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { ResettleError } from '../../common/errors.ts';
import { TICKET_SEALED_MAX_BYTES } from '../../common/limits.ts';

/** What an association in place publishes of its ticket key. */
export interface TicketKey {
  /** `age1…`: the state key is sealed to it before it is split. */
  readonly recipient: string;
  /** The private half in an age file for the operators. */
  readonly sealed: Uint8Array;
}

/** A new ticket key for these operators (`age1…`). Throws `usage` where there is none, or more than an association holds. */
export async function makeTicketKey(operators: readonly string[]): Promise<TicketKey> {
  if (operators.length === 0) throw new ResettleError('usage', 'no operator is there who could make tickets');
  const identity = await generateX25519Identity();
  const encrypter = new Encrypter();
  for (const operator of operators) encrypter.addRecipient(operator);
  const sealed = await encrypter.encrypt(identity);
  if (sealed.length > TICKET_SEALED_MAX_BYTES) {
    throw new ResettleError('usage', `a ticket key cannot be sealed to ${operators.length} operators`, {
      hint: 'a fleet with moves in place has some 30 operators at most',
    });
  }
  return { recipient: await identityToRecipient(identity), sealed };
}

/**
 * The private half (`AGE-SECRET-KEY-1…`) by an operator's age identity. Throws `refused` where it was sealed to others,
 * `damaged` where it is not the key that belongs to `recipient`.
 */
export async function openTicketKey({ recipient, sealed }: TicketKey, operator: string): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(operator);
  let identity: string;
  try {
    if (sealed.length > TICKET_SEALED_MAX_BYTES) throw new RangeError('too long');
    identity = await decrypter.decrypt(sealed, 'text');
  } catch (cause) {
    throw new ResettleError(
      'refused',
      'the ticket key of this association does not open with the key of this machine',
      {
        hint: 'it is sealed to those who were operators when the association was made: ask one of them',
        cause,
      },
    );
  }
  const found = await identityToRecipient(identity).catch(() => undefined);
  if (found === recipient) return identity;
  throw new ResettleError('damaged', 'what is sealed in this association is not its ticket key', {
    hint: 'make a new association in place, and capture again',
  });
}
