import type { Clock } from '../../../../common/clock.ts';
import { messageOf } from '../../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../../common/ids.ts';
import type { Association } from '../../../../state/records/index.ts';
import type { Store } from '../../../../state/store/index.ts';
import type { Log } from '../../../log.ts';
import type { Doors } from '../door.ts';
import type { Held, HeldStates } from '../held-states.ts';
import type { PointLimits } from '../leases/capacity.ts';
import type { ConnectPoint } from '../other-points.ts';
import type { Parties } from '../parties.ts';
import type { PointFleet } from '../point-fleet.ts';
import type { Receipts } from '../receipts.ts';
import type { PointTiming } from '../timing.ts';
import { type Copies, type CopiesInput, copiesOf, isOutdated, newerWords, turnOf } from './copies.ts';
import { copySomewhere } from './copy-somewhere.ts';
import { type CopyOf, copyOf, onlyPacks } from './copy-state.ts';
import { type Coverage, coverageOf, whoHas } from './coverage.ts';
import type { Reachability } from './reachability.ts';

export interface ReplicationParts {
  readonly store: Store;
  readonly fleet: PointFleet;
  readonly limits: PointLimits;
  readonly held: HeldStates;
  readonly doors: Doors;
  readonly parties: Parties;
  readonly receipts: Receipts;
  readonly reachability: Reachability;
  readonly connect: ConnectPoint;
  readonly timing: Pick<PointTiming, 'settleMs' | 'backupDelayMs'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly onDamaged: (held: Held) => Promise<void>;
}

/** How many copies of a state there are, and should be. */
export interface CopyCount {
  readonly known: number;
  readonly wanted: number;
  /** Why one that is wanted has not been made; undefined: none was tried, or it was made. */
  readonly lack: string | undefined;
}

/** Makes copies of states until there are as many as their associations ask for, and makes lost ones again. */
export class Replication {
  readonly #parts: ReplicationParts;
  /** Since when a state has had too few copies, and had just these, by the monotonic clock. */
  readonly #short = new Map<StateId, { sinceMs: number; holders: string }>();
  readonly #lacks = new Map<StateId, string>();

  constructor(parts: ReplicationParts) {
    this.#parts = parts;
  }

  /** Other holders of the states that are here: those who shall be looked at now and then. */
  otherHolders(): Set<PeerIdText> {
    const { held, parties, fleet } = this.#parts;
    const others = new Set<PeerIdText>();
    for (const one of held.all()) {
      const association = parties.associationOf(one);
      if (!association || association.body.replicas < 2) continue;
      const input = this.#input(one, association, () => false);
      if (!input || !one.newest) continue;
      const newer = newerWords(input, one.newest.snapshot).map(({ signer }) => signer);
      for (const peer of [...copiesOf(input).whole, ...newer]) if (peer !== fleet.self) others.add(peer);
    }
    return others;
  }

  copies(one: Held): CopyCount | undefined {
    const association = this.#parts.parties.associationOf(one);
    const input = association && this.#input(one, association);
    if (!input) return undefined;
    return {
      known: copiesOf(input).whole.length,
      wanted: input.association.body.replicas,
      lack: this.#lacks.get(one.state),
    };
  }

  /** In how many milliseconds it is this point's turn to make a copy of a state; undefined: none is wanted. */
  dueInMs(one: Held): number | undefined {
    const { fleet, clock, timing } = this.#parts;
    const association = this.#parts.parties.associationOf(one);
    const input = association && this.#input(one, association);
    if (!input || !one.newest || isOutdated(input, one.newest.snapshot) || !this.#isShort(input)) {
      this.#short.delete(one.state);
      this.#lacks.delete(one.state);
      return undefined;
    }
    // Between a commit and its receipt a point does not count itself yet.
    if (!hasReceipt(input, fleet.self)) return undefined;
    const { whole, parts } = this.#counted(input);
    const holders = [...whole, ...parts].join();
    const now = clock.monotonicMs();
    const before = this.#short.get(one.state);
    const sinceMs = before?.holders === holders ? before.sinceMs : now;
    this.#short.set(one.state, { sinceMs, holders });
    // Of a spread state only the others' answers tell who has the same part: `makeCopy` asks.
    const turn = parts.length > 0 ? 0 : this.#turn(whole, one);
    return Math.max(0, sinceMs + timing.settleMs + turn * timing.backupDelayMs - now);
  }

