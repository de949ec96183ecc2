/** The log of signed records of one machine: its own, and those of its fleet. */
import type { PrivateKey } from '@libp2p/interface';
import { hexOf } from '../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import type { AssociationId, FleetId, PeerIdText } from '../../common/ids.ts';
import { CREDENTIAL_RECORDS_MAX, RECORD_FUTURE_MAX_MS } from '../../common/limits.ts';
import { credentialOf } from './credential.ts';
import { EventCache } from './event-cache.ts';
import type { Summary } from './fingerprints.ts';
import { Holdings } from './holdings.ts';
import { asOurs, Journal } from './journal.ts';
import { peerIdOf } from './keys.ts';
import { Keeper, type Kept, type KeptOf } from './known.ts';
import { readRecord, recallRecord, signRecord, verifyUnlessKnown } from './record.ts';
import { RecordSet } from './record-set.ts';
import { rosterOf } from './roster.ts';
import type { Association, EventBody, RecordBody, RecordHash, Roster, SignedEvent, StoredRecord } from './types.ts';

/** Verifying or reading this many takes about 10 ms; then others get their turn. */
const RECORDS_BEFORE_YIELD = 16;
/** Taken in one go: some 10 ms, and as much again to see who is a member by now. */
const RECORDS_TAKEN_AT_ONCE = 64;

/** Records in one place that go together: two prove a fork. */
const TWINS_MAX = 3;

