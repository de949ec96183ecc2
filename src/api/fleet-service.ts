import type { Clock, RandomBytes } from '../common/clock.ts';
import { ResettleError } from '../common/errors.ts';
import type { TaskEvent } from '../node/events.ts';
import type { Home } from '../node/home/home.ts';
import type { Fleet } from '../node/membership/fleet.ts';
import { findMachine, ownMembership } from '../node/membership/machines.ts';
import { type AssociateOptions, associate, endAssociation } from '../node/migrations/associate.ts';
import { associationKeys } from '../node/migrations/keys.ts';
import { type MigrationSummary, summarise } from '../node/migrations/summary.ts';
import type { AssociationWish } from '../node/migrations/wish.ts';
import { checklistOf } from '../node/roles/destination/checklist.ts';
import { undo } from '../node/roles/destination/undo.ts';
import { captureToFolder, type FolderOptions } from '../node/roles/folder/capture.ts';
import { type FolderRestoreRequest, restoreFromFolder } from '../node/roles/folder/restore.ts';
import { planOf } from '../node/scope/plan-scope.ts';
import { AREA_NAMES, type AreaName } from '../state/areas/base/names.ts';
import { areasAsked } from './areas-asked.ts';
import { tellChecklist } from './checklist.ts';
import type { ApiEvent, Method, RequestOf, Service } from './contract.ts';

type Done = Record<string, unknown>;

/** What a wish may leave out. */
const NO_WISH: Pick<
  AssociationWish,
  'replicas' | 'keepMs' | 'deadlineMs' | 'shares' | 'recoveryCodeOut' | 'startAtOnce'
> = {
  replicas: undefined,
  keepMs: undefined,
  deadlineMs: undefined,
  shares: undefined,
  recoveryCodeOut: undefined,
  startAtOnce: undefined,
};

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
type Emit = (event: ApiEvent) => void;

export interface FleetServiceOptions {
  readonly fleet: Fleet;
  readonly home: Home;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Without PATHs and areas: everything that areas take. */
function folderScope<Request extends { readonly paths: readonly string[]; readonly areas?: string[] | undefined }>({
  areas,
  ...request
}: Request): Omit<Request, 'areas'> & { readonly areas: readonly AreaName[] } {
  if (!areas && request.paths.length === 0) return { ...request, areas: AREA_NAMES };
  return { ...request, areas: areasAsked(areas ?? []) };
}

const restoreOf = (request: RequestOf<'restoreFolder'>): FolderRestoreRequest => ({
  ...request,
  areas: request.areas && areasAsked(request.areas),
});

/** What needs no network: a fleet's records and invites, and states in folders. */
export class FleetService implements Service {
  readonly #options: FleetServiceOptions;

  constructor(options: FleetServiceOptions) {
    this.#options = options;
  }

  protected get fleet(): Fleet {
    return this.#options.fleet;
  }

