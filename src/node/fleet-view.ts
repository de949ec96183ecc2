import type { Connection } from '@libp2p/interface';
import type { AssociationId, PeerIdText } from '../common/ids.ts';
import type { BodyOrMaker, Roster, SignedEvent, StoredRecord } from '../state/records/index.ts';

/** What the roles see of the fleet: who is in it, who can be reached, and what this machine may sign. */
export interface FleetView {
  readonly self: PeerIdText;
  roster(): Roster;
  /** A connection to a member that has greeted us. Waits for its discovery for a few seconds. Throws `failed`. */
  connectTo(peerId: PeerIdText, signal: AbortSignal): Promise<Connection>;
  /** Exchanges records with every member that can be reached now. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Signs a record of this machine, stores it durably and spreads it. Throws `not-a-member`. */
  append(body: BodyOrMaker): Promise<StoredRecord>;
  /** What the parties of an association said of its migration, the newest of each subject. */
  events(id: AssociationId): readonly SignedEvent[];
  /** Calls the listener after every change of the records. Returns what ends that. */
  onChange(listener: () => void): () => void;
  /** The signed record behind an association. */
  envelopeOf(id: string): Uint8Array | undefined;
}
