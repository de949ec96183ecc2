import { ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { PAIRING_FIND_MS, PAIRING_GATHER_MS } from '../../common/limits.ts';
import type { FoundPeer } from '../discovery/index.ts';

/** What of discovery is needed here. */
export interface Heard {
  peers(): readonly FoundPeer[];
  onPeer(listener: (peer: FoundPeer) => void): () => void;
  hurry(durationMs: number): void;
}

export interface FoundMachine {
  readonly peerId: PeerIdText;
  /** Multiaddrs without `/p2p`. */
  readonly addresses: readonly string[];
}

/**
 * The one machine that announces the number of a code. Throws `not-found` where none does in time, and `refused` where
 * several claim it: one of them may be false, and a typed code is good for one run.
 */
export async function findByNumber(
  discovery: Heard,
  number: string,
  signal: AbortSignal,
  { findMs = PAIRING_FIND_MS, gatherMs = PAIRING_GATHER_MS } = {},
): Promise<FoundMachine> {
  await firstHeard(discovery, () => true, findMs, signal);
  if (discovery.peers().length > 0) await pause(gatherMs, signal);
  const found = machinesOf(discovery.peers());
  const [machine] = found;
  if (machine === undefined) {
    throw new ResettleError('not-found', `no machine on this network shows a code that begins with ${number}`, {
      hint:
        'check that it still shows the code and that both are on the same network; a firewall may close UDP 5353; ' +
        '--peer ADDRESS goes without looking for it',
    });
  }
  if (found.length === 1) return machine;
  const list = found.map(({ peerId, addresses }) => `${peerId.slice(-8)} at ${addresses[0] ?? '?'}`).join(', ');
  throw new ResettleError('refused', `${found.length} machines say that their code begins with ${number}: ${list}`, {
    hint: 'nothing was sent to any of them; make a new code on the old machine, and type that',
  });
}

/** Where that machine says that it is. Throws `not-found` where it is not heard of in time. */
export async function findPeer(
  discovery: Heard,
  peer: PeerIdText,
  signal: AbortSignal,
  { findMs = PAIRING_FIND_MS } = {},
): Promise<FoundMachine> {
  await firstHeard(discovery, ({ peerId }) => peerId === peer, findMs, signal);
  const addresses = addressesHeard(discovery, peer);
  if (addresses.length > 0) return { peerId: peer, addresses };
  throw new ResettleError('not-found', 'the machine of that QR code is not on this network', {
    hint: 'check that it still shows the code and that both are on the same network; --peer ADDRESS goes without looking',
  });
}

export function addressesHeard(discovery: Pick<Heard, 'peers'>, peer: PeerIdText): string[] {
  return [...new Set(discovery.peers().flatMap((one) => (one.peerId === peer ? one.addresses : [])))];
}

/** One machine is heard on several interfaces. */
function machinesOf(peers: readonly FoundPeer[]): FoundMachine[] {
  const byId = new Map<PeerIdText, Set<string>>();
  for (const { peerId, addresses } of peers) {
    const known = byId.get(peerId) ?? new Set();
    for (const address of addresses) known.add(address);
    byId.set(peerId, known);
  }
  return [...byId].map(([peerId, addresses]) => ({ peerId, addresses: [...addresses] }));
}

/** Settles at the first that fits, or when the time is over. */
async function firstHeard(
  discovery: Heard,
  fits: (peer: FoundPeer) => boolean,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (discovery.peers().some(fits)) return;
  const heard = Promise.withResolvers<void>();
  const end = discovery.onPeer((peer) => fits(peer) && heard.resolve());
  discovery.hurry(waitMs);
  try {
    await pause(waitMs, signal, heard.promise);
  } finally {
    end();
  }
}

/** Throws the signal's reason. */
export function pause(durationMs: number, signal: AbortSignal, wake?: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(end, durationMs);
    signal.addEventListener('abort', onAbort, { once: true });
    void wake?.then(end);
  });
}
