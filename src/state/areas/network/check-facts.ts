import type { CheckItem, Verdict } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { AdapterMap } from './adapter-map.ts';
import { PHYSICAL_KINDS } from './adapters.ts';
import { readFacts } from './facts.ts';
import type { Adapter, InterfaceAddress, NetworkContent, NetworkFacts } from './schema.ts';

interface Judgement {
  readonly observed: string;
  readonly verdict: Verdict;
  readonly remedy?: string;
}

const NOT_RUNNING: Judgement = { observed: 'not asked: this system does not run', verdict: 'skipped' };

/** Links, addresses, gateways and name servers as they were, beside what there is now. */
export function checkFacts({ facts }: NetworkContent, system: System, about: RestoreAbout): CheckItem[] {
  const now = readFacts(system);
  const adapters = new AdapterMap(about.identity, facts.adapters, system);
  const counterpart = (name: string): Adapter | undefined => {
    const place = adapters.ofName(name, facts.adapters.find((one) => one.interface === name)?.kind);
    return place.kind === 'adapter' ? place.adapter : now.adapters.find((one) => one.interface === name);
  };
  const physical = facts.adapters.filter(({ kind }) => PHYSICAL_KINDS.has(kind));
  return [
    ...physical.map((adapter) => ({
      id: `carrier:${adapter.interface}`,
      group: 'media connection',
      title: `Adapter ${adapter.interface} (${adapter.kind})`,
      expected: adapter.hasCarrier ? 'a link' : 'no link',
      evidence: '/sys/class/net/*/carrier',
      ...(system.isLive ? judgeCarrier(adapter, counterpart(adapter.interface)) : NOT_RUNNING),
    })),
    ...addressItems(facts, now, system, about, counterpart),
    ...gatewayItems(facts, now, system),
    ...nameItems(facts, now, system),
  ];
}

function judgeCarrier({ kind, hasCarrier }: Adapter, here: Adapter | undefined): Judgement {
  if (!here) {
    if (!hasCarrier) return { observed: `no ${kind} adapter`, verdict: 'changed' };
    const remedy = `this machine has no ${kind} adapter that stands for it; connect it another way`;
    return { observed: `no ${kind} adapter`, verdict: 'person', remedy };
  }
  const observed = `${here.interface}: ${here.hasCarrier ? 'a link' : 'no link'}`;
  if (here.hasCarrier === hasCarrier) return { observed, verdict: 'same' };
  if (here.hasCarrier) return { observed, verdict: 'changed' };
  const remedy = kind === 'wifi' ? 'connect to the wireless network' : `plug the cable into ${here.interface}`;
  return { observed, verdict: 'failed', remedy };
}

function addressItems(
  facts: NetworkFacts,
  now: NetworkFacts,
  system: System,
  { identity }: RestoreAbout,
  counterpart: (name: string) => Adapter | undefined,
): CheckItem[] {
  const physical = new Set(facts.adapters.filter(({ kind }) => PHYSICAL_KINDS.has(kind)).map((one) => one.interface));
  const wanted = facts.addresses.filter((one) => facts.adapters.length === 0 || physical.has(one.interface));
  const names = [...new Set(wanted.map((one) => one.interface))];
  return names.map((name): CheckItem => {
    const expected = wanted.filter((one) => one.interface === name);
    const to = system.isLive ? (counterpart(name)?.interface ?? name) : name;
    const observed = now.addresses.filter((one) => one.interface === to);
    return {
      id: `address:${name || 'any'}`,
      group: 'network',
      title: `Addresses of ${name || 'the network'}`,
      expected: expected.map(addressText).join('; ').slice(0, 1000),
      evidence: system.isLive ? 'ip -j addr' : 'the networking files',
      ...judgeAddresses(expected, observed, system.isLive, identity === 'same'),
    };
  });
}

const addressText = ({ address, mask, type }: InterfaceAddress): string =>
  `${address}, netmask ${mask}${type === 'manual' ? '' : `, by ${type === 'dhcp' ? 'DHCP' : 'the router'}`}`;

function judgeAddresses(
  expected: readonly InterfaceAddress[],
  found: readonly InterfaceAddress[],
  isLive: boolean,
  isSame: boolean,
): Judgement {
  const observed = found.map(addressText).join('; ').slice(0, 1000) || 'no address';
  const has = ({ address, mask }: InterfaceAddress): boolean =>
    found.some((one) => one.address === address && one.mask === mask);
  if (expected.every(has)) return { observed, verdict: 'same' };
  if (!isLive) return NOT_RUNNING;
  if (found.length === 0) {
    return { observed, verdict: 'failed', remedy: 'connect the adapter, and see that the network gives it an address' };
  }
  const lost = expected.find((one) => one.type === 'manual' && !has(one));
  if (!isSame || !lost) return { observed, verdict: 'changed' };
  return { observed, verdict: 'failed', remedy: `give the adapter its address ${lost.address} again` };
}

function gatewayItems(facts: NetworkFacts, now: NetworkFacts, system: System): CheckItem[] {
  if (facts.gateways.length === 0) return [];
  const text = ({ gateways }: NetworkFacts): string => [...new Set(gateways.map(({ gateway }) => gateway))].join(', ');
  return [
    {
      id: 'gateway:default',
      group: 'network',
      title: 'Default gateway',
      expected: text(facts).slice(0, 1000),
      evidence: system.isLive ? 'ip -j route show default' : 'the networking files',
      ...judgeText(text(facts), text(now), system, 'this machine reaches its own network only; give it a gateway'),
    },
  ];
}

function nameItems(facts: NetworkFacts, now: NetworkFacts, system: System): CheckItem[] {
  const items: CheckItem[] = [];
  const evidence = '/etc/resolv.conf';
  if (facts.nameservers.length > 0) {
    const [expected, observed] = [facts.nameservers.join(', '), now.nameservers.join(', ')];
    const judged = judgeText(expected, observed, system, 'give this machine a name server');
    items.push({ id: 'resolver:nameservers', group: 'network', title: 'Name servers', expected, evidence, ...judged });
  }
  if (facts.domain !== undefined) {
    const remedy = 'set the search domain, or write full names';
    const judged = judgeText(facts.domain, now.domain ?? '', system, remedy);
    items.push({
      id: 'resolver:domain',
      group: 'network',
      title: 'Domain',
      expected: facts.domain,
      evidence,
      ...judged,
    });
  }
  return items;
}

function judgeText(expected: string, observed: string, system: System, remedy: string): Judgement {
  if (expected === observed) return { observed, verdict: 'same' };
  if (!system.isLive) return NOT_RUNNING;
  if (observed === '') return { observed: 'none', verdict: 'failed', remedy };
  return { observed: observed.slice(0, 1000), verdict: 'changed' };
}
