import { ResettleError } from '../common/errors.ts';
import type { Fleet } from '../node/membership/fleet.ts';
import { ownMembership } from '../node/membership/machines.ts';
import type { ApiEvent, Method, RequestOf, Service } from './contract.ts';

type Done = Record<string, unknown>;
type Emit = (event: ApiEvent) => void;

/** What needs no network: making a fleet, inviting, keeping an invite, and listing who is known. */
export class FleetService implements Service {
  protected readonly fleet: Fleet;

  constructor(fleet: Fleet) {
    this.fleet = fleet;
  }

  call<M extends Method>(method: M, request: RequestOf<M>, _emit: Emit, _signal: AbortSignal): Promise<Done> {
    switch (method) {
      case 'fleetInit':
        return this.init(request as RequestOf<'fleetInit'>);
      case 'fleetInvite':
        return this.invite(request as RequestOf<'fleetInvite'>);
      case 'fleetJoin':
        return this.join(request as RequestOf<'fleetJoin'>, _signal);
      case 'members':
        return Promise.resolve(this.members());
      default:
        throw new ResettleError('agent-not-running', 'this needs a running agent', {
          hint: 'start one with "resettle agent", with the same --home',
        });
    }
  }

  protected async init(request: RequestOf<'fleetInit'>): Promise<Done> {
    const { authorityKey, recovery } = await this.fleet.init(request);
    const { fleetId, fleet } = this.fleet.log.roster();
    return { fleet: fleetId, fleetName: fleet?.name, peerId: this.fleet.identity.peerId, authorityKey, recovery };
  }

  protected async invite(request: RequestOf<'fleetInvite'>): Promise<Done> {
    ownMembership(this.fleet.log.roster(), this.fleet.identity.peerId);
    return { ...(await this.fleet.invite(request)), fleet: this.fleet.log.fleetId };
  }

  protected async join(request: RequestOf<'fleetJoin'>, _signal: AbortSignal): Promise<Done> {
    const { fleetId, fleetName } = await this.fleet.stageJoin(request.token);
    return {
      fleet: fleetId,
      fleetName,
      peerId: this.fleet.identity.peerId,
      admitted: false,
      waitingFor: 'The invite is kept. Start "resettle agent": it joins as soon as it reaches a member that is online.',
    };
  }

  protected members(): Done {
    const roster = this.fleet.log.roster();
    ownMembership(roster, this.fleet.identity.peerId);
    return {
      fleet: roster.fleetId,
      fleetName: roster.fleet?.name,
      peerId: this.fleet.identity.peerId,
      members: [...roster.members.values()]
        .map(({ peerId, name, role, status, point, addresses }) => ({ peerId, name, role, status, point, addresses }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      problems: roster.problems,
    };
  }
}
