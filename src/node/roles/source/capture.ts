import { rmSync } from 'node:fs';
import { hexOf } from '../../../common/bytes.ts';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import { type AssociationId, associationId, type PeerIdText } from '../../../common/ids.ts';
import type { Roster } from '../../../state/records/index.ts';
import type { Emit } from '../../events.ts';
import { ownMembership } from '../../membership/machines.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import { openScope, type Scope } from '../../scope/open-scope.ts';
import { Attempt, type Stored } from './attempt.ts';
import { bodyOf, type Chosen, chooseAssociation } from './choose-association.ts';
import { readersOf } from './key-holders.ts';
import { dropSourceState, type KnownPlace, newSourceState, openSourceState } from './source-state.ts';
import { scopeOf } from './terms.ts';
import { HoldersSilent } from './transfer/held-packs.ts';
import { PointLeft } from './transfer/point-left.ts';
import { Turns } from './turns.ts';
import type { CaptureRequest, SourceOptions } from './types.ts';
import { Voice } from './voice.ts';

/** Two captures of one state at once would give two snapshots the same number. */
const turns = new Turns();

export interface CaptureHooks {
  /** Called once it is known for which association the capture is; before that it is not in the records. */
  readonly onAssociation?: (id: AssociationId) => void;
  /** Called when its points have committed it, before another capture of the same state may begin. */
  readonly onStored?: (stored: Stored) => Promise<unknown>;
  /** It will be tried again by itself: what keeps it from going on now is no failure. */
  readonly goesOn?: (error: unknown) => boolean;
}

/**
 * Captures paths of this machine to the points of an association: plans, reserves, sends, commits, and goes on elsewhere
 * where a point refuses, goes away or stalls. Returns what is stored; whether it is safe to wipe is asked after that.
 */
export async function captureToPoints(
  options: SourceOptions,
  request: CaptureRequest,
  emit: Emit,
  signal: AbortSignal,
  hooks: CaptureHooks = {},
): Promise<Stored> {
  const { fleet } = options;
  ownMembership(fleet.roster(), fleet.self);
  const first = chooseAssociation(fleet.roster(), fleet.self, request);
  const key = first.destination?.peerId ?? first.existing?.id ?? fleet.self;
  if (turns.isTaken(key)) {
    emit({ event: 'note', message: 'another capture for that machine is under way; this one waits for its end' });
  }
  return await turns.take(key, signal, () => new CaptureRun(options, request, emit, signal, hooks).run());
}

/** One capture, in its turn: attempts at one place after another until one of them has it. */
class CaptureRun {
  readonly #options: SourceOptions;
  readonly #request: CaptureRequest;
  readonly #emit: Emit;
  readonly #signal: AbortSignal;
  readonly #hooks: CaptureHooks;
  readonly #voice: Voice;
  readonly #meter: ProgressMeter;
  /** Points that this capture has left, and why. */
  readonly #left = new Map<PeerIdText, string>();

  constructor(options: SourceOptions, request: CaptureRequest, emit: Emit, signal: AbortSignal, hooks: CaptureHooks) {
    this.#options = options;
    this.#request = request;
    this.#emit = emit;
    this.#signal = signal;
    this.#hooks = hooks;
    this.#voice = new Voice(options.fleet, options.log);
    this.#meter = new ProgressMeter(options.clock, emit);
  }

  async run(): Promise<Stored> {
    const { fleet } = this.#options;
    const chosen = chooseAssociation(fleet.roster(), fleet.self, this.#request);
    if (chosen.existing) this.#hooks.onAssociation?.(chosen.existing.id);
    const folder = this.#options.home.scratchFolder('areas-');
    let attempt: Attempt | undefined;
    try {
      attempt = this.#begin(chosen, await this.#scope(chosen, folder));
      if (chosen.existing) await this.#voice.activity(chosen.existing.id, 'scanning');
      const stored = await this.#attempts(attempt, chosen);
      await this.#hooks.onStored?.(stored);
      await this.#voice.activity(stored.association, 'idle');
      return stored;
    } catch (error) {
      await this.#ended(attempt, chosen, error);
      throw error;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** What is captured. Areas are looked at once for all attempts. */
  async #scope(chosen: Chosen, folder: string): Promise<Scope> {
    const { exclude, clock, home } = this.#options;
    const wanted = await scopeOf(this.#request, chosen.existing, this.#options);
    for (const item of wanted.skipped) this.#emit({ event: 'skipped', ...item });
    const nowMs = clock.now();
    const scope = await openScope(wanted, {
      ...{ exclude, folder, nowMs, ruleFolders: home.ruleFolders() },
      emit: this.#emit,
      signal: this.#signal,
    });
    return { ...scope, skipped: scope.skipped + wanted.skipped.length };
  }

  #begin(chosen: Chosen, scope: Scope): Attempt {
    const { fleet, home, random } = this.#options;
    const roster = fleet.roster();
    const terms = chosen.existing?.body ?? bodyOf(chosen, fleet.self, '');
    const readers = readersOf(roster, terms, chosen.destination);
    this.#checkShares(readers.ticket !== null, readers.holders.length > 0);
    if (chosen.mode === 'in-place') this.#tellWeakness();
    const { recipients } = readers;
    const state = chosen.existing
      ? openSourceState(home, chosen.existing.id, fleet.self, recipients, random)
      : newSourceState(fleet.self, recipients, random);
    return new Attempt({
      ...this.#options,
      chosen,
      scope,
      readers,
      state,
      left: this.#left,
      voice: this.#voice,
      meter: this.#meter,
      emit: this.#emit,
      signal: this.#signal,
      associate: () => this.#associate(chosen),
    });
  }

  /** First to places that have what was captured before; where that fails, all of it afresh, to one point after another. */
  async #attempts(attempt: Attempt, chosen: Chosen): Promise<Stored> {
    const { fleet } = this.#options;
    await fleet.refresh(this.#signal);
    for (const known of knownPlaces(fleet.roster(), chosen, attempt.state.places)) {
      const stored = await this.#try(attempt, known);
      if (stored) return stored;
    }
    for (;;) {
      const stored = await this.#try(attempt, undefined);
      if (stored) return stored;
    }
  }

  /** Undefined where it has to go on elsewhere. Throws `no-point` where there is nowhere left to try afresh. */
  async #try(attempt: Attempt, known: KnownPlace | undefined): Promise<Stored | undefined> {
    try {
      return await attempt.at(known);
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof PointLeft) {
        this.#left.set(error.peerId, error.lack);
        this.#note(`${error.message}; all that is needed is sealed afresh for another point`);
        return undefined;
      }
      const mayGoElsewhere =
        error instanceof HoldersSilent || (error instanceof ResettleError && error.code === 'no-point');
      if (!known || !mayGoElsewhere) throw error;
      this.#note(`${messageOf(error)}; everything is sealed afresh for another point`);
      return undefined;
    }
  }

