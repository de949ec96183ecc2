import type { LicenceFacts, LicenceServer, LicenceSort } from './facts.ts';
import { isDongle, isFree, plainHostId } from './host-ids.ts';

/** The captured machine, as its licences may name it. */
export interface LicenceOwner {
  readonly names: readonly string[];
  readonly hostIds: readonly string[];
}

export interface Judgement {
  readonly sort: LicenceSort;
  /** One sentence without its stop, for people. */
  readonly reason: string;
  /** Ids of one machine that the licence is bound to, as written. */
  readonly boundTo: readonly string[];
  /** SERVER lines that mean the captured machine. */
  readonly ownServers: readonly string[];
  /** The day it ended, `2026-01-31`. */
  readonly ended?: string;
}

/** Sorts a licence by what it is bound to: portable, to be re-hosted, unknown (D10). */
export function judge(facts: LicenceFacts, owner: LicenceOwner, nowMs: number): Judgement {
  const own = facts.servers.filter((server) => isOwn(server, owner));
  const locks = [...facts.hostIds, ...own.map(({ hostId }) => hostId)];
  const boundTo = [...new Set(locks.filter((id) => !isFree(id)))];
  const { endsMs } = facts;
  // It is good until its last day is over.
  const ended = endsMs !== undefined && endsMs + 86_400_000 <= nowMs ? new Date(endsMs).toISOString().slice(0, 10) : '';
  const rest = { boundTo, ownServers: own.map(({ host }) => host), ...(ended !== '' && { ended }) };
  return { ...sorted(facts, own, boundTo), ...rest };
}

function sorted(
  facts: LicenceFacts,
  own: readonly LicenceServer[],
  boundTo: readonly string[],
): Pick<Judgement, 'sort' | 'reason'> {
  if (facts.fixed) return facts.fixed;
  if (boundTo.length > 0) {
    const what = own.length > 0 ? 'this machine hands it out, and it is' : 'it is';
    return { sort: 're-host', reason: `${what} bound to ${boundTo.slice(0, 4).join(', ')}` };
  }
  const dongle = facts.hostIds.find(isDongle);
  if (dongle !== undefined) return { sort: 'portable', reason: `it goes with the dongle ${dongle}` };
  const foreign = facts.servers.find((server) => !own.includes(server));
  if (foreign) return { sort: 'portable', reason: `the server ${foreign.host} hands it out` };
  if (own.length > 0) return { sort: 'portable', reason: 'this machine hands it out, and it is bound to no machine' };
  if (facts.lacksServer) return { sort: 'unknown', reason: 'a server must count it, and the file names none' };
  return { sort: 'portable', reason: 'it is bound to no machine' };
}

/** Three servers stand in for one another: a file of theirs belongs to this machine where it is one of them. */
function isOwn({ host, hostId }: LicenceServer, { names, hostIds }: LicenceOwner): boolean {
  const name = host.toLowerCase();
  if (name === 'this_host' || name === 'localhost' || name.startsWith('127.') || name === '::1') return true;
  return names.includes(name) || (!isFree(hostId) && hostIds.includes(plainHostId(hostId)));
}
