/**
 * A process that runs discovery alone, for tests with several processes. Takes its settings as JSON in its first
 * argument, prints events as lines of JSON, and stops with a goodbye when its input ends.
 */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../../src/common/clock.ts';
import { peerIdText } from '../../../src/common/ids.ts';
import { MdnsDiscovery } from '../../../src/node/discovery/index.ts';

interface Settings {
  peerId: string;
  addresses: string[];
  interfaces: string[];
  serviceTag?: string;
}

const settings = JSON.parse(process.argv[2]!) as Settings;
const print = (event: string, details: object): void => {
  process.stdout.write(`${JSON.stringify({ event, atMs: Date.now(), ...details })}\n`);
};
const discovery = new MdnsDiscovery({
  peerId: peerIdText(settings.peerId),
  addresses: () => settings.addresses,
  interfaces: settings.interfaces,
  ...(settings.serviceTag === undefined ? {} : { serviceTag: settings.serviceTag }),
  clock: systemClock,
  random: randomBytes,
  log: { debug: () => {}, warn: (details, message) => print('warn', { details, message }) },
});
discovery.onPeer((peer) => print('peer', peer));
discovery.onGone((peer) => print('gone', peer));
discovery.onDuplicate((duplicate) => print('duplicate', duplicate));
await discovery.start();
print('ready', { interfaces: discovery.interfacesInUse() });
process.stdin.on('end', async () => {
  await discovery.stop();
  print('stopped', {});
});
process.stdin.resume();
