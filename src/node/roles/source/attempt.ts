import { hexOf } from '../../../common/bytes.ts';
import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import type { AssociationId, PeerIdText } from '../../../common/ids.ts';
import { LEASE_IDLE_MS } from '../../../common/limits.ts';
import { formatBytes } from '../../../common/sizes.ts';
import { PointClient } from '../../../protocols/point/point.ts';
import { type Capture, type CaptureResult, planCapture } from '../../../state/capture/index.ts';
import type { Emit } from '../../events.ts';
import { nameOf } from '../../membership/machines.ts';
import { candidatesOf, noPoint } from '../../placement/candidates.ts';
import { NO_LINK_FACTS } from '../../placement/link-facts.ts';
import { type Part, place } from '../../placement/place.ts';
import type { ProgressMeter } from '../../progress-meter.ts';
import type { Scope } from '../../scope/open-scope.ts';
import type { Chosen } from './choose-association.ts';
import type { Readers } from './key-holders.ts';
import { refuseEmpty } from './refuse-empty.ts';
import { type KnownPlace, type SourceState, withPlace, writeSourceState } from './source-state.ts';
import { commitSnapshot } from './transfer/committing.ts';
import { HeldPacks } from './transfer/held-packs.ts';
import { PointLeft } from './transfer/point-left.ts';
import { candidateOf, release, Ways } from './transfer/ways.ts';
import type { GivenShares, PointOfCapture, SourceOptions } from './types.ts';
import type { Voice } from './voice.ts';

/** A snapshot that its points have committed. */
export interface Stored {
  readonly association: AssociationId;
  readonly state: SourceState;
  readonly snapshot: number;
  readonly descriptor: Uint8Array;
  /** 64 hexadecimal digits. */
  readonly descriptorHash: string;
  readonly points: readonly PointOfCapture[];
  readonly result: CaptureResult;
  readonly sentBytes: number;
  readonly readers: Readers;
  readonly shares: GivenShares | undefined;
  /** Items, users, and what areas could not take. */
  readonly skipped: number;
}

export interface AttemptOptions extends SourceOptions {
  readonly chosen: Chosen;
  readonly scope: Scope;
  readonly readers: Readers;
  readonly state: SourceState;
  /** Points that are not asked any more, and why. */
  readonly left: ReadonlyMap<PeerIdText, string>;
  readonly voice: Voice;
  readonly meter: ProgressMeter;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** Signs the association, where there is none yet. */
  associate(): Promise<AssociationId>;
}