export interface RecordLogOptions {
  /** A file in the agent's own 0700 folder, or `:memory:`. */
  readonly path: string;
  readonly privateKey: PrivateKey;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/**
 * `never`: it is not a record that anybody may take, or one dated years ahead. `later`: it has no place here now, and may have one when more is
 * known. `old`: a newer one about the same is here.
 */
export type RefusalKind = 'never' | 'later' | 'old';

export interface RefusedRecord {
  /** Which of the envelopes that were given. */
  readonly index: number;
  readonly reason: string;
  readonly kind: RefusalKind;
}

export interface InsertResult {
  /** Records that are stored now and were not before. */
  readonly added: number;
  /** Of those that are stored now, whether they were before or not. */
  readonly stored: readonly string[];
  readonly refused: readonly RefusedRecord[];
}

/**
 * A body, or what makes it at its turn, when nothing else can change the log any more. A maker may find that a record is
 * there already and give that back.
 */
export type BodyOrMaker = RecordBody | (() => RecordBody | StoredRecord);

/** Told of records that are stored now and were not before, and who brought them; undefined: this machine signed them. */
type AddedListener = (records: readonly RecordHash[], from: string | undefined) => void;

interface Candidate {
  readonly index: number;
  readonly record: StoredRecord;
}

interface Taken {
  readonly record: StoredRecord;
  readonly kept: Kept;
}

export class RecordLog {
  readonly self: PeerIdText;
  readonly #key: PrivateKey;
  readonly #clock: Clock;
  readonly #epoch: string;
  readonly #journal: Journal;
  readonly #sequences = new Map<PeerIdText, number>();
  readonly #times = new Map<PeerIdText, number>();
  /** In the file, and as if they were not. */
  readonly #left = new Set<RecordHash>();
  readonly #listeners = new Set<() => void>();
  readonly #addedListeners = new Set<AddedListener>();
  readonly #events = new EventCache((hash) => this.#readEvent(hash));
  #keeper: Keeper;
  #holdings: Holdings;
  #fleetId: FleetId | undefined;
  #nextNumber = 1;
  #roster: { readonly version: number; readonly roster: Roster } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Takes the file's lock and reads it. Throws `agent-already-running` where another process has it, `damaged` where it
   * is not whole, `no-space` or `failed` where its disk does not let it be opened or read.
   */
  static async open(options: RecordLogOptions): Promise<RecordLog> {
    const journal = new Journal(options.path);
    try {
      const log = new RecordLog(options, journal);
      for (const _ of log.#load()) await new Promise(setImmediate);
      if (log.#leaveWhatIsAhead()) for (const _ of log.#load()) await new Promise(setImmediate);
      return log;
    } catch (error) {
      journal.close();
      throw asOurs(error, options.path);
    }
  }

  private constructor({ privateKey, clock, random }: RecordLogOptions, journal: Journal) {
    this.self = peerIdOf(privateKey.publicKey);
    this.#key = privateKey;
    this.#clock = clock;
    this.#epoch = hexOf(random(8));
    this.#journal = journal;
    this.#fleetId = journal.fleetId();
    const none = new RecordSet();
    this.#keeper = this.#keeperFor(none);
    this.#holdings = new Holdings(none, this.#fleetId);
  }

  #keeperFor(set: RecordSet): Keeper {
    return new Keeper(set, (hash) => this.#read(hash).body);
  }

  /** Reads the journal, with pauses. */
  *#load(): Generator<void> {
    const set = new RecordSet();
    this.#keeper = this.#keeperFor(set);
    this.#nextNumber = 1;
    for (;;) {
      const some = this.#journal.after(this.#nextNumber - 1, RECORDS_BEFORE_YIELD);
      if (some.length === 0) break;
      for (const { number, hash, envelope } of some) {
        this.#nextNumber = number + 1;
        if (this.#left.has(hash)) continue;
        const record = this.#keeper.keep(recallRecord(hash, envelope), number);
        set.add(record);
        this.#noteTime(record);
      }
      yield;
    }
    this.#holdings = new Holdings(set, this.#fleetId);
    this.#roster = undefined;
  }

  /**
   * Records that this machine signed while its clock was years ahead of everything: nobody else takes them, and all that it
   * signs later would be dated like them. They stay in the file, and count for nothing. Returns whether there are any.
   */
  #leaveWhatIsAhead(): boolean {
    const { set, judgement } = this.#holdings;
    const kept = [...set.byHash.values()];
    let latest = Math.max(this.#clock.now(), judgement.membership.authorityTime);
    for (const { header } of kept) if (header.signer !== this.self) latest = Math.max(latest, header.time);
    for (const { hash, header } of kept) {
      if (header.signer === this.self && header.time > latest + RECORD_FUTURE_MAX_MS) this.#left.add(hash);
    }
    if (this.#left.size > 0) this.#times.clear();
    return this.#left.size > 0;
  }

  #noteTime({ header: { signer, time } }: Kept): void {
    this.#times.set(signer, Math.max(time, this.#times.get(signer) ?? 0));
  }

  /** The fleet that this log belongs to, once it does. */
  get fleetId(): FleetId | undefined {
    return this.#fleetId;
  }

  /** Says for good to which fleet this log belongs; records of others are refused. Throws `refused` for a second fleet. */
  joinFleet(fleetId: FleetId): void {
    if (this.#fleetId === fleetId) return;
    this.#mustBeFree();
    this.#journal.setFleetId(fleetId);
    this.#belongTo(fleetId);
  }

  /**
   * Begins a fleet with these records: they and its id become durable together, so that a machine is never in half a
   * fleet. Without a key this machine signs. Throws `refused` for a second fleet.
   */
  beginFleet(fleetId: FleetId, records: readonly { key?: PrivateKey; body: RecordBody }[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#mustBeFree();
      this.#belongTo(fleetId);
      const taken: Taken[] = [];
      try {
        for (const { key = this.#key, body } of records) {
          const record = await this.#sign(key, body);
          taken.push({ record, kept: this.#take(record) });
        }
        this.#store(taken, undefined, fleetId);
      } catch (error) {
        this.#fleetId = undefined;
        for (const _ of this.#load());
        throw error;
      }
    });
  }

  #mustBeFree(): void {
    if (this.#fleetId !== undefined) {
      throw new ResettleError('refused', `this machine belongs to the fleet ${this.#fleetId.slice(0, 8)} already`, {
        hint: 'a machine has one fleet; use another --home for another one',
      });
    }
  }

  #belongTo(fleetId: FleetId): void {
    this.#fleetId = fleetId;
    this.#holdings = new Holdings(this.#holdings.set, fleetId);
    this.#roster = undefined;
  }

  /** What the stored records say now: a snapshot, the same object as long as nothing in it has changed. */
  roster(): Roster {
    const { version, judgement } = this.#holdings;
    if (this.#roster?.version !== version) this.#roster = { version, roster: rosterOf(judgement, this.#fleetId) };
    return this.#roster.roster;
  }

  association(id: AssociationId): Association | undefined {
    return this.#holdings.judgement.migrations.get(id);
  }

  /** What the parties of an association said of its migration, the newest of each subject. */
  events(id: AssociationId): readonly SignedEvent[] {
    const { set, judgement } = this.#holdings;
    const dossier = set.dossiers.get(id);
    if (!dossier) return [];
    return judgement.migrations.countingEvents(dossier).map(({ hash }) => this.#events.get(hash));
  }

  #readEvent(hash: RecordHash): SignedEvent {
    const { header, body } = this.#read(hash);
    return { signer: this.#keeper.text(header.signer), time: header.time, body: body as EventBody };
  }

  /** Signs with this machine's key, stores durably, tells the listeners. Throws `not-a-member`, `refused`. */
  append(body: BodyOrMaker): Promise<StoredRecord> {
    return this.appendSignedBy(this.#key, body);
  }

  /** As `append`, with another key: the authority's, while its file is at hand. */
  appendSignedBy(privateKey: PrivateKey, body: BodyOrMaker): Promise<StoredRecord> {
    return this.#inTurn(async () => {
      const made = typeof body === 'function' ? body() : body;
      if ('hash' in made) return made;
      const record = await this.#sign(privateKey, made);
      const reason = this.#holdings.whyNot(record);
      if (reason) {
        throw new ResettleError(
          'not-a-member',
          `this machine may not sign this ${record.body.type} record: ${reason}`,
          {
            hint: 'see "resettle fleet members" for what it may do',
          },
        );
      }
      this.#store([{ record, kept: this.#take(record) }], undefined);
      return record;
    });
  }

  /** Signs a record of this machine without storing it: the member record that goes into a join request. */
  seal(body: RecordBody): Promise<StoredRecord> {
    return this.#inTurn(() => this.#sign(this.#key, body));
  }

  /**
   * Verifies and stores what has a place; records of one call may depend on each other in any order. What is refused for
   * `later` can be offered again. Never throws for what others sent. `from`: who brought them.
   */
  async insert(envelopes: readonly Uint8Array[], from?: string): Promise<InsertResult> {
    const refused: RefusedRecord[] = [];
    const candidates: Candidate[] = [];
    const known: RecordHash[] = [];
    const isKnown = (hash: RecordHash): boolean => this.has(hash) && known.push(hash) > 0;
    for (const [index, envelope] of envelopes.entries()) {
      if (index % RECORDS_BEFORE_YIELD === RECORDS_BEFORE_YIELD - 1) await new Promise(setImmediate);
      try {
        const record = await verifyUnlessKnown(envelope, isKnown);
        if (record) candidates.push({ index, record });
      } catch (error) {
        if (!(error instanceof ResettleError)) throw error;
        refused.push({ index, reason: messageOf(error), kind: 'never' });
      }
    }
    if (candidates.length === 0) return { added: 0, stored: known, refused };
    return await this.#inTurn(async () => {
      const placed = await this.#takePlaced(candidates, from);
      const stored = candidates.map(({ record }) => record.hash).filter((hash) => this.has(hash));
      return { added: placed.added, stored: [...known, ...stored], refused: [...refused, ...placed.refused] };
    });
  }

  /** Repeated, because each record taken may give the next its place. Others get their turn in between. */
  async #takePlaced(candidates: readonly Candidate[], from: string | undefined): Promise<Omit<InsertResult, 'stored'>> {
    const refused: RefusedRecord[] = [];
    let queue = candidates;
    let left: (Candidate & { reason: string })[] = [];
    let isMoving = false;
    let added = 0;
    while (queue.length > 0) {
      const taken: (Candidate & Taken)[] = [];
      for (const candidate of queue.slice(0, RECORDS_TAKEN_AT_ONCE)) {
        if (this.has(candidate.record.hash)) continue;
        const early = this.#whyTooEarly(candidate.record);
        const reason = early ?? this.#holdings.whyNot(candidate.record);
        // What is dated years ahead does not wait for anything that others could still bring.
        if (early) refused.push({ index: candidate.index, reason: early, kind: 'never' });
        else if (reason) left.push({ ...candidate, reason });
        else taken.push({ ...candidate, kept: this.#take(candidate.record) });
      }
      const dropped = this.#store(taken, from);
      const old = taken.filter(({ kept }) => dropped.has(kept));
      added += taken.length - old.length;
      for (const { index } of old)
        refused.push({ index, reason: 'a newer record about the same is here', kind: 'old' });
      isMoving ||= taken.length > 0;
      queue = queue.slice(RECORDS_TAKEN_AT_ONCE);
      if (queue.length === 0 && isMoving) {
        [queue, left, isMoving] = [left, [], false];
      }
      await new Promise(setImmediate);
    }
    refused.push(...left.map(({ index, reason }) => ({ index, reason, kind: 'later' as const })));
    return { added, refused };
  }

  /**
   * Who dates his records far ahead would have the last word for ever. The clocks of honest machines may be a year wrong,
   * so this looks only for what no such clock explains; the authority is believed.
   */
  #whyTooEarly({ header: { signer, time } }: StoredRecord): string | undefined {
    const { authority, authorityTime } = this.#holdings.judgement.membership;
    if (signer === authority || authority === undefined) return undefined;
    const latest = Math.max(this.#clock.now(), authorityTime) + RECORD_FUTURE_MAX_MS;
    return time > latest ? `it is dated ${new Date(time).toISOString().slice(0, 10)}, years ahead` : undefined;
  }

  #take(record: StoredRecord): Kept {
    const kept = this.#keeper.keep(record, this.#nextNumber);
    this.#nextNumber += 1;
    this.#noteTime(kept);
    this.#holdings.take(kept);
    return kept;
  }

  /** Makes durable what was taken, less what newer ones replaced. Returns what is no more here. */
  #store(taken: readonly Taken[], from: string | undefined, begun?: FleetId): ReadonlySet<Kept> {
    if (taken.length === 0) return new Set();
    const dropped = new Set(this.#holdings.settle(taken.map(({ kept }) => kept)));
    const fresh = new Set(taken.map(({ kept }) => kept));
    const stored = taken.filter(({ kept }) => !dropped.has(kept));
    try {
      this.#journal.change(
        stored.map(({ record: { hash, envelope }, kept: { number } }) => ({ number, hash, envelope })),
        [...dropped].filter((kept) => !fresh.has(kept)).map(({ hash }) => hash),
        begun,
      );
    } catch (error) {
      this.#fleetId = this.#journal.fleetId();
      // Memory must not say more than the disk holds; this once, without pauses.
      for (const _ of this.#load());
      throw error;
    }
    if (stored.length === 0) return dropped;
    for (const listener of this.#listeners) listener();
    const hashes = stored.map(({ record }) => record.hash);
    for (const listener of this.#addedListeners) listener(hashes, from);
    return dropped;
  }

  async #sign(key: PrivateKey, body: RecordBody): Promise<StoredRecord> {
    if (this.#fleetId === undefined) {
      throw new ResettleError('not-a-member', 'this machine belongs to no fleet yet', {
        hint: 'use "resettle fleet init" or "resettle fleet join"',
      });
    }
    const signer = peerIdOf(key.publicKey);
    const sequence = (this.#sequences.get(signer) ?? 0) + 1;
    // A clock that was set back must not make a newer record look older.
    const time = Math.max(this.#clock.now(), this.#times.get(signer) ?? 0);
    const previous = this.#holdings.set.lastLasting(signer);
    const header = { fleetId: this.#fleetId, signer, epoch: this.#epoch, sequence, previous, time };
    const record = readRecord(await signRecord(key, header, body));
    this.#sequences.set(signer, sequence);
    return record;
  }

  // --- what others need to have the same records ---

  /** Of the records that may be passed on and whose hash begins with this prefix, in hex. */
  summary(prefix: string): Summary {
    return this.#holdings.fingerprints.summary(prefix);
  }

  /** The same records by hash; another log can take them in the order of their numbers. */
  entries(prefix: string): readonly { readonly hash: RecordHash; readonly number: number }[] {
    return this.#holdings.fingerprints.entries(prefix);
  }

  has(hash: string): boolean {
    return this.#holdings.set.byHash.get(hash as RecordHash) !== undefined;
  }

  /** True if a record whose hash begins so is stored, whether it may be passed on or not. */
  hasStart(start: string): boolean {
    return this.#holdings.fingerprints.find(start) !== undefined;
  }

  /**
   * Envelopes of records that may be passed on, by the beginnings of their hashes, as many as fit; `served` says how many
   * of the beginnings that were. With one half of a fork goes the other: apart, neither might be kept.
   */
  envelopes(
    starts: readonly string[],
    max: { readonly records: number; readonly bytes: number },
  ): { envelopes: Uint8Array[]; served: number } {
    const { set, fingerprints } = this.#holdings;
    const going = new Set<Kept>();
    let bytes = 0;
    let served = 0;
    for (const start of starts) {
      const record = fingerprints.find(start);
      const some = record && this.#holdings.isPassedOn(record) ? [record, ...set.twinsOf(record)] : [];
      const fresh = some.slice(0, TWINS_MAX).filter((each) => !going.has(each));
      bytes += fresh.reduce((sum, each) => sum + each.bytes, 0);
      const isTooMuch = bytes > max.bytes || going.size + fresh.length > max.records;
      if (isTooMuch && going.size > 0) break;
      for (const each of fresh) going.add(each);
      served += 1;
    }
    return { envelopes: [...going].map(({ hash }) => this.#envelope(hash)), served };
  }

  /**
   * The few envelopes that prove a member's place to somebody who knows only the fleet id; for the authority's peer id
   * the fleet record alone. Throws `not-a-member`; `failed` where more than CREDENTIAL_RECORDS_MAX are needed.
   */
  credential(peer: PeerIdText): Uint8Array[] {
    const { membership } = this.#holdings.judgement;
    const isAuthority = peer === membership.authority;
    if (!isAuthority && !membership.members.has(peer)) {
      throw new ResettleError('not-a-member', `${peer} is not a member of this fleet`, {
        hint: 'see "resettle fleet members"',
      });
    }
    const hashes = credentialOf(this.#holdings.set, membership, isAuthority ? undefined : peer);
    if (hashes.length > CREDENTIAL_RECORDS_MAX) {
      throw new ResettleError('failed', `${hashes.length} records are needed to prove the membership of ${peer}`, {
        hint: 'let an operator admit this machine anew, so that its chain becomes shorter',
      });
    }
    return hashes.map((hash) => this.#envelope(hash));
  }

  // --- single records ---

  envelopeOf(hash: RecordHash): Uint8Array | undefined {
    return this.has(hash) ? this.#envelope(hash) : undefined;
  }

  /** A stored record in full. */
  record(hash: RecordHash): StoredRecord | undefined {
    return this.has(hash) ? this.#read(hash) : undefined;
  }

  /** All stored records. Reads them one by one: not for what happens often. */
  *records(): Generator<StoredRecord> {
    for (const hash of this.#holdings.set.byHash.keys()) yield this.#read(hash);
  }

  /** All admissions, whether they count or not. */
  admissions(): KeptOf<'admission'>[] {
    return [...this.#holdings.set.admissions];
  }

  /** A signer's newest lasting record: what a revocation names as the last accepted one. */
  lastLasting(signer: PeerIdText): RecordHash | null {
    return this.#holdings.set.lastLasting(signer);
  }

  #read(hash: RecordHash): StoredRecord {
    return recallRecord(hash, this.#envelope(hash));
  }

  #envelope(hash: RecordHash): Uint8Array {
    const envelope = this.#journal.envelope(hash);
    if (envelope) return envelope;
    throw new ResettleError('damaged', `the record ${hash.slice(0, 8)} is gone from the record log`, {
      hint: 'the file was changed while the agent ran; start the agent again',
    });
  }

  // --- listeners ---

  /** Calls the listener after every change. Returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As `onChange`, with the records that came and who brought them. */
  onAdded(listener: AddedListener): () => void {
    this.#addedListeners.add(listener);
    return () => this.#addedListeners.delete(listener);
  }

  /** Lets the file go. */
  close(): void {
    this.#listeners.clear();
    this.#addedListeners.clear();
    this.#journal.close();
  }

  /** One change at a time, in the order of the calls. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(change);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
