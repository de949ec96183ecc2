import type { Clock } from '../../../common/clock.ts';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../common/ids.ts';
import type { Association } from '../../../state/records/index.ts';
import type { Store } from '../../../state/store/index.ts';
import type { Log } from '../../log.ts';
import type { PointLimits } from './capacity.ts';
import { type CopiesInput, candidatesFor, copiesOf, onDistinctMachines, turnOf } from './copies.ts';
import { type AskedForCopy, bytesToSend, type CopyOf, copyOf, lackForCopy, sendCopy } from './copy-state.ts';
import type { Doors } from './door.ts';
import type { Held, HeldStates } from './held-states.ts';
import type { ConnectPoint } from './other-points.ts';
import type { Parties } from './parties.ts';
import type { PointFleet } from './point-fleet.ts';
import type { Reachability } from './reachability.ts';
import type { Receipts } from './receipts.ts';
import type { PointTiming } from './timing.ts';

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
  readonly timing: Pick<PointTiming, 'backupDelayMs' | 'partDelayMs'>;
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

/** Points asked for room at once. */
const ASK_AT_ONCE = 8;

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
      for (const peer of input ? copiesOf(input).whole : []) if (peer !== fleet.self) others.add(peer);
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

  /** Whether it is this point's turn to make a copy of a state now. */
  isDue(one: Held): boolean {
    const { fleet, clock, timing, limits } = this.#parts;
    const association = this.#parts.parties.associationOf(one);
    const input = association && this.#input(one, association);
    const holders = input ? this.#holders(input) : [];
    if (!input || !isShort(input, holders)) {
      this.#short.delete(one.state);
      this.#lacks.delete(one.state);
      return false;
    }
    // Between a commit and its receipt a point does not count itself yet.
    if (!hasReceipt(input, fleet.self)) return false;
    const now = clock.monotonicMs();
    const before = this.#short.get(one.state);
    const { parts } = copiesOf(input);
    const known = [...holders, ...parts].join();
    const sinceMs = before?.holders === known ? before.sinceMs : now;
    this.#short.set(one.state, { sinceMs, holders: known });
    if (limits.drain) return true;
    // Of a spread state only the others' answers tell who has the same part, and `makeCopy` asks: so it comes soon to each.
    if (one.newest?.spread) {
      return now - sinceMs >= turnOf(fleet.self, [...holders, ...parts], one.state) * timing.partDelayMs;
    }
    return now - sinceMs >= this.#turn(input, one) * timing.backupDelayMs;
  }

  #turn(input: CopiesInput, one: Held): number {
    const { fleet, limits } = this.#parts;
    return limits.drain || one.newest?.spread ? 0 : turnOf(fleet.self, this.#holders(input), one.state);
  }

  /** Makes one copy where one is still wanted. True when no more is to be done now. Throws when it could not. */
  async makeCopy(one: Held, signal: AbortSignal): Promise<boolean> {
    const { parties, reachability, fleet } = this.#parts;
    const association = parties.associationOf(one);
    const envelope = association && fleet.envelopeOf(association.id);
    const input = association && this.#input(one, association);
    if (!input || !envelope) return true;
    // Whoever seems lost is asked once more: it may have been this machine that was away.
    for (const { signer } of input.events) {
      if (signer !== fleet.self && reachability.isLost(signer)) await reachability.ask(signer, signal);
    }
    const copy = await copyOf(this.#parts, one, envelope);
    if (!copy) return true;
    const holders = copy.bits.length === 0 ? this.#holders(input) : await this.#holdersOfPart(input, copy, signal);
    if (!isShort(input, holders)) return true;
    try {
      await this.#copyToSomebody(input, copy, holders, signal);
      this.#lacks.delete(one.state);
      return false;
    } catch (error) {
      signal.throwIfAborted();
      this.#lacks.set(one.state, messageOf(error).slice(0, 300));
      throw error;
    }
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

  /** Holders of the whole snapshot. A point that drains does not count itself: it is to go. */
  #holders(input: CopiesInput): readonly PeerIdText[] {
    const { fleet, limits } = this.#parts;
    const { whole } = copiesOf(input);
    return limits.drain ? whole.filter((peer) => peer !== fleet.self) : whole;
  }

  /** Of a spread state: those that have all of this point's part. */
  async #holdersOfPart(input: CopiesInput, copy: CopyOf, signal: AbortSignal): Promise<PeerIdText[]> {
    const { fleet, connect, limits } = this.#parts;
    const { whole, parts } = copiesOf(input);
    const ids = copy.packs.map(({ id }) => id);
    const having: PeerIdText[] = [...whole];
    for (const peer of parts) {
      if (peer === fleet.self) {
        if (!limits.drain) having.push(peer);
        continue;
      }
      const missing = await connect(peer, signal).then((other) => other.missing(input.state, ids, signal));
      if (missing.length === 0) having.push(peer);
    }
    return onDistinctMachines(input.roster, having);
  }

  async #copyToSomebody(
    input: CopiesInput,
    copy: CopyOf,
    holders: readonly PeerIdText[],
    signal: AbortSignal,
  ): Promise<void> {
    const { fleet, doors, receipts, log } = this.#parts;
    const { state } = input;
    const { asked, lacks } = await this.#ask(input, copy, [...holders, fleet.self], signal);
    for (const { peer, other } of asked) {
      // One that failed may have taken long: there may be enough by now.
      if (lacks.length > 0 && !this.#isStillShort(copy)) return;
      const pass = doors.enter(state, 'get', fleet.self, true);
      const within = AbortSignal.any([signal, pass.signal]);
      try {
        log.info({ state, peer, packs: copy.packs.length }, 'making a copy');
        await sendCopy(this.#parts, copy, other, () => pass.progress(), within);
        await receipts.tell(copy.one, peer);
        log.info({ state, peer }, 'a copy was made');
        return;
      } catch (error) {
        within.throwIfAborted();
        // A backup that is refused has most likely met the one whose turn it is.
        if (error instanceof ResettleError && error.code === 'refused' && this.#turn(input, copy.one) > 0) throw error;
        lacks.push(`${nameIn(input, peer)}: ${messageOf(error)}`);
      } finally {
        pass.close();
      }
    }
    throw new Error(lacks.length > 0 ? lacks.join('; ') : 'no other machine offers a point for it');
  }

  #isStillShort({ one, bits }: CopyOf): boolean {
    const association = this.#parts.parties.associationOf(one);
    const input = association && this.#input(one, association);
    return input !== undefined && (bits.length > 0 || isShort(input, this.#holders(input)));
  }

  /** Those with room: in the order of the association, else who has most of it already, else who has most room. */
  async #ask(
    input: CopiesInput,
    copy: CopyOf,
    holders: readonly PeerIdText[],
    signal: AbortSignal,
  ): Promise<{ asked: AskedForCopy[]; lacks: string[] }> {
    const lacks: string[] = [];
    const asked: AskedForCopy[] = [];
    const ids = copy.packs.map(({ id }) => id);
    const candidates = candidatesFor(input, holders);
    const askNext = async (): Promise<void> => {
      for (let peer = candidates.shift(); peer; peer = candidates.shift()) {
        try {
          const other = await this.#parts.connect(peer, signal);
          const capacity = await other.capacity(signal);
          const bytes = bytesToSend(copy, new Set(await other.missing(input.state, ids, signal)));
          const lack = lackForCopy(capacity, bytes);
          if (lack) throw lack;
          asked.push({ peer, other, bytes, freeBytes: capacity.freeBytes });
        } catch (error) {
          signal.throwIfAborted();
          lacks.push(`${nameIn(input, peer)}: ${messageOf(error)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: ASK_AT_ONCE }, askNext));
    const { points } = input.association.body;
    asked.sort((a, b) =>
      points.length > 0
        ? points.indexOf(a.peer) - points.indexOf(b.peer)
        : a.bytes - b.bytes || b.freeBytes - a.freeBytes,
    );
    return { asked, lacks };
  }
}

function hasReceipt({ events, state, descriptorHash }: CopiesInput, self: PeerIdText): boolean {
  return events.some(
    ({ signer, body }) =>
      signer === self && body.phase === 'held' && body.state === state && body.descriptorHash === descriptorHash,
  );
}

function isShort(input: CopiesInput, holders: readonly PeerIdText[]): boolean {
  return !copiesOf(input).isOver && holders.length < input.association.body.replicas;
}

function nameIn({ roster }: CopiesInput, peer: PeerIdText): string {
  return roster.members.get(peer)?.name ?? peer;
}
