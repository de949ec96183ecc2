/** Announcements of machines that there are not. */
import { createRequire } from 'node:module';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { SERVICE_TAG } from '../../src/node/discovery/packets.ts';
import { peerIdOf } from '../../src/state/records/index.ts';

const require = createRequire(import.meta.url);
const { encode } = createRequire(require.resolve('multicast-dns'))('dns-packet') as {
  encode(packet: object): Uint8Array;
};
const PEERS = 300;

/** Each of another machine, with four addresses, under a name that is new each time. */
export async function announcements(): Promise<() => Uint8Array> {
  const peers = await Promise.all(
    Array.from({ length: PEERS }, async () => peerIdOf((await generateKeyPair('Ed25519')).publicKey)),
  );
  let count = 0;
  return () => {
    count += 1;
    const instance = `x${count}.${SERVICE_TAG}`;
    const texts = [1, 2, 3, 4].map((port) => ({
      type: 'TXT',
      name: instance,
      ttl: 120,
      data: `dnsaddr=/ip4/127.0.0.1/tcp/${port}/p2p/${peers[count % PEERS]}`,
    }));
    const answers = [{ type: 'PTR', name: SERVICE_TAG, ttl: 120, data: instance }, ...texts];
    return encode({ type: 'response', answers });
  };
}
