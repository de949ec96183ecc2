import type { Connection } from '@libp2p/interface';
import { asBuffer, bytesOfHex, hexOf } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import {
  RECORD_PREFIX_MAX_BYTES,
  RECORDS_COMPARED_MAX,
  RECORDS_DIFFERING_MAX,
  RECORDS_PER_MESSAGE_BYTES_MAX,
  RECORDS_PER_MESSAGE_MAX,
  RECORDS_WAITING_BYTES_MAX,
} from '../../common/limits.ts';
import { call } from '../wire/control.ts';
import {
  type BranchAnswer,
  CHILDREN,
  FINGERPRINT_BYTES,
  HASH_START_BYTES,
  KIND,
  LISTED_BYTES,
  RECORDS_PROTOCOL,
  RecordsAnswer,
  RecordsRequest,
} from './messages.ts';
import type { RecordStore } from './store.ts';

/** One question to a peer and its answer. */
export type Ask = (request: Partial<RecordsRequest>) => Promise<RecordsAnswer>;

/** What came of a reconciliation. */
export interface Reconciled {
  /** Records that came in and were new. */
  readonly added: number;
  /** Records that were given, whether the other took them or not. */
  readonly given: number;
  /** Why records that came were not taken. */
  readonly refused: readonly string[];
  /** False where there was more than one reconciliation may bring: do another one. */
  readonly complete: boolean;
}

/** Half of what a message may carry, so that a fork that goes as a pair, or as a few more, fits too. */
const GIVEN_AT_ONCE = { records: RECORDS_PER_MESSAGE_MAX / 2, bytes: RECORDS_PER_MESSAGE_BYTES_MAX / 2 };

const NOTHING: Reconciled = { added: 0, given: 0, refused: [], complete: true };

export function askOver(connection: Connection, signal?: AbortSignal): Ask {
  return (request) =>
    call(
      connection,
      RECORDS_PROTOCOL,
      { codec: RecordsRequest, value: request },
      RecordsAnswer,
      signal ? { signal } : {},
    );
}

/** Sends records that are news to the other. */
export async function pushRecords(ask: Ask, records: readonly Uint8Array[]): Promise<void> {
  for (let at = 0; at < records.length; at += RECORDS_PER_MESSAGE_MAX) {
    await ask({ records: records.slice(at, at + RECORDS_PER_MESSAGE_MAX) });
  }
}

/** True if both logs have the same records to pass on. */
export async function haveSame(ask: Ask, store: RecordStore): Promise<boolean> {
  const [answer] = (await askAbout(ask, store, [''])).answers;
  return answer?.kind === KIND.same;
}

/**
 * Makes both logs equal, as far as each takes the other's records: down the tree of hashes to where they differ, then
 * records both ways. It ends after a number of questions that only the real differences can make large, and each answer
 * must bring it on, so a peer that repeats, lies or refuses cannot hold it; `call` ends one that says nothing.
 */
export async function reconcile(ask: Ask, store: RecordStore, peer: string): Promise<Reconciled> {
  const { wants, gives, complete } = await differences(ask, store);
  if (wants.length === 0 && gives.length === 0) return { ...NOTHING, complete };
  const intake = new Intake(store, peer);
  let [wanted, given] = [0, 0];
  let isMoving = true;
  while (isMoving && (wanted < wants.length || given < gives.length)) {
    const asked = wants.slice(wanted, wanted + RECORDS_PER_MESSAGE_MAX);
    const going = store.envelopes(gives.slice(given), GIVEN_AT_ONCE);
    const answer = await ask({ wants: asked.map(bytesOfHex), records: going.envelopes });
    await intake.take(answer.records);
    const served = Math.min(answer.served, asked.length);
    isMoving = served > 0 || going.served > 0;
    wanted += served;
    given += going.served;
  }
  const refused = await intake.finish();
  return { added: intake.added, given, refused, complete: complete && wanted >= wants.length };
}

interface Differences {
  /** Starts of the hashes of what we lack, in the other's order. */
  readonly wants: readonly string[];
  /** Starts of the hashes of what the other lacks, in our order. */
  readonly gives: readonly string[];
  /** False where not all branches were looked at. */
  readonly complete: boolean;
}

interface Listed {
  readonly hash: string;
  readonly number: number;
}

async function differences(ask: Ask, store: RecordStore): Promise<Differences> {
  const wants: Listed[] = [];
  const gives: Listed[] = [];
  let open = [''];
  let isMoving = true;
  while (isMoving && open.length > 0 && open.length + wants.length + gives.length <= RECORDS_DIFFERING_MAX) {
    const { answers, asked } = await askAbout(ask, store, open);
    const deeper: string[] = [];
    for (const answer of answers) {
      const prefix = hexOf(answer.prefix);
      if (!asked.delete(prefix)) continue;
      if (answer.kind === KIND.children) deeper.push(...differing(store, prefix, answer));
      if (answer.kind === KIND.listed) compareLists(store, prefix, answer, wants, gives);
    }
    isMoving = asked.size < Math.min(open.length, RECORDS_COMPARED_MAX);
    open = [...deeper, ...asked, ...open.slice(RECORDS_COMPARED_MAX)];
  }
  return { wants: inOrder(wants), gives: inOrder(gives), complete: open.length === 0 };
}

