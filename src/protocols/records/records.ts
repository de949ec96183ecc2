import type { Connection } from '@libp2p/interface';
import { DIGEST_ENTRIES_MAX, RECORD_ENVELOPE_MAX_BYTES, RECORDS_PER_MESSAGE_MAX } from '../../common/limits.ts';
import { call, serve } from '../wire/control.ts';
import {
  bytesField,
  countField,
  defineMessage,
  listField,
  type MessageOf,
  messageField,
  textField,
} from '../wire/message.ts';
import type { Handlers } from '../wire/registrar.ts';

export const RECORDS_PROTOCOL = '/resettle/records/1';

const digestFields = {
  signer: textField(1, 64),
  epoch: textField(2, 16),
  sequence: countField(3),
  fingerprint: textField(4, 64),
};
const DigestEntry = defineMessage(digestFields);
type DigestEntry = MessageOf<typeof digestFields>;

const exchangeFields = {
  /** What the sender has: per signer and epoch the highest sequence. */
  digest: listField(messageField(1, DigestEntry), DIGEST_ENTRIES_MAX),
  /** Records that the sender believes the other lacks, in an order in which they can be taken. */
  records: listField(bytesField(2, RECORD_ENVELOPE_MAX_BYTES), RECORDS_PER_MESSAGE_MAX),
};
const Exchange = defineMessage(exchangeFields);

/** The log of records as the protocol sees it. */
export interface RecordStore {
  digest(): readonly DigestEntry[];
  /** Some of what a log with that digest lacks; ask again until there is nothing. */
  missing(digest: readonly DigestEntry[]): Uint8Array[];
  insert(records: readonly Uint8Array[]): Promise<{ added: number; refused: readonly { reason: string }[] }>;
}

/** Rounds of one exchange: each brings at most RECORDS_PER_MESSAGE_MAX records in each direction. */
const ROUNDS_MAX = 1_000;

export async function serveRecords(
  registrar: Handlers,
  store: RecordStore,
  log: (reason: string, peer: string) => void,
): Promise<void> {
  await registrar.handle(RECORDS_PROTOCOL, async (stream, connection) => {
    await serve(stream, Exchange, Exchange, async (request) => {
      const taken = await store.insert(request.records);
      for (const { reason } of taken.refused) log(reason, connection.remotePeer.toString());
      return { digest: [...store.digest()], records: store.missing(request.digest) };
    }).catch(() => {});
  });
}

/**
 * Makes both sides' logs equal, as far as each accepts the other's records. Returns how many records came in.
 * Stops when a round moves nothing, so a peer that refuses or repeats cannot hold it.
 */
export async function exchangeRecords(
  connection: Connection,
  store: RecordStore,
  log: (reason: string, peer: string) => void,
  signal?: AbortSignal,
): Promise<number> {
  let added = 0;
  let outgoing: Uint8Array[] = [];
  let sentBefore = '';
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const answer = await call(
      connection,
      RECORDS_PROTOCOL,
      { codec: Exchange, value: { digest: [...store.digest()], records: outgoing } },
      Exchange,
      signal ? { signal } : {},
    );
    const taken = await store.insert(answer.records);
    for (const { reason } of taken.refused) log(reason, connection.remotePeer.toString());
    added += taken.added;
    const next = store.missing(answer.digest);
    const sends = JSON.stringify(answer.digest);
    const stuck = taken.added === 0 && sends === sentBefore;
    if ((next.length === 0 && taken.added === 0) || stuck) return added;
    sentBefore = sends;
    outgoing = next;
  }
  return added;
}
