/** Why another machine is reached or not, from what was heard of it and what became of each address. Pure. */
import { formatDuration } from '../../common/sizes.ts';
import type { MemberStatus } from '../../state/records/index.ts';
import { ipOf, type LocalLink, sameSubnet } from '../link/interfaces.ts';
import { type Finding, fault, ok, warning } from './finding.ts';
import type { DialOutcome } from './probe.ts';

/** How an address of a peer is known. */
export type KnownBy = 'multicast' | 'record' | 'seed' | 'connection';

export interface AddressProbe {
  /** Multiaddr without `/p2p`. */
  readonly address: string;
  readonly knownBy: readonly KnownBy[];
  readonly outcome: DialOutcome;
  readonly tookMs: number;
  readonly detail?: string;
}

/** What the peer said to a hello. */
export interface HelloFacts {
  readonly fleet: 'same' | 'other' | 'none';
  /** It showed its place in the fleet, as it does to members only. */
  readonly takesUs: boolean;
  /** Why it wants to have nothing to do with us, in its own words. */
  readonly refusal?: { readonly isVersion: boolean; readonly message: string };
}

export interface PeerFacts {
  readonly name: string;
  /** Undefined for somebody of whom no record is held. */
  readonly status: MemberStatus | undefined;
  /** The address of the connection that stands, if one does. */
  readonly connectedAt: string | undefined;
  /** Where it is heard by multicast, and how long ago that was. */
  readonly heard: readonly { readonly interfaceName: string; readonly agoMs: number }[];
  readonly probes: readonly AddressProbe[];
  readonly hello: HelloFacts | undefined;
  /** A person has asked for this peer: then it should be there. */
  readonly isAskedFor: boolean;
}

/** What is known of this machine, for all peers. */
export interface OwnFacts {
  readonly links: readonly LocalLink[];
  readonly hasDefaultRoute: boolean;
  readonly isInFleet: boolean;
  /** Interfaces on which anybody at all has been heard lately. */
  readonly othersHeardOn: readonly string[];
}

const OUTCOMES: Record<DialOutcome, string> = {
  answers: 'answers',
  refused: 'the machine is there and nobody listens at that port',
  timeout: 'no answer: packets are dropped on the way, or nobody has that address',
  unreachable: 'cannot be reached',
  'other-identity': 'another identity answers there',
  'no-handshake': 'something answers that is no agent of this kind, or gives up',
  itself: 'the identity of this machine answers there',
};

function shownLink(link: LocalLink | undefined): string {
  if (link === undefined) return 'another subnet';
  const speed = link.speedMbps === undefined ? '' : `, ${link.speedMbps} Mbit/s`;
  return `${link.name}, ${link.kind}${speed}`;
}

/** One finding for each address that was tried. */
export function checkAddresses({ probes }: PeerFacts, { links }: OwnFacts): Finding[] {
  const somebodyAnswers = probes.some(({ outcome }) => outcome === 'answers');
  return probes.map(({ address, knownBy, outcome, tookMs, detail }) => {
    const way = `by ${shownLink(sameSubnet(address, links))}; known by ${knownBy.join(', ')}`;
    if (outcome === 'answers') return ok('address', address, `answers after ${tookMs} ms ${way}`);
    const more = detail === undefined ? '' : ` (${detail})`;
    const message = `${OUTCOMES[outcome]}${more}, after ${tookMs} ms ${way}`;
    // One address that works is enough; a record may well have others that are of no use from here.
    return (somebodyAnswers ? ok : warning)('address', address, message, somebodyAnswers ? '' : remedyOf(outcome));
  });
}

function remedyOf(outcome: DialOutcome): string {
  if (outcome === 'refused') return 'start its agent, or see in its "resettle status" where it listens';
  if (outcome === 'other-identity')
    return 'the address has gone to another machine: see where it is now, with "resettle status" there';
  if (outcome === 'itself') return 'see whether one machine was copied from the other: each needs a HOME of its own';
  if (outcome === 'no-handshake')
    return 'see which program listens there, and whether both machines have the same version of resettle';
  return 'see whether it is switched on, and let the port in, in its firewall';
}

/** What is wrong with a member by its records. */
function standing({ name, status }: PeerFacts): Finding | undefined {
  if (status === 'suspended')
    return fault('peer', name, 'is suspended: this machine refuses it', 'ask an operator of the fleet');
  if (status === 'revoked')
    return fault('peer', name, 'is revoked: this machine refuses it', 'it needs a new --home and a new invite');
  if (status === 'forked') {
    const remedy = 'give one of the two a new --home, and let it join anew';
    return fault('peer', name, 'two machines sign with its key: all refuse it', remedy);
  }
  return undefined;
}