  /** Makes one copy where one is still wanted. True when no more is to be done now. Throws when it could not. */
  async makeCopy(one: Held, signal: AbortSignal): Promise<boolean> {
    const { parties, reachability, fleet } = this.#parts;
    const association = parties.associationOf(one);
    const envelope = association && fleet.envelopeOf(association.id);
    const input = association && this.#input(one, association);
    if (!input || !envelope || !one.newest) return true;
    // Whoever seems lost is asked once more: it may have been this machine that was away.
    for (const { signer } of input.events) {
      if (signer !== fleet.self && reachability.isLost(signer)) await reachability.ask(signer, signal);
    }
    const all = await copyOf(this.#parts, one, envelope);
    if (!all || isOutdated(input, one.newest.snapshot) || !this.#isShort(input)) return true;
    const { short, holders } = await this.#coverage(input, all, signal);
    if (short.length === 0) return true;
    const turn = this.#turn(holders, one);
    // Only now is it known who else has the same part of a spread state.
    if (this.#sinceShortMs(one) < turn * this.#parts.timing.backupDelayMs) return true;
    try {
      await copySomewhere(this.#parts, input, onlyPacks(all, short), {
        holders: [...holders, fleet.self],
        isBackup: turn > 0,
        isStillShort: () => this.#isShort(this.#input(one, association)!),
        signal,
      });
      this.#lacks.delete(one.state);
      return false;
    } catch (error) {
      signal.throwIfAborted();
      this.#lacks.set(one.state, messageOf(error).slice(0, 300));
      throw error;
    }
  }

  /** Zero: the first of these to act. A point that drains does not wait for others, nor they for it. */
  #turn(holders: readonly PeerIdText[], one: Held): number {
    const { fleet, limits } = this.#parts;
    return limits.drain ? 0 : turnOf(fleet.self, holders, one.state);
  }

  #sinceShortMs(one: Held): number {
    const now = this.#parts.clock.monotonicMs();
    return now - (this.#short.get(one.state)?.sinceMs ?? now);
  }

  #isShort(input: CopiesInput): boolean {
    return !copiesOf(input).isOver && this.#counted(input).whole.length < input.association.body.replicas;
  }

  /** A point that drains does not count itself: it is to go. */
  #counted(input: CopiesInput): Copies {
    const { fleet, limits } = this.#parts;
    const copies = copiesOf(input);
    const counts = (peer: PeerIdText): boolean => !limits.drain || peer !== fleet.self;
    return { ...copies, whole: copies.whole.filter(counts), parts: copies.parts.filter(counts) };
  }

  /** Which packs lie on too few machines. Where no other has just a part, nobody needs to be asked. */
  async #coverage(input: CopiesInput, copy: CopyOf, signal: AbortSignal): Promise<Coverage> {
    const { fleet, connect } = this.#parts;
    const ids = copy.packs.map(({ id }) => id);
    const has = await whoHas(this.#counted(input), copy.packs, fleet.self, async (peer) =>
      (await connect(peer, signal)).missing(input.state, ids, signal),
    );
    return coverageOf(input.roster, copy.packs, has, input.association.body.replicas);
  }

  #input(one: Held, association: Association, isLost?: CopiesInput['isLost']): CopiesInput | undefined {
    const { fleet, reachability } = this.#parts;
    if (!one.newest) return undefined;
    return {
      roster: fleet.roster(),
      association,
      state: one.state,
      descriptorHash: one.newest.descriptorHash,
      events: fleet.events(association.id),
      isLost: isLost ?? ((peer) => peer !== fleet.self && reachability.isLost(peer)),
    };
  }
}

function hasReceipt({ events, state, descriptorHash }: CopiesInput, self: PeerIdText): boolean {
  return events.some(
    ({ signer, body }) =>
      signer === self && body.phase === 'held' && body.state === state && body.descriptorHash === descriptorHash,
  );
}