  call<M extends Method>(method: M, request: RequestOf<M>, emit: Emit, signal: AbortSignal): Promise<Done> {
    switch (method) {
      case 'fleetInit':
        return this.init(request as RequestOf<'fleetInit'>);
      case 'fleetInvite':
        return this.invite(request as RequestOf<'fleetInvite'>);
      case 'fleetJoin':
        return this.join(request as RequestOf<'fleetJoin'>, signal);
      case 'fleetRevoke':
        return this.#revoke(request as RequestOf<'fleetRevoke'>);
      case 'fleetTickets':
        return this.#tickets(request as RequestOf<'fleetTickets'>);
      case 'fleetConsent':
        return this.#consent(request as RequestOf<'fleetConsent'>);
      case 'members':
        return Promise.resolve(this.members());
      case 'captureFolder':
        return this.task('capture', emit, async (tell) => ({
          ...(await captureToFolder(
            this.#folderOptions(),
            folderScope(request as RequestOf<'captureFolder'>),
            tell,
            signal,
          )),
        }));
      case 'plan':
        return this.task('capture', emit, async (tell) => ({
          ...(await planOf(this.#folderOptions(), folderScope(request as RequestOf<'plan'>), tell, signal)),
        }));
      case 'restoreFolder':
        return this.task('restore', emit, async (tell) => ({
          ...(await restoreFromFolder(
            this.#folderOptions(),
            restoreOf(request as RequestOf<'restoreFolder'>),
            tell,
            signal,
          )),
        }));
      case 'associate':
        return this.#associate(request as RequestOf<'associate'>);
      case 'associations':
        return Promise.resolve(this.#associations());
      case 'associationsDelete':
        return this.#deleteAssociation(request as RequestOf<'associationsDelete'>);
      case 'undo': {
        const { restore } = request as RequestOf<'undo'>;
        return this.task('undo', emit, async (tell) => ({ ...(await undo(this.#options, restore, tell, signal)) }));
      }
      case 'checklist':
        return this.#checklist(request as RequestOf<'checklist'>, emit, signal);
      default:
        throw new ResettleError('agent-not-running', 'this needs a running agent', {
          hint: 'start one with "resettle agent", with the same --home',
        });
    }
  }

  async #checklist({ restore }: RequestOf<'checklist'>, emit: Emit, signal: AbortSignal): Promise<Done> {
    const checklist = await checklistOf(this.#options, restore, (event) => emit(event as ApiEvent), signal);
    return tellChecklist(checklist, emit);
  }

  async #associate({ wishes }: RequestOf<'associate'>): Promise<Done> {
    const { self, roster, append } = this.#signing();
    ownMembership(roster(), self);
    const { random } = this.#options;
    const keys = associationKeys(random);
    const whole = wishes.map((wish) => ({ ...NO_WISH, ...wish, areas: areasAsked(wish.areas) }));
    const associations = await associate(whole, { self, roster, append, random, keys });
    return { associations };
  }

  #associations(): Done {
    const { self, roster } = this.#signing();
    ownMembership(roster(), self);
    return { associations: this.summaries() };
  }

  async #deleteAssociation({ id }: RequestOf<'associationsDelete'>): Promise<Done> {
    const signing = this.#signing();
    ownMembership(signing.roster(), signing.self);
    return { association: await endAssociation(id, { ...signing, random: this.#options.random }) };
  }

  #signing(): Pick<AssociateOptions, 'self' | 'roster' | 'append'> {
    const { log, identity } = this.fleet;
    return { self: identity.peerId, roster: () => log.roster(), append: (body) => log.append(body) };
  }

  /** Where each association's migration stands, by name of the source. */
  protected summaries(): MigrationSummary[] {
    const { log } = this.fleet;
    const roster = log.roster();
    const now = this.#options.clock.now();
    return [...roster.associations.values(), ...roster.pastAssociations.values()]
      .map((association) => summarise(association, log.events(association.id), roster, now))
      .sort((a, b) => compareText(a.sourceName, b.sourceName) || compareText(a.association, b.association));
  }

  /** Runs what takes long. */
  protected task(
    _kind: 'capture' | 'restore' | 'undo',
    emit: Emit,
    work: (tell: (event: TaskEvent) => void) => Promise<Done>,
  ): Promise<Done> {
    return work((event) => emit(event as ApiEvent));
  }

  /** Folders of the agent's own that are never part of a state. */
  protected ownFolders(): string[] {
    return [this.#options.home.dir];
  }

  #folderOptions(): FolderOptions {
    return { ...this.#options, exclude: this.ownFolders() };
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

  async #tickets(request: RequestOf<'fleetTickets'>): Promise<Done> {
    ownMembership(this.fleet.log.roster(), this.fleet.identity.peerId);
    const tickets = await this.fleet.tickets(request.associations, request.expiresMs);
    return { tickets, fleet: this.fleet.log.fleetId };
  }

  async #consent({ acceptOperators }: RequestOf<'fleetConsent'>): Promise<Done> {
    await this.fleet.setConsent(acceptOperators);
    const { fleetId, fleet } = this.fleet.log.roster();
    return { fleet: fleetId, fleetName: fleet?.name, peerId: this.fleet.identity.peerId, acceptOperators };
  }

  protected async join(request: RequestOf<'fleetJoin'>, _signal: AbortSignal): Promise<Done> {
    const { fleetId, fleetName, association } = await this.fleet.stageJoin(request.token, request.acceptOperators);
    return {
      fleet: fleetId,
      fleetName,
      ...(association ? { association } : {}),
      peerId: this.fleet.identity.peerId,
      admitted: false,
      waitingFor: 'The invite is kept. Start "resettle agent": it joins as soon as it reaches a member that is online.',
    };
  }

  async #revoke({ machine, recovery }: RequestOf<'fleetRevoke'>): Promise<Done> {
    const roster = this.fleet.log.roster();
    ownMembership(roster, this.fleet.identity.peerId);
    const member = findMachine(roster, machine);
    await this.fleet.revoke(member, recovery);
    return { peerId: member.peerId, machine: member.peerId, machineName: member.name };
  }

  protected members(): Done {
    const roster = this.fleet.log.roster();
    ownMembership(roster, this.fleet.identity.peerId);
    return {
      fleet: roster.fleetId,
      fleetName: roster.fleet?.name,
      peerId: this.fleet.identity.peerId,
      members: [...roster.members.values()]
        .map(({ peerId, name, role, status, point, acceptsOperators, addresses }) => ({
          peerId,
          name,
          role,
          status,
          point,
          acceptsOperators,
          addresses,
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      problems: roster.problems,
    };
  }
}