  async #associate(chosen: Chosen): Promise<AssociationId> {
    const { fleet, random } = this.#options;
    const record = await fleet.append(bodyOf(chosen, fleet.self, hexOf(random(16))));
    const id = associationId(record.hash);
    this.#hooks.onAssociation?.(id);
    return id;
  }

  async #ended(attempt: Attempt | undefined, chosen: Chosen, error: unknown): Promise<void> {
    const id = attempt?.association ?? chosen.existing?.id;
    if (id === undefined) return;
    if (!chosen.existing && !attempt?.hasReserved) {
      // Nothing came of it: another try may have other options.
      dropSourceState(this.#options.home, id);
      await this.#options.fleet.append({ type: 'ending', association: id }).catch((cause: unknown) => {
        this.#options.log.warn({ err: cause, association: id }, 'an association of no use could not be ended');
      });
      return;
    }
    // Paths may stand in the message: all that the fleet learns is which kind of failure it was.
    if (this.#hooks.goesOn?.(error)) await this.#voice.activity(id, 'waiting', { notes: [reasonOf(error)] });
    else if (this.#signal.aborted) await this.#voice.activity(id, 'idle');
    else await this.#voice.activity(id, 'failed', { notes: [reasonOf(error)] });
  }

  #checkShares(hasTicket: boolean, hasOthers: boolean): void {
    if (!hasTicket || this.#options.distributeShares) return;
    if (hasOthers) {
      this.#note('shares of the key cannot be given out by this agent; the ticket opens nothing');
      return;
    }
    throw new ResettleError('not-built', 'this agent cannot give out shares of a key', {
      hint: 'use a recovery key or a recovery code',
    });
  }

  #tellWeakness(): void {
    const weakness = this.#options.hardware?.weakness();
    if (weakness !== undefined) this.#note(weakness);
  }

  #note(message: string): void {
    this.#emit({ event: 'note', message });
  }
}

/** Why a capture failed, in words that tell nothing of this machine's users and folders. */
export function reasonOf(error: unknown): string {
  const code = error instanceof ResettleError ? error.code : 'failed';
  const reasons: Partial<Record<typeof code, string>> = {
    'no-point': 'no point can take it',
    'not-found': 'something that was to be captured is not there',
    'nothing-left': 'nothing was left to capture',
    'no-space': 'a disk of the source is full',
    'not-built': 'it asks for what this version cannot do',
    usage: 'what was asked for does not go together',
    refused: 'it was refused',
    damaged: 'something that this machine keeps of it is damaged',
  };
  return reasons[code] ?? 'the capture failed; the log of the source says why';
}

/** Places that have what was captured before and that the association leaves: in its order, else the last one first. */
export function knownPlaces(
  roster: Roster,
  { points }: Pick<Chosen, 'points'>,
  places: readonly KnownPlace[],
): readonly KnownPlace[] {
  const isOf = (peerId: PeerIdText): boolean => {
    const member = roster.members.get(peerId);
    return member?.status === 'active' && member.point && (points.length === 0 || points.includes(peerId));
  };
  const usable = places
    .map((place) => ({ ...place, points: place.points.filter(isOf) }))
    .filter((place) => place.points.length > 0);
  if (points.length === 0) return usable;
  const rank = (place: KnownPlace): number => Math.min(...place.points.map((peerId) => points.indexOf(peerId)));
  return usable.sort((a, b) => rank(a) - rank(b));
}
