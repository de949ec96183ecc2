import type { PeerIdText } from '../../../src/common/ids.ts';
import type { Offer } from '../../../src/node/placement/rank.ts';

const peerOf = (name: string): PeerIdText => `12D3KooW${name.padEnd(44, 'x')}` as PeerIdText;

/** An offer that lacks nothing. */
export function offer(name: string, changes: Partial<Offer> = {}): Offer {
  return {
    peerId: peerOf(name),
    name,
    freeBytes: 1_000_000,
    clients: 0,
    maxClients: 4,
    draining: false,
    refusal: '',
    linkMbps: 1000,
    sameSubnet: true,
    leaving: false,
    ...changes,
  };
}
