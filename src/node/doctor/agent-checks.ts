/** Checks of the agent itself: where it listens, how its discovery fares, what it is in its fleet. Pure. */
import { formatDuration } from '../../common/sizes.ts';
import type { MemberStatus } from '../../state/records/index.ts';
import type { InterfaceReport, SeenDuplicate } from '../discovery/index.ts';
import { ipOf, type LocalLink } from '../link/interfaces.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

/** Silence of an interface on which somebody should be. */
const SILENCE_MS = 5 * 60_000;
/** Clocks that differ by more than this make invites and leases look expired. */
export const CLOCK_DIFFERENCE_MS = 5 * 60_000;

export interface ListeningFacts {
  /** Multiaddrs without `/p2p`. */
  readonly addresses: readonly string[];
  readonly defaultPort: number;
  /** Addresses were given with `--listen`. */
  readonly isByHand: boolean;
  readonly links: readonly LocalLink[];
}

/** Where the agent takes connections. */
export function checkListening({ addresses, defaultPort, isByHand, links }: ListeningFacts): Finding[] {
  const ips = new Set(links.flatMap((link) => link.addresses.map(({ ip }) => ip)));
  const reachable = addresses.filter((address) => ips.has(ipOf(address) ?? ''));
  if (reachable.length === 0) {
    const message =
      addresses.length === 0
        ? 'the agent listens nowhere'
        : `the agent listens at ${addresses.join(', ')}, and this machine has no such address any more`;
    const remedy = isByHand
      ? 'start the agent again, with another --listen or without it'
      : 'start the agent again when the interface has an address';
    return [fault('listening', 'this agent', message, remedy)];
  }
  const ports = new Set(reachable.map((address) => Number(/\/tcp\/(\d+)/.exec(address)?.[1])));
  const shown = [...ports].map((port) => `tcp ${port}`).join(', ');
  if (isByHand || ports.has(defaultPort)) return [ok('listening', shown, 'the agent listens')];
  const message = `the agent listens here because tcp ${defaultPort} was taken: a firewall that lets ${defaultPort} in may keep this out`;
  const remedy = `find who has it (ss -ltnp sport = :${defaultPort}), end that, and start the agent again; or give --listen a port and open it`;
  return [warning('listening', shown, message, remedy)];
}

export interface MulticastFacts {
  readonly reports: readonly InterfaceReport[];
  /** This long ago everybody was asked; what has come since is the answer. */
  readonly askedAgoMs: number;
  /** There are other members, so that somebody should be heard. */
  readonly expectsOthers: boolean;
}

/** Whether what is sent by multicast comes back, and whether anybody else is heard. */
export function checkMulticast({ reports, askedAgoMs, expectsOthers }: MulticastFacts): Finding[] {
  return reports.map((report) => {
    const { name, error, openForMs, ownHeardAgoMs, sentAgoMs, othersHeardAgoMs } = report;
    if (error !== undefined || openForMs === undefined) {
      const message = `UDP 5353 cannot be used here: ${error ?? 'it is not open yet'}`;
      const remedy = /EADDRINUSE/.test(message)
        ? 'another program holds the port and does not share it: find it (ss -ulpn sport = :5353) and end it; or give addresses with --peer'
        : 'check the interface; the agent tries again by itself; addresses given with --peer work meanwhile';
      return fault('multicast', name, message, remedy);
    }
    if (sentAgoMs === undefined || sentAgoMs > askedAgoMs) {
      return warning(
        'multicast',
        name,
        'nothing could be sent in time',
        'ask again; if it stays so, look at the log of the agent',
      );
    }
    if (ownHeardAgoMs === undefined || ownHeardAgoMs > askedAgoMs) {
      const message = 'what this machine sends by multicast does not come back to it: something here drops it';
      return fault(
        'multicast',
        name,
        message,
        'let UDP 5353 in, in the firewall of this machine; or give addresses with --peer',
      );
    }
    if (othersHeardAgoMs !== undefined && othersHeardAgoMs < SILENCE_MS)
      return ok('multicast', name, 'sends, and hears others');
    const sinceMs = othersHeardAgoMs ?? openForMs;
    const silence = `sends, and has heard nobody else for ${formatDuration(sinceMs)}`;
    if (!expectsOthers || sinceMs < SILENCE_MS) return ok('multicast', name, silence);
    const remedy =
      'if somebody else is on this network: the switch or access point does not pass multicast on; give addresses with --peer';
    return warning('multicast', name, silence, remedy);
  });
}

/** Machines that announce this agent's own identity. */
export function checkDuplicates(duplicates: readonly SeenDuplicate[]): Finding[] {
  return duplicates.map(({ source, addresses, interfaceName, agoMs }) => {
    const message = `announces the identity of this machine at ${addresses.join(', ')} on ${interfaceName}, ${formatDuration(agoMs)} ago: one was made from an image or a backup of the other`;
    const remedy = 'give one of the two a new --home and let it join anew; never copy a HOME';
    return fault('duplicate', source, message, remedy);
  });
}

export interface FleetFacts {
  readonly fleetName: string | undefined;
  /** Undefined while this machine is in no fleet. */
  readonly status: MemberStatus | undefined;
  /** Why its invite came to nothing, or that it waits. */
  readonly joining: string | undefined;
}

/** What this machine is in its fleet: others refuse one that is no active member. */
export function checkFleet({ fleetName, status, joining }: FleetFacts): Finding[] {
  const subject = fleetName ?? 'this machine';
  if (status === 'active') return [ok('fleet', subject, 'this machine is an active member')];
  if (status === undefined) {
    const message = `is in no fleet${joining === undefined ? '' : `: ${joining}`}; others do not talk to it`;
    return [
      warning(
        'fleet',
        'this machine',
        message,
        '"resettle fleet init" makes one; "resettle fleet join" uses an invite of one',
      ),
    ];
  }
  const remedy =
    status === 'forked'
      ? 'two machines sign with one key: give this one a new --home, and let it join anew'
      : 'ask an operator of the fleet';
  return [fault('fleet', subject, `this machine is ${status}: the others refuse it`, remedy)];
}

/** @param aheadMs by how much the other one's clock is ahead of this one's */
export function checkClock(name: string, aheadMs: number): Finding {
  if (Math.abs(aheadMs) <= CLOCK_DIFFERENCE_MS) return ok('clock', name, 'its clock agrees with this one');
  const message = `its clock is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this one`;
  return warning('clock', name, message, 'set the wrong one: invites, leases and retention go by the clock');
}
