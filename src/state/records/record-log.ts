/** The log of signed records of one machine: its own, and those of its fleet. */
import type { PrivateKey } from '@libp2p/interface';
import { asBuffer, hexOf } from '../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import type { AssociationId, FleetId, PeerIdText } from '../../common/ids.ts';
import { CREDENTIAL_RECORDS_MAX, RECORDS_PER_MESSAGE_BYTES_MAX, RECORDS_PER_MESSAGE_MAX } from '../../common/limits.ts';
import { checkDigest, digestOf, epochsOf, lackedBy } from './digest.ts';
import { damagedLog, Journal } from './journal.ts';
import { peerIdOf } from './keys.ts';
import { credentialOf, inOrder } from './order.ts';
import { relayable, whyNoPlace, whyNoRoom } from './place.ts';
import { isLasting, readRecord, signRecord, verifyRecord } from './record.ts';
import { RecordSet } from './record-set.ts';
import { type Evaluation, evaluate } from './roster.ts';
import type { Association, DigestEntry, RecordBody, RecordHash, Roster, SignedEvent, StoredRecord } from './types.ts';

/** Verifying this many takes about 10 ms; then others get their turn. */
const VERIFY_BEFORE_YIELD = 32;

export interface RecordLogOptions {
  /** A file in the agent's own 0700 folder, or `:memory:`. */
  readonly path: string;
  readonly privateKey: PrivateKey;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export interface InsertResult {
  /** Records that are stored now and were not before. */
  readonly added: number;
  readonly refused: readonly { readonly reason: string }[];
}

/**
 * A body, or what makes it at its turn, when nothing else can change the log any more. A maker may find that a record is
 * there already and give that back.
 */
export type BodyOrMaker = RecordBody | (() => RecordBody | StoredRecord);

export class RecordLog {
  readonly self: PeerIdText;
  readonly #key: PrivateKey;
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #epoch: string;
  readonly #journal: Journal;
  readonly #sequences = new Map<PeerIdText, number>();
  readonly #times = new Map<PeerIdText, number>();
  readonly #listeners = new Set<() => void>();
  #set = new RecordSet();
  #fleetId: FleetId | undefined;
  #evaluation: Evaluation | undefined;
  #epochs: ReturnType<typeof epochsOf> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Takes the file's lock and reads it. Throws `agent-already-running` where another process has it, `damaged` where it
   * cannot be read.
   */
  static async open(options: RecordLogOptions): Promise<RecordLog> {
    const journal = new Journal(options.path);
    try {
      return new RecordLog(options, journal);
    } catch (error) {
      journal.close();
      throw damagedLog(options.path, error);
    }
  }

  private constructor({ privateKey, clock, random }: RecordLogOptions, journal: Journal) {
    this.self = peerIdOf(privateKey.publicKey);
    this.#key = privateKey;
    this.#clock = clock;
    this.#random = random;
    this.#epoch = hexOf(random(8));
    this.#journal = journal;
    this.#fleetId = journal.fleetId();
    this.#load();
  }

  #load(): void {
    this.#set = new RecordSet();
    for (const envelope of this.#journal.envelopes()) this.#take(readRecord(envelope));
  }

  /** The fleet that this log belongs to, once it does. */
  get fleetId(): FleetId | undefined {
    return this.#fleetId;
  }

  /** Says for good to which fleet this log belongs; records of others are refused. Throws `refused` for a second fleet. */
  joinFleet(fleetId: FleetId): void {
    if (this.#fleetId === fleetId) return;
    if (this.#fleetId !== undefined) {
      throw new ResettleError('refused', `this machine belongs to the fleet ${this.#fleetId.slice(0, 8)} already`, {
        hint: 'a machine has one fleet; use another --home for another one',
      });
    }
    this.#journal.setFleetId(fleetId);
    this.#fleetId = fleetId;
    this.#evaluation = undefined;
  }

  /** What the stored records say now. Computed when it is asked for after a change. */
  roster(): Roster {
    return this.#evaluated().roster;
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
      const reason = whyNoPlace(record, this.#evaluated(), this.#set) ?? whyNoRoom(record, this.#set);
      if (reason) {
        throw new ResettleError(
          'not-a-member',
          `this machine may not sign this ${record.body.type} record: ${reason}`,
          {
            hint: 'see "resettle fleet members" for what it may do',
          },
        );
      }
      this.#take(record);
      this.#store([record]);
      return record;
    });
  }

