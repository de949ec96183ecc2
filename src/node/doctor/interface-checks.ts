/** Checks of this machine's own interfaces and routes. Pure: they are given what was observed. */
import { isLinkLocal, type LocalLink, sameSubnet } from '../link/interfaces.ts';
import { type Finding, fault, ok, unknown, warning } from './finding.ts';

export interface InterfaceFacts {
  readonly links: readonly LocalLink[];
  /** Names given with `--interface`; empty means that the physical ones are used. */
  readonly named: readonly string[];
}

/** Interfaces that are used for discovery when they are in order. */
function wanted({ links, named }: InterfaceFacts): LocalLink[] {
  if (named.length > 0) return links.filter(({ name }) => named.includes(name));
  return links.filter(({ kind }) => kind === 'wired' || kind === 'radio');
}

const ip4Of = (link: LocalLink): string[] => link.addresses.map(({ ip }) => ip).filter((ip) => !ip.includes(':'));

function isUsable(link: LocalLink): boolean {
  const isAddressed = ip4Of(link).length > 0 || link.addresses.some(({ ip }) => !isLinkLocal(ip));
  return link.isUp && link.hasCarrier !== false && isAddressed;
}

function shown(link: LocalLink): string {
  const addresses = link.addresses.map(({ ip, prefixBits }) => `${ip}/${prefixBits}`).join(', ');
  const speed = link.speedMbps === undefined ? 'speed not known' : `${link.speedMbps} Mbit/s`;
  return `${link.kind}, ${addresses}, ${speed}`;
}

/** Why an interface that would be used is of no use. */
function uselessness(link: LocalLink, isFault: boolean): Finding {
  const tell = isFault ? fault : ok;
  const { name } = link;
  if (!link.isUp)
    return tell('interface', name, 'is switched off', `switch it on if it shall be used: ip link set ${name} up`);
  if (link.hasCarrier === false) {
    const what =
      link.kind === 'radio' ? 'is not joined to an access point' : 'has no cable, or nothing is on at its other end';
    return tell('interface', name, what, 'plug the cable in, or join the network, if it shall be used');
  }
  if (link.master !== undefined) {
    const remedy = `start the agent with --interface ${link.master} if that is the way to the others`;
    return tell(
      'interface',
      name,
      `is a part of ${link.master}, which has the address and is used only when named`,
      remedy,
    );
  }
  return warning(
    'interface',
    name,
    'is up and has no address that others could dial: nobody has given it one',
    'check the DHCP server or the cable; or set an address by hand',
  );
}

function usefulness(link: LocalLink): Finding {
  const { name } = link;
  if (link.canMulticast === false && link.kind !== 'loopback') {
    return fault('interface', name, 'does not do multicast: nobody is heard on it', `ip link set ${name} multicast on`);
  }
  if (ip4Of(link).length === 0) {
    const message = `${shown(link)}: it has no IPv4, so it meets only machines on it that have none either`;
    return warning('interface', name, message, 'give it an IPv4 address, or name the others with --peer');
  }
  if (ip4Of(link).every(isLinkLocal)) {
    const message = `has only an address that it gave itself (${shown(link)}): it reaches only machines that did the same`;
    return warning(
      'interface',
      name,
      message,
      'right for two machines on one cable; else check the DHCP server or the cable',
    );
  }
  return ok('interface', name, shown(link));
}

/** Each interface that is used or would be used, and what is wrong with it. */
export function checkInterfaces(facts: InterfaceFacts): Finding[] {
  const { links, named } = facts;
  const candidates = wanted(facts);
  const hasUsable = candidates.some(isUsable);
  const absent = named.filter((name) => !links.some((link) => link.name === name));
  const findings = candidates.map((link) =>
    isUsable(link) ? usefulness(link) : uselessness(link, named.includes(link.name) || !hasUsable),
  );
  for (const name of absent) {
    const remedy = `this machine has ${links.map((link) => link.name).join(', ')}`;
    findings.push(fault('interface', name, 'was named with --interface and is not there', remedy));
  }
  if (!hasUsable) {
    const virtual = links.filter(({ kind }) => kind === 'virtual' || kind === 'loopback').filter(isUsable);
    const others = virtual.map(({ name }) => name).join(', ');
    const remedy =
      others === '' ? 'join a network' : `join a network, or name one that is left out: --interface (${others})`;
    findings.push(fault('interface', 'this machine', 'has no interface that discovery can use', remedy));
  }
  return findings;
}

/** Interfaces that are left out although they are in order: containers, bridges, tunnels. */
export function checkLeftOut(facts: InterfaceFacts): Finding[] {
  const used = new Set(wanted(facts).map(({ name }) => name));
  return facts.links
    .filter((link) => !used.has(link.name) && link.kind !== 'loopback' && isUsable(link))
    .map((link) => {
      const why =
        facts.named.length > 0 ? 'was not named' : 'leads to a container, a bridge or a tunnel by its name or kind';
      return ok('left-out', link.name, `is left out: it ${why}`, `--interface ${link.name} uses it`);
    });
}

/** Two interfaces in one subnet: the system answers by one of them whatever came in by the other. */
export function checkSubnets(facts: InterfaceFacts): Finding[] {
  const used = wanted(facts).filter(isUsable);
  const findings: Finding[] = [];
  for (const [index, link] of used.entries()) {
    for (const other of used.slice(index + 1)) {
      const ip = ip4Of(link).find((one) => sameSubnet(one, [other]) !== undefined);
      if (ip === undefined) continue;
      const message = `${link.name} and ${other.name} are both in the subnet of ${ip}: packets may leave by either`;
      const remedy = `unplug one of them, or start the agent with --interface ${link.kind === 'radio' ? other.name : link.name}`;
      findings.push(warning('subnets', `${link.name}, ${other.name}`, message, remedy));
    }
  }
  return findings;
}

/**
 * The default routes.
 *
 * @param routes names of the interfaces that default routes leave by; undefined when the system does not tell
 * @param isSomebodyMissing a member is not reached, so that a tunnel may be the reason
 */
export function checkRoutes(
  { links, named }: InterfaceFacts,
  routes: readonly string[] | undefined,
  isSomebodyMissing: boolean,
): Finding[] {
  if (routes === undefined)
    return [unknown('route', 'this machine', 'its default route cannot be read on this system')];
  if (routes.length === 0) {
    return [
      ok('route', 'this machine', 'has no default route: it reaches its own subnets only, which is enough there'),
    ];
  }
  return [...new Set(routes)].map((name) => {
    const link = links.find((one) => one.name === name);
    if (link?.kind !== 'virtual' || named.includes(name)) return ok('route', name, 'has the default route');
    const message =
      'has the default route, and is a tunnel or virtual: machines in other subnets are looked for behind it';
    const remedy =
      'end the VPN, or let it leave the local network alone ("allow LAN access"), if a machine is not reached';
    return (isSomebodyMissing ? warning : ok)('route', name, message, remedy);
  });
}
