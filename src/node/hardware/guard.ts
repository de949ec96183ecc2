import { ResettleError } from '../../common/errors.ts';
import type { AssociationId } from '../../common/ids.ts';
import { compareMachine } from './compare.ts';
import type { HardwareFacts } from './facts.ts';

export interface GuardedMove {
  /** From the source's event of the capture; null where it had nothing to tell by. */
  readonly digests: Uint8Array | null;
  readonly facts: HardwareFacts;
  readonly association: AssociationId;
  /** The machine that was captured, for people. */
  readonly sourceName: string;
  /** What the person said: `same` lets another machine have the state too. */
  readonly identity: 'same' | 'new' | undefined;
}

/**
 * Keeps a restore in place from the wrong machine: a guard against mistakes, not a credential. Returns a sentence that
 * the person should read, or undefined where the machine is the same. Throws `refused` where it certainly is another.
 */
export function guardMachine({ digests, facts, association, sourceName, identity }: GuardedMove): string | undefined {
  const { verdict, strength, equal, differing } = compareMachine(digests, facts, association);
  if (verdict === 'same') return undefined;
  if (verdict === 'different' && strength === 'strong') {
    const differs = `another ${differing.join(', another ')}`;
    if (identity === 'same') return `this is not the hardware that ${sourceName} was captured on: ${differs}`;
    throw new ResettleError('refused', `this is not the machine that ${sourceName} was: ${differs}`, {
      hint: 'use the ticket on the machine that it was made for; if its board was exchanged, add --identity same',
    });
  }
  if (strength === 'none') {
    const where = digests ? 'here' : 'at its capture';
    return `nothing tells whether this machine is ${sourceName}: there was no stable hardware id ${where}`;
  }
  const found = [...equal.map((what) => `the same ${what}`), ...differing.map((what) => `another ${what}`)];
  return `it is not certain that this machine is ${sourceName}: ${found.join(', ')}`;
}
