/** What can be looked at where no agent runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { peerIdText } from '../../common/ids.ts';
import { MdnsDiscovery } from '../discovery/index.ts';
import { checkMulticast } from './agent-checks.ts';
import { type Finding, fault, ok, warning } from './finding.ts';
import { checkFirewall } from './firewall.ts';
import { checkInterfaces, checkLeftOut, checkRoutes, checkSubnets } from './interface-checks.ts';
import { system as realSystem, type SystemFacts } from './system.ts';

const LISTEN_MS = 2_500;

export interface WithoutAgentOptions {
  readonly defaultPort: number;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly system?: SystemFacts;
}

/** Looks at interfaces, routes, firewall and multicast, and listens who is there. Announces nothing. */
export async function examineWithoutAgent(
  options: WithoutAgentOptions,
  tell: (finding: Finding) => void,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, defaultPort, system = realSystem } = options;
  const all = (findings: readonly Finding[]): void => findings.forEach(tell);
  const facts = { links: system.links(), named: [] };
  tell(
    fault('agent', 'this machine', 'no agent runs with this HOME: nobody sees this machine', 'start "resettle agent"'),
  );
  all(checkInterfaces(facts));
  all(checkLeftOut(facts));
  all(checkSubnets(facts));
  if (await system.isPortFree(defaultPort)) {
    tell(ok('listening', `tcp ${defaultPort}`, 'is free for an agent'));
  } else {
    const message = 'is taken: an agent with another HOME, or another program, listens there';
    const remedy = `see who it is: ss -ltnp sport = :${defaultPort}`;
    tell(warning('listening', `tcp ${defaultPort}`, message, remedy));
  }
  const peerId = peerIdText(peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString());
  const log = { debug: () => {}, warn: () => {} }; // What fails is in the reports, and told from there.
  const discovery = new MdnsDiscovery({ peerId, addresses: () => [], interfaces: [], clock, random, log });
  const began = clock.monotonicMs();
  await discovery.start();
  try {
    await sleep(LISTEN_MS, undefined, { signal });
    all(checkMulticast({ reports: discovery.report(), askedAgoMs: clock.monotonicMs() - began, expectsOthers: false }));
    for (const peer of discovery.peers()) {
      tell(ok('peer', peer.peerId, `is heard on ${peer.interfaceName} at ${peer.addresses.join(', ')}`));
    }
  } finally {
    await discovery.stop();
  }
  all(checkRoutes(facts, system.defaultRoutes(), false));
  all(checkFirewall(await system.firewall(), defaultPort));
}
