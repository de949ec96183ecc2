import type { PeerIdText } from '../../common/ids.ts';
import { KEEP_AFTER_RESTORE_MS } from '../../common/limits.ts';
import type { AssociationBody } from './types.ts';

/** Whose state goes where. */
export interface AssociationParties {
  readonly source: PeerIdText;
  readonly destination: PeerIdText | null;
  readonly mode: AssociationBody['mode'];
  /** 16 random bytes, 32 hex digits. */
  readonly nonce: string;
}

/** An association with nothing asked for but its parties: one copy on any point, kept a while after the restore. */
export function plainAssociation(parties: AssociationParties): AssociationBody {
  return {
    type: 'association',
    ...parties,
    points: [],
    replicas: 1,
    keepMs: KEEP_AFTER_RESTORE_MS,
    deadlineMs: null,
    ticketRecipient: null,
    ticketSealed: null,
    shares: null,
    codeRecipient: null,
    start: null,
    sealed: null,
  };
}
