import type { Connection } from '@libp2p/interface';
import { STRANGER_CONNECTIONS_MAX } from '../../common/limits.ts';
import { ipOf } from '../link/interfaces.ts';

/**
 * Of strangers' connections, the one that has to go because there is one too many: the oldest of the host that has most. So
 * a host that takes all the places only drives out itself.
 */
export function oneTooMany(strangers: readonly Connection[]): Connection | undefined {
  if (strangers.length <= STRANGER_CONNECTIONS_MAX) return undefined;
  const byHost = Map.groupBy(strangers, ({ remoteAddr }) => ipOf(remoteAddr.toString()) ?? '');
  const most = [...byHost.values()].reduce((a, b) => (b.length > a.length ? b : a));
  return most.reduce((a, b) => (b.timeline.open < a.timeline.open ? b : a));
}
