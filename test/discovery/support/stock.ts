/** A stock libp2p node with `@libp2p/mdns`, nothing changed but the service tag. Talks as `agent.ts` does. */
import { noise } from '@chainsafe/libp2p-noise';
import { mdns } from '@libp2p/mdns';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';

const settings = JSON.parse(process.argv[2]!) as { listen: string; serviceTag: string };
const print = (event: string, details: object): void => {
  process.stdout.write(`${JSON.stringify({ event, atMs: Date.now(), ...details })}\n`);
};
const node = await createLibp2p({
  addresses: { listen: [settings.listen] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  peerDiscovery: [mdns({ serviceTag: settings.serviceTag, interval: 1000 })],
  start: false,
});
node.addEventListener('peer:discovery', ({ detail }) => {
  print('peer', { peerId: detail.id.toString(), addresses: detail.multiaddrs.map(String) });
});
await node.start();
print('ready', { peerId: node.peerId.toString(), addresses: node.getMultiaddrs().map(String) });
process.stdin.on('end', async () => {
  await node.stop();
  process.exit(0);
});
process.stdin.resume();
