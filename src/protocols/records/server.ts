import { hexOf } from '../../common/bytes.ts';
import {
  RECORD_PREFIX_MAX_BYTES,
  RECORDS_LISTED_MAX,
  RECORDS_LISTED_PER_MESSAGE_MAX,
  RECORDS_PER_BRANCH_MAX,
  RECORDS_PER_MESSAGE_BYTES_MAX,
  RECORDS_PER_MESSAGE_MAX,
} from '../../common/limits.ts';
import { serve } from '../wire/control.ts';
import type { Handlers } from '../wire/registrar.ts';
import type { Turns } from '../wire/turns.ts';
import {
  type Branch,
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
import type { Inserted, RecordStore } from './store.ts';

const AT_ONCE = { records: RECORDS_PER_MESSAGE_MAX, bytes: RECORDS_PER_MESSAGE_BYTES_MAX };

export interface RecordsListener {
  /** A request has brought records. */
  received(peer: string, inserted: Inserted): void;
  /** A peer has found that it has the same records as this machine. */
  agreed(peer: string): void;
}

export async function serveRecords(
  registrar: Handlers,
  store: RecordStore,
  listener: RecordsListener,
  turns?: Turns,
): Promise<void> {
  await registrar.handle(RECORDS_PROTOCOL, async (stream, connection) => {
    const peer = connection.remotePeer.toString();
    const answer = (request: RecordsRequest): Promise<Partial<RecordsAnswer>> =>
      answerRecords(store, request, peer, listener);
    await serve(stream, RecordsRequest, RecordsAnswer, answer, { inTurn: turns?.of(peer) }).catch(() => {});
  });
}

/** Takes what the request brings, then says what it asks. Nothing of a peer is kept from one request to the next. */
export async function answerRecords(
  store: RecordStore,
  request: RecordsRequest,
  peer: string,
  listener: RecordsListener,
): Promise<Partial<RecordsAnswer>> {
  if (request.records.length > 0) listener.received(peer, await store.insert(request.records, peer));
  const wants = request.wants.filter((start) => start.length === HASH_START_BYTES).map(hexOf);
  if (wants.length === 0) {
    const branches = compared(store, request.branches);
    if (branches.some(({ prefix, kind }) => prefix.length === 0 && kind === KIND.same)) listener.agreed(peer);
    return { branches };
  }
  const { envelopes, served } = store.envelopes(wants, AT_ONCE);
  return { records: envelopes, served };
}

function compared(store: RecordStore, branches: readonly Branch[]): BranchAnswer[] {
  const answers: BranchAnswer[] = [];
  let room = RECORDS_LISTED_PER_MESSAGE_MAX;
  for (const branch of branches) {
    const answer = compare(store, branch);
    room -= answer.listed.length / LISTED_BYTES + answer.children.length / FINGERPRINT_BYTES;
    if (room < 0 && answers.length > 0) break;
    answers.push(answer);
  }
  return answers;
}

function compare(store: RecordStore, { prefix, fingerprint }: Branch): BranchAnswer {
  const start = hexOf(prefix);
  const own = store.summary(start);
  const answer = { prefix, kind: KIND.same as number, children: new Uint8Array(0), listed: new Uint8Array(0) };
  if (Buffer.compare(own.fingerprint, fingerprint) === 0) return answer;
  if (own.count > RECORDS_PER_BRANCH_MAX && prefix.length < RECORD_PREFIX_MAX_BYTES) {
    return { ...answer, kind: KIND.children, children: childrenOf(store, start) };
  }
  return { ...answer, kind: KIND.listed, listed: listOf(store, start) };
}

function childrenOf(store: RecordStore, prefix: string): Uint8Array {
  const children = Array.from({ length: CHILDREN }, (_, byte) => prefix + byte.toString(16).padStart(2, '0'));
  return Uint8Array.from(Buffer.concat(children.map((child) => store.summary(child).fingerprint)));
}

/** In the deepest branches, which only somebody who tries hard can fill, the first ones. */
function listOf(store: RecordStore, prefix: string): Uint8Array {
  const entries = store.entries(prefix).slice(0, RECORDS_LISTED_MAX);
  const list = Buffer.alloc(entries.length * LISTED_BYTES);
  for (const [index, { hash, number }] of entries.entries()) {
    list.write(hash.slice(0, HASH_START_BYTES * 2), index * LISTED_BYTES, 'hex');
    list.writeUInt32BE(Math.min(number, 0xffff_ffff), index * LISTED_BYTES + HASH_START_BYTES);
  }
  return Uint8Array.from(list);
}
