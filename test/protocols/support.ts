import { generateKeyPair } from '@libp2p/crypto/keys';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { createLink, type Link } from '../../src/node/link/libp2p-node.ts';

/** A node on loopback with the agent's settings. */
export async function startNode(): Promise<Link> {
  const node = await createLink({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    guard: (registrar) => registrar,
  });
  await node.start();
  return node;
}

export function connect(from: Libp2p, to: Libp2p): ReturnType<Libp2p['dial']> {
  return from.dial(multiaddr(to.getMultiaddrs()[0]!.toString()));
}
