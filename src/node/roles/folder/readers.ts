import { ResettleError } from '../../../common/errors.ts';
import type { PeerIdText } from '../../../common/ids.ts';
import { wrapStateKey, wrapStateKeyByPassphrase } from '../../../state/format/index.ts';
import type { Member, Roster } from '../../../state/records/index.ts';
import type { KeyName } from '../../../state/store/index.ts';
import { findMachine, ownMembership } from '../../membership/machines.ts';

/** Somebody who will be able to decrypt. */
export interface Reader {
  /** The name of the key file. */
  readonly name: KeyName;
  readonly shown: string;
  /** The age recipient, or `passphrase`. */
  readonly recipient: string;
  wrap(stateKey: Uint8Array): Promise<Uint8Array>;
}

export interface Readers {
  readonly all: readonly Reader[];
  /** The MACHINE that the state is for, where one was named. */
  readonly destination: Member | undefined;
}

/**
 * Who a state in a folder is wrapped to: who knows the passphrase, the MACHINE that was named, and the fleet's recovery
 * key. Throws `unconfirmed` where that is nobody, `not-a-member`, `not-found`, `ambiguous`.
 */
export function chooseReaders(
  roster: Roster,
  self: PeerIdText,
  wish: { readonly passphrase?: string | undefined; readonly for?: string | undefined },
): Readers {
  const readers: Reader[] = [];
  const { passphrase } = wish;
  if (passphrase !== undefined) {
    readers.push({
      name: 'passphrase',
      shown: 'whoever knows the passphrase',
      recipient: 'passphrase',
      wrap: (key) => wrapStateKeyByPassphrase(key, passphrase),
    });
  }
  let destination: Member | undefined;
  if (wish.for !== undefined) {
    ownMembership(roster, self);
    destination = findMachine(roster, wish.for);
    readers.push(byKey(destination.peerId, `${destination.name} (${destination.peerId})`, destination.ageRecipient));
  }
  const recovery = roster.members.get(self)?.status === 'active' ? roster.fleet?.recoveryRecipient : undefined;
  if (recovery) readers.push(byKey('recovery', "the fleet's recovery key", recovery));
  if (readers.length === 0) {
    throw new ResettleError('unconfirmed', 'nobody was named who shall be able to open this store', {
      hint: 'give a passphrase with --passphrase-file F, or a machine of the fleet with --for MACHINE',
    });
  }
  return { all: readers, destination };
}

function byKey(name: KeyName, shown: string, recipient: string): Reader {
  return { name, shown, recipient, wrap: (key) => wrapStateKey(key, recipient) };
}