/** Each start once, by its place in the order. */
function inOrder(listed: Listed[]): string[] {
  const sorted = listed.sort((a, b) => a.number - b.number);
  return [...new Set(sorted.map(({ hash }) => hash.slice(0, HASH_START_BYTES * 2)))];
}

async function askAbout(
  ask: Ask,
  store: RecordStore,
  open: readonly string[],
): Promise<{ answers: readonly BranchAnswer[]; asked: Set<string> }> {
  const asked = open.slice(0, RECORDS_COMPARED_MAX);
  const branches = asked.map((prefix) => ({
    prefix: bytesOfHex(prefix),
    fingerprint: store.summary(prefix).fingerprint,
  }));
  const { branches: answers } = await ask({ branches });
  return { answers, asked: new Set(asked) };
}

/** The branches below that the two do not share. */
function differing(store: RecordStore, prefix: string, { children }: BranchAnswer): string[] {
  const isSound = children.length === CHILDREN * FINGERPRINT_BYTES && prefix.length / 2 < RECORD_PREFIX_MAX_BYTES;
  if (!isSound) throw malformed();
  return Array.from({ length: CHILDREN }, (_, byte) => byte)
    .map((byte) => ({
      child: prefix + byte.toString(16).padStart(2, '0'),
      theirs: children.subarray(byte * FINGERPRINT_BYTES, (byte + 1) * FINGERPRINT_BYTES),
    }))
    .filter(({ child, theirs }) => Buffer.compare(store.summary(child).fingerprint, theirs) !== 0)
    .map(({ child }) => child);
}

function compareLists(
  store: RecordStore,
  prefix: string,
  { listed }: BranchAnswer,
  wants: Listed[],
  gives: Listed[],
): void {
  if (listed.length % LISTED_BYTES !== 0) throw malformed();
  const theirs = new Set<string>();
  for (let at = 0; at < listed.length; at += LISTED_BYTES) {
    const hash = hexOf(listed.subarray(at, at + HASH_START_BYTES));
    if (!hash.startsWith(prefix)) throw malformed();
    theirs.add(hash);
    if (!store.hasStart(hash)) wants.push({ hash, number: asBuffer(listed).readUInt32BE(at + HASH_START_BYTES) });
  }
  for (const entry of store.entries(prefix)) {
    if (!theirs.has(entry.hash.slice(0, HASH_START_BYTES * 2))) gives.push(entry);
  }
}

function malformed(): ResettleError {
  return new ResettleError('damaged', 'the answer about records is malformed', {
    hint: 'the other machine is damaged, hostile or of another version',
  });
}

/** Takes what comes, and keeps for the end what had no place when it came: something that it needs may come after it. */
class Intake {
  readonly #store: RecordStore;
  readonly #peer: string;
  readonly #refused: string[] = [];
  #waiting: { readonly envelope: Uint8Array; readonly reason: string }[] = [];
  #waitingBytes = 0;
  added = 0;

  constructor(store: RecordStore, peer: string) {
    this.#store = store;
    this.#peer = peer;
  }

  async take(envelopes: readonly Uint8Array[]): Promise<void> {
    const inserted = await this.#store.insert(envelopes, this.#peer);
    this.added += inserted.added;
    for (const { index, reason, kind } of inserted.refused) {
      // Two that compare while others write find that now and then: nothing is wrong with it.
      if (kind === 'old') continue;
      const envelope = envelopes[index];
      const fits = envelope && this.#waitingBytes + envelope.length <= RECORDS_WAITING_BYTES_MAX;
      if (kind !== 'later' || !fits) {
        this.#refused.push(reason);
        continue;
      }
      this.#waiting.push({ envelope, reason });
      this.#waitingBytes += envelope.length;
    }
  }

  /** As long as some of them find their place. Returns why the others, and all before, were not taken. */
  async finish(): Promise<readonly string[]> {
    for (let before = -1; before !== this.added; ) {
      before = this.added;
      const again = this.#waiting.map(({ envelope }) => envelope);
      this.#waiting = [];
      this.#waitingBytes = 0;
      for (let at = 0; at < again.length; at += RECORDS_PER_MESSAGE_MAX) {
        await this.take(again.slice(at, at + RECORDS_PER_MESSAGE_MAX));
      }
    }
    return [...this.#refused, ...this.#waiting.map(({ reason }) => reason)];
  }
}
