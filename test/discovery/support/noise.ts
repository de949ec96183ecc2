/**
 * Sends random and damaged packets to the multicast group from the interface of the address given, prints `ready` when
 * it has sent them all, and ends with its input. Meant for a namespace.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const settings = JSON.parse(process.argv[2]!) as { from: string; serviceTag: string; peerId: string };
const require = createRequire(import.meta.url);
const { encode } = createRequire(require.resolve('multicast-dns'))('dns-packet') as { encode(packet: object): Buffer };

const socket = createSocket({ type: 'udp4', reuseAddr: true });
await new Promise<void>((resolve) => socket.bind(5353, '0.0.0.0', resolve));
socket.setMulticastInterface(settings.from);
const valid = encode({
  type: 'response',
  answers: [
    { type: 'PTR', name: settings.serviceTag, ttl: 120, data: `x.${settings.serviceTag}` },
    {
      type: 'TXT',
      name: `x.${settings.serviceTag}`,
      ttl: 120,
      data: `dnsaddr=/ip4/1.1.1.1/tcp/1/p2p/${settings.peerId}`,
    },
  ],
});
for (let count = 0; count < 3000; count += 1) {
  let bytes = randomBytes(randomInt(0, 400));
  if (count % 2 === 0) {
    bytes = Buffer.from(valid.subarray(0, count % 4 === 0 ? valid.length : randomInt(0, valid.length)));
    for (let flips = 0; flips < 3 && bytes.length > 0; flips += 1)
      bytes[randomInt(0, bytes.length)] = randomInt(0, 256);
  }
  await new Promise((resolve) => socket.send(bytes, 5353, '224.0.0.251', resolve));
  if (count % 100 === 0) await sleep(1);
}
process.stdout.write(`${JSON.stringify({ event: 'ready', atMs: Date.now() })}\n`);
process.stdin.on('end', () => socket.close());
process.stdin.resume();
