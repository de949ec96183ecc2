import type { AssociationId } from '../../../common/ids.ts';
import type { Association } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';

/** What a point needs of the fleet beyond what every role sees. */
export interface PointFleet
  extends Pick<FleetView, 'self' | 'roster' | 'append' | 'events' | 'envelopeOf' | 'connectTo'> {
  /** Also one of a source that was revoked later. */
  association(id: AssociationId): Association | undefined;
  /** Takes a record that a member brought; what it says counts only if the roster then shows it. */
  insert(records: readonly Uint8Array[]): Promise<unknown>;
  associationIdOf(envelope: Uint8Array): Promise<AssociationId>;
}
