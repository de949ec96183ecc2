import type { Connection } from '@libp2p/interface';
import type { PeerIdText } from '../common/ids.ts';
import type { AssociationBody, Roster, StoredRecord } from '../state/records/index.ts';

/** What the roles see of the fleet: who is in it, who can be reached, and what this machine may sign. */
export interface FleetView {
  readonly self: PeerIdText;
  roster(): Roster;
  /** A connection to a member that has greeted us. Waits for its discovery for a few seconds. Throws `failed`. */
  connectTo(peerId: PeerIdText, signal: AbortSignal): Promise<Connection>;
  /** Exchanges records with every member that can be reached now. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Signs and spreads an association of this machine. */
  associate(body: AssociationBody): Promise<StoredRecord>;
  /** The signed record behind an association. */
  envelopeOf(id: string): Uint8Array | undefined;
}