/** A peer that answers: whether it and this machine have to do with each other. */
function acquainted(facts: PeerFacts, own: OwnFacts): Finding | undefined {
  const { name, hello, status, isAskedFor } = facts;
  const tell = isAskedFor ? fault : ok;
  if (hello === undefined) {
    if (facts.connectedAt !== undefined) return undefined;
    return warning(
      'peer',
      name,
      'takes connections and does not answer a hello',
      'look at the log of its agent; start it again if it hangs',
    );
  }
  if (hello.refusal?.isVersion)
    return fault('peer', name, hello.refusal.message, 'run the same version of resettle on both machines');
  if (hello.refusal !== undefined)
    return warning('peer', name, `refuses: ${hello.refusal.message}`, 'ask an operator of the fleet');
  if (hello.fleet === 'other' && !own.isInFleet)
    return ok(
      'peer',
      name,
      'is in a fleet, and this machine is in none',
      'let it make an invite: "resettle fleet invite"',
    );
  if (hello.fleet === 'other')
    return tell(
      'peer',
      name,
      'is in another fleet',
      'a machine has one fleet: to change it, give it a new --home and let it join',
    );
  if (hello.fleet === 'none')
    return tell('peer', name, 'is in no fleet', 'invite it: "resettle fleet invite" here, "resettle fleet join" there');
  if (status === undefined) {
    const message = 'says that it is of this fleet, and its record has not come here yet';
    return warning('peer', name, message, 'wait a minute; if it stays so, one of the two is cut off from the others');
  }
  if (!hello.takesUs) {
    const message = 'answers, and does not take this machine for a member';
    return warning(
      'peer',
      name,
      message,
      'wait a minute for its records; else see whether an operator has revoked this machine',
    );
  }
  return undefined;
}

function reached(facts: PeerFacts, own: OwnFacts): Finding[] {
  const { name, connectedAt, heard, probes } = facts;
  const problem = acquainted(facts, own);
  if (problem !== undefined) return [problem];
  const best = probes.find(({ outcome }) => outcome === 'answers');
  const address = connectedAt ?? best?.address ?? '';
  const link = sameSubnet(address, own.links);
  const took = best?.address === address ? `, answers after ${best.tookMs} ms` : '';
  const how = connectedAt === undefined ? 'can be reached' : 'is connected';
  const found = ok('peer', name, `${how} at ${address} (${shownLink(link)})${took}`);
  if (heard.length > 0 || link?.kind === 'loopback') return [found];
  if (link === undefined) {
    const message = 'is in another subnet, where multicast does not go; its address is known from records or was given';
    return [found, ok('multicast', name, message)];
  }
  const message = `is reached and not heard by multicast on ${link.name}, though it is in the same subnet`;
  const remedy = `let UDP 5353 in, in its firewall; see whether the ${link.kind === 'radio' ? 'access point' : 'switch'} passes multicast on (IGMP snooping, "multicast filter")`;
  return [found, warning('multicast', name, message, remedy)];
}

/** The outcomes that say most, first. */
const TELLING: readonly DialOutcome[] = ['other-identity', 'no-handshake', 'refused', 'timeout', 'unreachable'];

/** What keeps a peer away that answers at no address. */
function missed(facts: PeerFacts, own: OwnFacts): { message: string; remedy: string } {
  const { heard, probes } = facts;
  const isHeard = heard.length > 0;
  const where = heard.map(({ interfaceName, agoMs }) => `${interfaceName} (${formatDuration(agoMs)} ago)`).join(', ');
  const copy = probes.find((probe) => probe.outcome === 'itself' && !isOwn(probe.address, own));
  if (copy !== undefined) {
    const message = `a machine with the identity of this one answers at ${copy.address}: one was copied from the other`;
    return { message, remedy: 'give one of the two a new --home, and let it join anew' };
  }
  const told = TELLING.map((outcome) => probes.find((probe) => probe.outcome === outcome)).find((probe) => probe);
  if (told === undefined) {
    if (probes.length > 0)
      return { message: "the only addresses known of it are this machine's own", remedy: remedyOf('itself') };
    const message = isHeard
      ? 'is heard, and announces no address that can be dialled from here'
      : 'is not heard, and its record has no address';
    return { message, remedy: 'start its agent; if multicast does not pass, give its address with --peer' };
  }
  const { address, outcome, detail } = told;
  const link = sameSubnet(address, own.links);
  if (outcome === 'other-identity') {
    return {
      message: `another identity (${detail ?? 'unknown'}) answers at ${address}`,
      remedy: `${remedyOf(outcome)}; if it has a new HOME, let it join anew`,
    };
  }
  if (outcome === 'no-handshake')
    return { message: `something answers at ${address} and proves no identity`, remedy: remedyOf(outcome) };
  if (outcome === 'refused') {
    const message = isHeard
      ? `was heard on ${where}, and nobody takes connections at ${address}`
      : `its machine is there, and no agent listens at ${address}`;
    return { message, remedy: remedyOf(outcome) };
  }
  const port = /\/tcp\/(\d+)/.exec(address)?.[1] ?? '';
  if (isHeard) {
    const message = `was heard on ${where}, and tcp ${port} does not answer at ${address}: it has just gone, or a firewall is between`;
    const isolation =
      link?.kind === 'radio' ? '; or the access point keeps its clients apart ("client isolation")' : '';
    return { message, remedy: `let tcp ${port} in, in its firewall${isolation}` };
  }
  if (link !== undefined) return missedNearby(address, link, port, own);
  if (!own.hasDefaultRoute) {
    return {
      message: `is in another subnet (${address}), and this machine has no route there`,
      remedy: 'join the same subnet, or set a route',
    };
  }
  const message = `is in another subnet (${address}) and does not answer: multicast does not go there, and tcp ${port} does not get through`;
  return {
    message,
    remedy: `see whether it is switched on and still has that address; let tcp ${port} through the routers and its firewall`,
  };
}

