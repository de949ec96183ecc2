import { messageOf } from '../common/errors.ts';
import type { Agent } from '../node/agent/agent.ts';
import { ownFolders } from '../node/agent/options.ts';
import { examine } from '../node/doctor/doctor.ts';
import type { TaskEvent } from '../node/events.ts';
import { nameOf, ownMembership } from '../node/membership/machines.ts';
import { hasReached } from '../node/migrations/summary.ts';
import { restoreFromPoint } from '../node/roles/destination/restore.ts';
import { PointClient } from '../protocols/point/point.ts';
import { areasAsked } from './areas-asked.ts';
import type { ApiEvent, Method, RequestOf } from './contract.ts';
import { Tally } from './doctor.ts';
import { FleetService } from './fleet-service.ts';

type Done = Record<string, unknown>;
type Emit = (event: ApiEvent) => void;

interface Running {
  readonly kind: 'capture' | 'restore' | 'undo';
  phase: string;
  bytes: number;
  totalBytes: number;
}

/** Everything that a running agent does when it is asked. */
export class AgentService extends FleetService {
  readonly #agent: Agent;
  readonly #running = new Set<Running>();

  constructor(agent: Agent) {
    super(agent.options);
    this.#agent = agent;
  }

  override call<M extends Method>(method: M, request: RequestOf<M>, emit: Emit, signal: AbortSignal): Promise<Done> {
    switch (method) {
      case 'status':
        return Promise.resolve(this.#status(request as RequestOf<'status'>));
      case 'peers':
        return Promise.resolve(this.#peers());
      case 'points':
        return this.#points(signal);
      case 'doctor':
        return this.#doctor(request as RequestOf<'doctor'>, emit, signal);
      case 'capture':
        return this.#capture(request as RequestOf<'capture'>, emit, signal);
      case 'cancel':
        return Promise.resolve({ ...this.#agent.roles.source.cancel((request as RequestOf<'cancel'>).id) });
      case 'restore':
        return this.#restore(request as RequestOf<'restore'>, emit, signal);
      default:
        return super.call(method, request, emit, signal);
    }
  }

  protected override async init(request: RequestOf<'fleetInit'>): Promise<Done> {
    const done = await super.init(request);
    // Whoever joins next shall see at once that this machine is a point, and where it listens.
    await this.#agent.membership.updateOwnRecord();
    return done;
  }

  protected override async join(request: RequestOf<'fleetJoin'>, signal: AbortSignal): Promise<Done> {
    const { fleetId, fleetName, association } = await this.fleet.stageJoin(request.token, request.acceptOperators);
    const admitted = await this.#agent.membership.join(signal);
    return {
      fleet: fleetId,
      fleetName,
      ...(association ? { association } : {}),
      peerId: this.fleet.identity.peerId,
      admitted,
      ...(admitted ? {} : { waitingFor: 'No member has been reached yet. The agent joins as soon as it reaches one.' }),
    };
  }

  #status({ goal }: RequestOf<'status'>): Done {
    const { membership, discovery, options } = this.#agent;
    const { point } = this.#agent.roles;
    const roster = membership.roster();
    const own = roster.members.get(membership.self);
    const refusal = membership.joinRefusal?.message;
    const migrations = this.summaries();
    return {
      peerId: membership.self,
      name: own?.name ?? options.name ?? '',
      fleet: roster.fleetId ?? null,
      fleetName: roster.fleet?.name ?? null,
      role: own?.role ?? null,
      standing: own?.status ?? `in no fleet${refusal ? `: ${refusal}` : ''}`,
      addresses: this.#agent.addresses(),
      interfaces: discovery.interfacesInUse(),
      migrations,
      incomplete: migrations.filter((migration) => !hasReached(migration, goal)).length,
      running: [...this.#running, ...this.#agent.roles.source.running()],
      jobs: this.#agent.roles.source.jobs(),
      held: point?.held() ?? [],
      refusals: [...membership.refusals(), ...(point?.refusals() ?? [])],
      /** From where a state for this machine could not be restored when it tried last. */
      failedTrials: this.#agent.roles.trials
        .problems()
        .map((one) => ({ ...one, holderName: nameOf(roster, one.holder) })),
      memory: process.memoryUsage.rss(),
    };
  }

  #peers(): Done {
    const { membership } = this.#agent;
    const roster = membership.roster();
    return {
      peerId: membership.self,
      peers: [...membership.known().values()].map(({ peerId, addresses, seenBy }) => ({
        peerId,
        name: roster.members.get(peerId)?.name ?? '',
        member: roster.members.get(peerId)?.status === 'active',
        connected: membership.isConnected(peerId),
        addresses,
        seenBy,
      })),
    };
  }

  async #doctor({ peer }: RequestOf<'doctor'>, emit: Emit, signal: AbortSignal): Promise<Done> {
    const tally = new Tally(emit);
    await examine(this.#agent.doctorOptions(), peer, tally.tell, signal);
    return tally.done();
  }

  async #points(signal: AbortSignal): Promise<Done> {
    const { membership } = this.#agent;
    const { point } = this.#agent.roles;
    const roster = membership.roster();
    ownMembership(roster, membership.self);
    const members = [...roster.members.values()].filter((member) => member.status === 'active' && member.point);
    const points = await Promise.all(
      members.map(async ({ peerId, name }) => {
        try {
          const capacity =
            peerId === membership.self && point
              ? await point.capacity()
              : await new PointClient(await membership.connectTo(peerId, signal), name).capacity(signal);
          return { peerId, name, ...capacity };
        } catch (error) {
          return { peerId, name, problem: messageOf(error) };
        }
      }),
    );
    return { points };
  }

  async #capture({ detach, ...wish }: RequestOf<'capture'>, emit: Emit, signal: AbortSignal): Promise<Done> {
    const request = { ...wish, areas: wish.areas && areasAsked(wish.areas) };
    const { source } = this.#agent.roles;
    const tell = (event: TaskEvent): void => emit(event as ApiEvent);
    return { ...(detach ? await source.detach(request, tell) : await source.capture(request, tell, signal)) };
  }

  async #restore(request: RequestOf<'restore'>, emit: Emit, signal: AbortSignal): Promise<Done> {
    const { identity } = request;
    const wish = { ...request, areas: request.areas && areasAsked(request.areas) };
    return this.task('restore', emit, async (tell) => ({
      ...(await restoreFromPoint(
        this.#agent.roles.destination(identity === 'same' ? identity : undefined),
        wish,
        tell,
        signal,
      )),
    }));
  }

  protected override ownFolders(): string[] {
    return ownFolders(this.#agent.options);
  }

  /** Keeps what `status` shows while a migration runs. */
  protected override async task(
    kind: Running['kind'],
    emit: Emit,
    work: (tell: (event: TaskEvent) => void) => Promise<Done>,
  ): Promise<Done> {
    const running: Running = { kind, phase: 'start', bytes: 0, totalBytes: 0 };
    this.#running.add(running);
    try {
      return await work((event) => {
        if (event.event === 'progress') {
          running.phase = event.phase;
          running.bytes = event.bytes;
          running.totalBytes = event.totalBytes;
        }
        emit(event as ApiEvent);
      });
    } finally {
      this.#running.delete(running);
    }
  }
}
