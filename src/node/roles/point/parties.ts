import { ResettleError } from '../../../common/errors.ts';
import { associationId, type PeerIdText, type StateId } from '../../../common/ids.ts';
import type { Association, EventBody } from '../../../state/records/index.ts';
import type { Held, HeldStates } from './held-states.ts';
import type { PointFleet } from './point-fleet.ts';

/** What a peer has to do with a state. A `holder` has a copy of it, or a part; a `claimant` only says so. */
export type Part = 'source' | 'destination' | 'holder' | 'claimant';

/** Who may do what with the states of a point: from signed records only. */
export class Parties {
  readonly #fleet: PointFleet;
  readonly #held: HeldStates;

  constructor(fleet: PointFleet, held: HeldStates) {
    this.#fleet = fleet;
    this.#held = held;
  }

  associationOf({ info }: Held): Association | undefined {
    return info && this.#fleet.association(associationId(info.association));
  }

  /** The state and its association, if the peer has one of these parts in it. Throws `not-found` or `refused`. */
  party(state: StateId, peer: string, parts: readonly Part[]): { held: Held; association: Association } {
    const held = this.#held.get(state);
    if (!held) throw new ResettleError('not-found', `state ${state} is not here`);
    const association = this.associationOf(held);
    if (!association || !parts.some((part) => this.#isPart(association, state, peer, part))) throw notYours(state);
    return { held, association };
  }

  /** Whether a member says of itself that it holds the state. Anybody can say so: it is enough to bring a copy. */
  saysItHolds(association: Association, state: StateId, peer: string): boolean {
    return this.#holderEvents(association, state).some(
      ({ signer, body }) => signer === peer && body.phase !== 'deleted',
    );
  }

  /** Whether a member holds a share of the state's key. */
  hasShare(association: Association, state: StateId, peer: string): boolean {
    return this.#fleet
      .events(association.id)
      .some(({ signer, body }) => body.step === 'share' && body.state === state && signer === peer);
  }

  #isPart(association: Association, state: StateId, peer: string, part: Part): boolean {
    if (part === 'source') return association.body.source === peer;
    if (part === 'destination') return association.destination === peer;
    return part === 'holder' ? this.#isVouched(association, state, peer) : this.saysItHolds(association, state, peer);
  }

  /**
   * Packs go to a holder only if the source named it when it committed, or a holder named it that was itself so named:
   * else any member could have every state by saying that it holds it.
   */
  #isVouched(association: Association, state: StateId, peer: string): boolean {
    if (!this.saysItHolds(association, state, peer)) return false;
    const commit = this.#fleet
      .events(association.id)
      .find(({ signer, body }) => signer === association.body.source && body.step === 'commit' && body.state === state);
    const named = new Set<PeerIdText>(commit?.body.peers ?? []);
    const holders = this.#holderEvents(association, state);
    for (let grown = true; grown; ) {
      grown = false;
      for (const { signer, body } of holders) {
        if (!named.has(signer)) continue;
        for (const copy of body.peers) {
          if (!named.has(copy)) grown = true;
          named.add(copy);
        }
      }
    }
    return named.has(peer as PeerIdText);
  }

  #holderEvents(association: Association, state: StateId): { signer: PeerIdText; body: EventBody }[] {
    return this.#fleet
      .events(association.id)
      .filter(({ body }) => body.step === 'holder' && body.state === state)
      .map(({ signer, body }) => ({ signer, body }));
  }
}

function notYours(state: StateId): ResettleError {
  return new ResettleError('refused', `state ${state} is for another machine`, {
    hint: 'only the destination that its association names can have it',
  });
}