/** Attempts of one capture, each to one place; what they share is the state, its key, and what was sent so far. */
export class Attempt {
  readonly #options: AttemptOptions;
  #state: SourceState;
  #association: AssociationId | undefined;
  #hasReserved = false;
  #sentBytes = 0;
  #ways: Ways | undefined;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#association = options.chosen.existing?.id;
  }

  get state(): SourceState {
    return this.#state;
  }

  get association(): AssociationId | undefined {
    return this.#association;
  }

  /** Whether a point has ever reserved room for it. */
  get hasReserved(): boolean {
    return this.#hasReserved;
  }

  /**
   * Plans, reserves, sends and commits. At a known place what its points have of earlier captures is referred to; else
   * everything is sealed afresh. Throws PointLeft, HoldersSilent, `no-point`, where another place may do.
   */
  async at(known: KnownPlace | undefined): Promise<Stored> {
    const cache = known?.cache ?? hexOf(this.#options.random(8));
    const held = known && new HeldPacks(known, this.#state.stateId, (peerId, signal) => this.#client(peerId, signal));
    const capture = await this.#plan(cache, held);
    let parts: readonly Part[] = [];
    let isStored = false;
    try {
      refuseEmpty(capture.plan, capture.plan.skipped, this.#options.emit);
      parts = await this.#reserve(capture, known);
      this.#remember(cache, known, parts);
      const shares = await this.#giveShares(parts, known);
      const stored = await this.#transfer(capture, parts, held, shares);
      isStored = true;
      const forgotten = await capture.committed();
      if (forgotten) this.#note(`the next capture reads everything anew: ${forgotten.message}`);
      return stored;
    } catch (error) {
      // Nobody waits for a point that was left: it may not be there at all, or be back soon.
      const isLeft = error instanceof PointLeft;
      const released = isStored ? undefined : this.#release(parts, isLeft ? LEASE_IDLE_MS : 0);
      if (!isLeft) await released;
      throw error;
    } finally {
      await capture.close();
    }
  }

  async #plan(cache: string, held: HeldPacks | undefined): Promise<Capture> {
    const { scope, exclude, home, meter, signal } = this.#options;
    const { stateId, key } = this.#state;
    const capture = await planCapture(
      {
        paths: scope.paths.map((path) => Buffer.from(path)),
        tree: scope.tree,
        filter: scope.filter,
        exclude: exclude.map((path) => Buffer.from(path)),
        scratchDir: home.scratchDir(),
        stateId,
        stateKey: key,
        cacheFile: home.cacheFile(stateId, cache),
        missingPacks: async (packs) => (held ? await held.missing(packs, signal) : packs),
      },
      { onProgress: meter.onProgress, signal },
    );
    meter.finish();
    const { plan } = capture;
    for (const path of plan.excluded) this.#note(`left out, the agent's own: ${path}`);
    const unchanged = plan.files - plan.newFiles;
    const fresh = `, of which ${plan.newFiles} files, ${formatBytes(plan.newBytes)}, are new or changed`;
    this.#note(
      `${plan.files} files, ${formatBytes(plan.bytes)}${unchanged > 0 ? fresh : ''}; ` +
        `will be readable by ${this.#options.readers.shown.join(', ')}`,
    );
    return capture;
  }

  /** Room on one point, or on several together. */
  async #reserve(capture: Capture, known: KnownPlace | undefined): Promise<readonly Part[]> {
    const { fleet, chosen, left, links = NO_LINK_FACTS, signal, times } = this.#options;
    const bytes = capture.plan.upperBoundBytes;
    const isSpread = known !== undefined && known.points.length > 1;
    // A state that lies on several points may be spread further; one that lies on a single point stays there or moves whole.
    const named = known && !isSpread ? known.points : chosen.points;
    const { candidates, lacks } = candidatesOf({
      roster: fleet.roster(),
      self: fleet.self,
      named,
      without: new Map([...left, ...this.#shareHolders()]),
      events: (id) => fleet.events(id),
    });
    if (candidates.length === 0) throw noPoint(formatBytes(bytes), lacks);
    const parts = await place(
      candidates.map(({ member, leaving }) => candidateOf(fleet, member.peerId, member.name, leaving)),
      {
        bytes,
        order: isSpread && chosen.points.length === 0 ? known.points : named,
        seed: this.#state.stateId,
        spread: known === undefined || isSpread,
        links,
        lacks,
        reserve: async (client, share) => {
          const lease = await client.reserve(
            { association: await this.#envelope(), state: this.#state.stateId, bytes: share, copy: false },
            signal,
          );
          this.#hasReserved = true;
          return lease;
        },
        ...(times?.capacityWaitMs === undefined ? {} : { capacityWaitMs: times.capacityWaitMs }),
      },
      signal,
      (message) => this.#note(message),
    );
    const shown = parts.map((part) => `${part.candidate.name} has reserved ${formatBytes(part.bytes)}`).join(', ');
    this.#note(parts.length > 1 ? `no single point can take it; it is spread over ${parts.length}: ${shown}` : shown);
    return parts;
  }

  /** Members that have a share of this state's key: none of them may hold the state as well. */
  #shareHolders(): Map<PeerIdText, string> {
    const id = this.#association;
    const events = id === undefined ? [] : this.#options.fleet.events(id);
    const kept = events.filter(({ body }) => body.step === 'share' && body.state === this.#state.stateId);
    return new Map(kept.map(({ signer }) => [signer, 'has a share of the key of this state']));
  }

  /** The signed association. Before anything is reserved or sent the state's key is kept, so that it can be continued. */
  async #envelope(): Promise<Uint8Array> {
    const { fleet, home } = this.#options;
    if (this.#association === undefined) {
      this.#association = await this.#options.associate();
      failpoint('source.associated');
      writeSourceState(home, this.#association, this.#state);
    }
    const envelope = fleet.envelopeOf(this.#association);
    if (!envelope) {
      throw new ResettleError('failed', `association ${this.#association} is not in this machine's records`);
    }
    return envelope;
  }

  /** Before a byte is sent: these points may have some of it whatever happens. */
  #remember(cache: string, known: KnownPlace | undefined, parts: readonly Part[]): void {
    const { home } = this.#options;
    const earlier = this.#state.places.find((place) => place.cache === cache)?.points ?? known?.points ?? [];
    const points = [...new Set([...parts.map(({ candidate }) => candidate.peerId), ...earlier])];
    const { state, forgotten } = withPlace(this.#state, { cache, points });
    this.#state = state;
    writeSourceState(home, this.#association!, state);
    failpoint('source.place-noted');
    for (const place of forgotten) home.dropCache(state.stateId, place.cache);
  }

  async #giveShares(parts: readonly Part[], known: KnownPlace | undefined): Promise<GivenShares | undefined> {
    const { distributeShares, readers, signal } = this.#options;
    if (readers.ticket === null || !distributeShares) return undefined;
    const { stateId, key } = this.#state;
    const exclude = [...new Set([...parts.map(({ candidate }) => candidate.peerId), ...(known?.points ?? [])])];
    return await distributeShares({ association: this.#association!, stateId, stateKey: key, exclude }, signal);
  }

  async #transfer(
    capture: Capture,
    parts: readonly Part[],
    held: HeldPacks | undefined,
    shares: GivenShares | undefined,
  ): Promise<Stored> {
    const { meter, signal, emit, voice, home, readers } = this.#options;
    const association = this.#association!;
    const peers = parts.map(({ candidate }) => candidate.peerId);
    await voice.activity(association, 'sending', { bytes: capture.plan.newBytes, peers });
    const envelope = await this.#envelope();
    const note = (message: string): void => this.#note(message);
    const ways = new Ways(this.#options, parts, { state: this.#state.stateId, association: envelope, note });
    this.#ways = ways;
    let result: CaptureResult;
    try {
      result = await capture.run(ways.sink, { onProgress: meter.onProgress, signal });
      meter.finish();
      await ways.close();
    } catch (error) {
      ways.abort(error);
      throw error;
    } finally {
      this.#sentBytes += ways.sentBytes;
    }
    failpoint('source.sent');
    refuseEmpty(result.totals, result.skipped, emit);
    meter.onProgress({ phase: 'commit', bytes: 0, totalBytes: result.newBytes, files: 0, totalFiles: 0 });
    const onSigned = (signed: number): void => {
      this.#state = { ...this.#state, signed };
      writeSourceState(home, association, this.#state);
    };
    const subject = { state: this.#state, association, envelope, result, ways, held, readers, onSigned };
    const committed = await commitSnapshot(this.#options, subject, note, signal);
    const { snapshot, descriptorHash } = committed;
    this.#state = { ...this.#state, recipients: committed.readers.recipients, snapshot, descriptor: descriptorHash };
    failpoint('source.committed');
    writeSourceState(home, association, this.#state);
    failpoint('source.snapshot-noted');
    return {
      ...committed,
      association,
      state: this.#state,
      descriptorHash: hexOf(descriptorHash),
      result,
      sentBytes: this.#sentBytes,
      shares,
      skipped: result.skipped.count + this.#options.scope.skipped,
    };
  }

  async #client(peerId: PeerIdText, signal: AbortSignal): Promise<PointClient> {
    const { fleet } = this.#options;
    return new PointClient(await fleet.connectTo(peerId, signal), nameOf(fleet.roster(), peerId));
  }

  async #release(parts: readonly Part[], patienceMs: number): Promise<void> {
    if (parts.length === 0) return;
    const given = parts.map((part) => ({ part, way: this.#ways?.all.find((way) => way.part === part) }));
    for (const [point, cause] of await release(given, { patienceMs, stopping: this.#options.stopping })) {
      this.#options.log.warn({ err: cause, point }, 'could not give up the lease; it will expire');
    }
  }

  #note(message: string): void {
    this.#options.emit({ event: 'note', message });
  }
}