  /** Signs a record of this machine without storing it: the member record that goes into a join request. */
  seal(body: RecordBody): Promise<StoredRecord> {
    return this.#inTurn(() => this.#sign(this.#key, body));
  }

  /**
   * Verifies and stores what has a place; records of one call may depend on each other in any order. All that is refused
   * can be offered again later. Never throws for what others sent.
   */
  async insert(envelopes: readonly Uint8Array[]): Promise<InsertResult> {
    const refused: { reason: string }[] = [];
    const verified: StoredRecord[] = [];
    for (const [index, envelope] of envelopes.entries()) {
      if (index % VERIFY_BEFORE_YIELD === VERIFY_BEFORE_YIELD - 1) await new Promise(setImmediate);
      try {
        verified.push(await verifyRecord(envelope));
      } catch (error) {
        if (!(error instanceof ResettleError)) throw error;
        refused.push({ reason: messageOf(error) });
      }
    }
    return await this.#inTurn(async () => {
      const { taken, left } = this.#takeAllPlaced(verified);
      const added = this.#store(taken);
      return { added, refused: [...refused, ...left] };
    });
  }

  /** What this log has without gaps. */
  digest(): DigestEntry[] {
    return digestOf(this.#wholeEpochs());
  }

  /**
   * Envelopes that a log with this digest lacks and that it will take, those that others depend on first. Ask again with
   * the new digest until there are none, or none of them was new to the other. Throws `refused` for a malformed digest.
   */
  missing(
    digest: readonly DigestEntry[],
    limit = RECORDS_PER_MESSAGE_MAX,
    maxBytes = RECORDS_PER_MESSAGE_BYTES_MAX,
  ): Uint8Array[] {
    checkDigest(digest);
    const { sure, suspect } = lackedBy(digest, this.#wholeEpochs());
    const envelopes: Uint8Array[] = [];
    let bytes = 0;
    for (const { envelope } of [...this.#inOrder(sure), ...this.#fromAnywhere(this.#inOrder(suspect))]) {
      bytes += envelope.length;
      if (envelopes.length >= limit || (bytes > maxBytes && envelopes.length > 0)) break;
      envelopes.push(envelope);
    }
    return envelopes;
  }

  #inOrder(wanted: ReadonlySet<StoredRecord>): StoredRecord[] {
    return wanted.size === 0 ? [] : inOrder(this.#set.byHash, this.#evaluated(), wanted);
  }

  /** Begins at a random one: the other may have the first ones already, and one forked signer must not stop the rest. */
  #fromAnywhere(records: readonly StoredRecord[]): StoredRecord[] {
    if (records.length === 0) return [];
    const start = asBuffer(this.#random(4)).readUInt32LE() % records.length;
    return [...records.slice(start), ...records.slice(0, start)];
  }

  /**
   * The few envelopes that prove a member's place to somebody who knows only the fleet id; for the authority's peer id
   * the fleet record alone. Throws `not-a-member`; `failed` where more than CREDENTIAL_RECORDS_MAX are needed.
   */
  credential(peer: PeerIdText): Uint8Array[] {
    const evaluation = this.#evaluated();
    const isAuthority = peer === evaluation.roster.authority;
    if (!isAuthority && !evaluation.roster.members.has(peer)) {
      throw new ResettleError('not-a-member', `${peer} is not a member of this fleet`, {
        hint: 'see "resettle fleet members"',
      });
    }
    const records = credentialOf(this.#set.byHash, evaluation, isAuthority ? undefined : peer);
    if (records.length > CREDENTIAL_RECORDS_MAX) {
      throw new ResettleError('failed', `${records.length} records are needed to prove the membership of ${peer}`, {
        hint: 'let an operator admit this machine anew, so that its chain becomes shorter',
      });
    }
    return records.map((record) => record.envelope);
  }

  association(id: AssociationId): Association | undefined {
    const roster = this.roster();
    return roster.associations.get(id) ?? roster.pastAssociations.get(id);
  }

  /** What the parties of an association said of its migration, the newest of each subject. */
  events(id: AssociationId): readonly SignedEvent[] {
    return this.#evaluated().events.get(id) ?? [];
  }

  envelopeOf(hash: RecordHash): Uint8Array | undefined {
    return this.#set.byHash.get(hash)?.envelope;
  }

  /** All stored records, in the order in which they were taken. */
  records(): Iterable<StoredRecord> {
    return this.#set.byHash.values();
  }

  /** A signer's newest lasting record: what a revocation names as the last accepted one. */
  lastLasting(signer: PeerIdText): RecordHash | null {
    return this.#set.lastLasting(signer);
  }

  /** Calls the listener after every change. Returns what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Lets the file go. */
  close(): void {
    this.#listeners.clear();
    this.#journal.close();
  }

  /** Repeated, because each record taken may give the next its place. */
  #takeAllPlaced(records: readonly StoredRecord[]): { taken: StoredRecord[]; left: { reason: string }[] } {
    const taken: StoredRecord[] = [];
    let waiting = records;
    for (let progress = true; progress; ) {
      progress = false;
      const evaluation = this.#evaluated();
      const still: StoredRecord[] = [];
      for (const record of waiting) {
        if (this.#set.byHash.has(record.hash)) continue;
        if (whyNoPlace(record, evaluation, this.#set) ?? whyNoRoom(record, this.#set)) {
          still.push(record);
          continue;
        }
        this.#take(record);
        taken.push(record);
        progress = true;
      }
      waiting = still;
      if (waiting.length === 0) break;
    }
    const evaluation = this.#evaluated();
    const left = waiting.map((record) => ({
      reason: whyNoPlace(record, evaluation, this.#set) ?? whyNoRoom(record, this.#set) ?? 'it has no place',
    }));
    return { taken, left };
  }

  #take(record: StoredRecord): void {
    const { signer, time } = record.header;
    this.#set.add(record);
    this.#times.set(signer, Math.max(time, this.#times.get(signer) ?? 0));
    this.#evaluation = undefined;
    this.#epochs = undefined;
  }

  /** Makes durable what was taken, less what it replaced. Returns how many records are new. */
  #store(taken: readonly StoredRecord[]): number {
    if (taken.length === 0) return 0;
    const signers = new Set(taken.filter((record) => !isLasting(record)).map((record) => record.header.signer));
    const dropped = new Set([...signers].flatMap((signer) => this.#set.dropSuperseded(signer)));
    const added = taken.filter((record) => !dropped.has(record));
    const fresh = new Set(taken);
    const gone = [...dropped].filter((record) => !fresh.has(record));
    try {
      this.#journal.change(
        added,
        gone.map((record) => record.hash),
      );
    } catch (error) {
      // Memory must not say more than the disk holds.
      this.#load();
      throw error;
    }
    this.#evaluation = undefined;
    this.#epochs = undefined;
    if (added.length > 0) for (const listener of this.#listeners) listener();
    return added.length;
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
    const previous = this.#set.lastLasting(signer);
    const header = { fleetId: this.#fleetId, signer, epoch: this.#epoch, sequence, previous, time };
    const record = readRecord(await signRecord(key, header, body));
    this.#sequences.set(signer, sequence);
    return record;
  }

  #evaluated(): Evaluation {
    this.#evaluation ??= evaluate(this.#set.byHash, this.#fleetId);
    return this.#evaluation;
  }

  #wholeEpochs(): ReturnType<typeof epochsOf> {
    this.#epochs ??= epochsOf(relayable(this.#set, this.#evaluated()));
    return this.#epochs;
  }

  /** One change at a time, in the order of the calls. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(change);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