function isOwn(address: string, { links }: OwnFacts): boolean {
  const ip = ipOf(address);
  return links.some((link) => link.addresses.some((one) => one.ip === ip));
}

/** Same subnet, not heard, no answer. */
function missedNearby(
  address: string,
  link: LocalLink,
  port: string,
  own: OwnFacts,
): { message: string; remedy: string } {
  const others = own.othersHeardOn.includes(link.name) ? 'others are heard there' : 'nobody else is heard there either';
  const message = `is in the subnet of ${link.name} (${address}), is not heard and does not answer; ${others}`;
  const isolation =
    link.kind === 'radio'
      ? 'if it is, the access point keeps its clients apart ("client isolation", "guest network"): switch that off, or use a cable'
      : `if it is, its firewall drops UDP 5353 and tcp ${port}, or the switch keeps ports apart ("private VLAN", "port isolation")`;
  return { message, remedy: `see whether it is switched on and its agent runs; ${isolation}` };
}

/** What there is to say of a peer as a whole. */
export function checkPeer(facts: PeerFacts, own: OwnFacts): Finding[] {
  const bad = standing(facts);
  if (bad !== undefined) return [bad];
  if (facts.connectedAt !== undefined || facts.probes.some(({ outcome }) => outcome === 'answers'))
    return reached(facts, own);
  const { message, remedy } = missed(facts, own);
  return [(facts.isAskedFor ? fault : warning)('peer', facts.name, message, remedy)];
}

/** What a member says of how it sees this machine. */
export interface OtherSideFacts {
  readonly hears: boolean;
  /** The address at which it is reached from here. */
  readonly at: string;
  readonly dials: readonly { readonly address: string; readonly outcome: DialOutcome; readonly tookMs: number }[];
}

/** What the other side sees. */
export function checkOtherSide(name: string, { hears, at, dials }: OtherSideFacts, own: OwnFacts): Finding[] {
  const works = dials.filter(({ outcome }) => outcome === 'answers');
  const best = works[0];
  const findings: Finding[] = [];
  if (best !== undefined) {
    findings.push(ok('other-side', name, `reaches this machine at ${best.address} after ${formatMs(best.tookMs)}`));
  } else if (dials.length === 0) {
    findings.push(
      warning(
        'other-side',
        name,
        'knows no address of this machine',
        'give it one: start its agent with --peer ADDRESS',
      ),
    );
  } else {
    const list = dials.map(({ address, outcome }) => `${address} (${outcome})`).join(', ');
    const message = `cannot connect to this machine: ${list}; connections work from here to there only`;
    findings.push(warning('other-side', name, message, 'let the port in, in the firewall of this machine'));
  }
  const link = sameSubnet(at, own.links);
  if (hears) findings.push(ok('other-side', name, 'hears this machine by multicast'));
  else if (link === undefined || link.kind === 'loopback') {
    findings.push(ok('other-side', name, 'does not hear this machine by multicast, as is usual between subnets'));
  } else {
    const remedy = 'let UDP 5353 in, in its firewall; see whether the switch or access point passes multicast on';
    findings.push(warning('other-side', name, `does not hear this machine by multicast on ${link.name}`, remedy));
  }
  return findings;
}

function formatMs(durationMs: number): string {
  return durationMs < 1000 ? `${durationMs} ms` : formatDuration(durationMs);
}
