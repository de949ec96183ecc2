import { resolve } from 'node:path';
import type { StateId } from '../../common/ids.ts';
import { POINT_PACKS_IN_FLIGHT } from '../../common/limits.ts';
import { identityOfRecoveryCode } from '../../state/keys/index.ts';
import { associationIdOf, openTerms, readRecord } from '../../state/records/index.ts';
import { Store } from '../../state/store/index.ts';
import { describeStrength, guardMachine, machineDigests, machineStrength } from '../hardware/index.ts';
import type { Fleet } from '../membership/fleet.ts';
import type { Membership } from '../membership/membership.ts';
import { linkFactsOf } from '../placement/link-facts.ts';
import type { DestinationOptions } from '../roles/destination/restore.ts';
import { Trials } from '../roles/destination/trials/trials.ts';
import { PointRole } from '../roles/point/point.ts';
import type { PointFleet } from '../roles/point/point-fleet.ts';
import {
  distributeShares,
  forgetOlderShares,
  retireShares,
  ShareHolder,
  TicketWay,
} from '../roles/share-holder/index.ts';
import { SourceRole } from '../roles/source/source-role.ts';
import { Turns } from '../roles/source/turns.ts';
import type { DistributeShares } from '../roles/source/types.ts';
import { type AgentOptions, ownFolders } from './options.ts';

/** What an agent does for its fleet beside knowing it. Each part stands on its own; here they are given what they need. */
export interface Roles {
  readonly store: Store | undefined;
  readonly point: PointRole | undefined;
  readonly source: SourceRole;
  readonly trials: Trials;
  readonly shareHolder: ShareHolder;
  /** For each restore. `identity` is what the person says of this machine. */
  destination(identity: 'same' | undefined): DestinationOptions;
}

export async function makeRoles(options: AgentOptions, membership: Membership): Promise<Roles> {
  const { fleet, home, clock, random, log } = options;
  const { identity, hardware } = fleet;
  const store = await openStore(options);
  const point = store && (await startPoint(options, store, pointFleet(membership, fleet)));
  const holdsState = (state: StateId): boolean => point?.held().some((one) => one.state === state) ?? false;
  const shareHolder = new ShareHolder({ fleet: membership, home, clock, random, log, holdsState });
  const source = new SourceRole({
    fleet: membership,
    home,
    privateKey: identity.privateKey,
    ageIdentity: identity.ageIdentity,
    clock,
    random,
    log,
    exclude: ownFolders(options),
    links: linkFactsOf(),
    distributeShares: sharesOf(options, membership),
    keptShares: () => shareHolder.kept(),
    forgetOlderShares: async (id, state, signal) => {
      const association = membership.roster().associations.get(id);
      if (association) await forgetOlderShares({ fleet: membership, home, log, association, state }, signal);
    },
    retireShares: (association, signal) => retireShares({ fleet: membership, home, log, association }, signal),
    hardware: {
      digests: (association) => machineDigests(hardware, association),
      weakness: () => (machineStrength(hardware) === 'strong' ? undefined : describeStrength(hardware)),
    },
  });
  const { ageIdentity } = identity;
  const trials = new Trials({ fleet: membership, point, ageIdentity, clock, random, log });
  const ticket = new TicketWay({ fleet: membership, own: fleet, ageIdentity });
  const destination = (said: 'same' | undefined): DestinationOptions => ({
    fleet: membership,
    point,
    keys: { ageIdentity, ticket, identityOfCode: identityOfRecoveryCode },
    guardMachine: (association, state, emit) => {
      if (association.body.mode !== 'in-place') return;
      const commit = membership
        .events(association.id)
        .find(({ body }) => body.step === 'commit' && body.state === state);
      const sourceName = membership.roster().members.get(association.body.source)?.name ?? association.body.source;
      const digests = commit?.body.machine ?? null;
      const note = guardMachine({ digests, facts: hardware, association: association.id, sourceName, identity: said });
      if (note !== undefined) emit({ event: 'note', message: note });
    },
    termsOf: async ({ body }) => (body.sealed ? await openTerms(body.sealed, ageIdentity) : undefined),
    pauseTrials: () => trials.pause(),
    home,
    clock,
    random,
  });
  return { store, point, source, trials, shareHolder, destination };
}

async function openStore({ point }: AgentOptions): Promise<Store | undefined> {
  if (!point) return undefined;
  // Beside the buffers of its clients those of its own work: repairs and copies.
  const buffers = POINT_PACKS_IN_FLIGHT * (point.maxClients + 1);
  return await Store.open(resolve(point.dir), { create: true, buffers });
}

async function startPoint({ point, clock, random, log }: AgentOptions, store: Store, fleet: PointFleet) {
  if (!point) return undefined;
  const { timing } = point;
  try {
    return await PointRole.start({ store, limits: point, fleet, clock, random, log, ...(timing ? { timing } : {}) });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Shares of the keys of this machine's own moves in place. */
function sharesOf({ fleet, home, random, log }: AgentOptions, membership: Membership): DistributeShares {
  const turns = new Turns();
  const distribute: DistributeShares = async ({ association, stateId, stateKey, exclude }, signal) => {
    const found = membership.roster().associations.get(association)!;
    const roster = membership.roster();
    return await distributeShares(
      {
        fleet: membership,
        home,
        privateKey: fleet.identity.privateKey,
        random,
        log,
        association: found,
        state: stateId,
        stateKey,
        stateHolders: new Set(exclude),
        hasOtherWay: found.body.codeRecipient !== null || roster.fleet?.recoveryRecipient != null,
        isNear: (peer) => membership.isConnected(peer),
      },
      signal,
    );
  };
  // A capture and what keeps its word may deal at once.
  return (wish, signal) => turns.take(wish.association, signal, () => distribute(wish, signal));
}

function pointFleet(membership: Membership, { log }: Fleet): PointFleet {
  return {
    self: membership.self,
    roster: () => membership.roster(),
    append: (body) => membership.append(body),
    events: (id) => membership.events(id),
    envelopeOf: (id) => membership.envelopeOf(id),
    connectTo: (peer, signal) => membership.connectTo(peer, signal),
    association: (id) => log.association(id),
    insert: (records) => log.insert(records),
    associationIdOf: async (envelope) => associationIdOf(readRecord(envelope).hash),
  };
}
