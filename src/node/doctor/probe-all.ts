import type { Connection } from '@libp2p/interface';
import type { AddressProbe } from './peer-checks.ts';
import type { Prober } from './probe.ts';

/**
 * Tries all addresses of a peer at once, each on its own.
 *
 * @param use gets each connection that the peer itself answered on, in turn, and closes it
 */
export async function probeAll(
  known: readonly Pick<AddressProbe, 'address' | 'knownBy'>[],
  peerId: string | undefined,
  probe: Prober,
  signal: AbortSignal,
  use: (connection: Connection) => Promise<void>,
): Promise<AddressProbe[]> {
  const attempts = await Promise.all(
    known.map(async ({ address, knownBy }) => ({ address, knownBy, ...(await probe(address, peerId, signal)) })),
  );
  for (const { connection } of attempts) if (connection !== undefined) await use(connection);
  return attempts.map(({ connection: _, ...attempt }) => attempt);
}
