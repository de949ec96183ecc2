/** Machines of a made-up fleet: deterministic keys, a clock that tests set, logs in memory. */
import type { Ed25519PrivateKey, PrivateKey } from '@libp2p/interface';
import { blake3 } from '@napi-rs/blake-hash';
import type { Clock, RandomBytes } from '../../src/common/clock.ts';
import type { AssociationId, FleetId, PeerIdText } from '../../src/common/ids.ts';
import { RECORDS_PER_MESSAGE_MAX } from '../../src/common/limits.ts';
import { type Ask, haveSame, reconcile } from '../../src/protocols/records/client.ts';
import { RecordsAnswer, RecordsRequest } from '../../src/protocols/records/messages.ts';
import { answerRecords } from '../../src/protocols/records/server.ts';
import type { RecordStore } from '../../src/protocols/records/store.ts';
import {
  admitAndStore,
  createAuthority,
  createInvite,
  createJoinRequest,
  foundFleet,
  type MemberBody,
  parseInviteToken,
  peerIdOf,
  type RecordBody,
  type RecordHeader,
  RecordLog,
  type Role,
  type Roster,
  type SignedEvent,
  type StoredRecord,
  verifyRecord,
} from '../../src/state/records/index.ts';
import { keyFromSeed } from '../../src/state/records/keys.ts';
import { signRecord } from '../../src/state/records/record.ts';

export const START = Date.UTC(2026, 0, 1);
const AGE_DIGITS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

export interface TestClock extends Clock {
  set(now: number): void;
}

export interface Machine {
  readonly name: string;
  readonly key: Ed25519PrivateKey;
  readonly peerId: PeerIdText;
  readonly ageRecipient: string;
  readonly clock: TestClock;
  readonly random: RandomBytes;
  readonly log: RecordLog;
}

export function randomFrom(seed: string): RandomBytes {
  let count = 0;
  return (byteCount) => {
    count += 1;
    const blocks = Array.from({ length: Math.ceil(byteCount / 32) }, (_, block) => blake3(`${seed}/${count}/${block}`));
    return new Uint8Array(Buffer.concat(blocks).subarray(0, byteCount));
  };
}

export function testClock(now = START): TestClock {
  let current = now;
  return {
    now: () => current,
    monotonicMs: () => current,
    set: (next) => {
      current = next;
    },
  };
}

export async function machine(name: string, path = ':memory:'): Promise<Machine> {
  const key = await keyFromSeed(blake3(`key of ${name}`));
  const clock = testClock();
  const random = randomFrom(name);
  const log = await RecordLog.open({ path, privateKey: key, clock, random });
  return { name, key, peerId: peerIdOf(key.publicKey), ageRecipient: recipientOf(name), clock, random, log };
}

export function recipientOf(name: string): string {
  const digits = [...blake3(name), ...blake3(`${name} again`)].slice(0, 58);
  return `age1${digits.map((byte) => AGE_DIGITS[byte % 32]).join('')}`;
}

export function memberBody(of: Machine, changes: Partial<MemberBody> = {}): MemberBody {
  const { peerId, ageRecipient, name } = of;
  return {
    type: 'member',
    peerId,
    ageRecipient,
    name,
    point: false,
    addresses: [],
    acceptsOperators: false,
    machine: null,
    ...changes,
  };
}

export interface Fleet {
  readonly authorityKey: Ed25519PrivateKey;
  readonly authority: PeerIdText;
  readonly fleetId: FleetId;
  readonly operator: Machine;
}

export async function fleetOf(name: string): Promise<Fleet> {
  const operator = await machine(`${name} operator`);
  const authorityKey = await createAuthority(randomFrom(`${name} authority`));
  const roster = await foundFleet(operator.log, {
    name,
    authorityKey,
    memberBody: memberBody(operator),
    recoveryRecipient: null,
    now: START,
  });
  return { authorityKey, authority: peerIdOf(authorityKey.publicKey), fleetId: roster.fleetId!, operator };
}

/** Nobody opens anything with it here. */
const TICKET_IDENTITY = `AGE-SECRET-KEY-1${'Q'.repeat(58)}`;

export interface InviteTerms {
  readonly role?: Role;
  readonly uses?: number;
  readonly expiresInMs?: number;
  readonly issuerKey?: PrivateKey;
  /** Makes it a ticket. */
  readonly association?: AssociationId;
}

export function invite(issuer: Machine, terms: InviteTerms = {}): Promise<string> {
  return createInvite({
    log: issuer.log,
    issuerKey: terms.issuerKey ?? issuer.key,
    role: terms.role ?? 'member',
    uses: terms.uses ?? 1,
    expiresInMs: terms.expiresInMs ?? 86_400_000,
    ...(terms.association ? { ticket: { association: terms.association, identity: TICKET_IDENTITY } } : {}),
    seeds: ['/ip4/192.0.2.1/tcp/7311'],
    now: issuer.clock.now(),
    random: issuer.random,
  });
}

/** The whole way in: token, request, admission, and the records of the admitter. */
export async function join(
  joiner: Machine,
  admitter: Machine,
  token: string,
  body = memberBody(joiner),
): Promise<void> {
  const parsed = await parseInviteToken(token);
  joiner.log.joinFleet(parsed.invite.fleetId);
  const request = await createJoinRequest(joiner.log, parsed, body);
  await admitAndStore(admitter.log, request, { remote: joiner.peerId, now: admitter.clock.now() });
  await sync(joiner, admitter);
}

/** Reconciles two logs, as two agents do, until both have the same records. */
export async function sync(a: Machine, b: Machine, limit = RECORDS_PER_MESSAGE_MAX): Promise<void> {
  if (!(await exchange(a, b, limit))) throw new Error(`${a.name} and ${b.name} never finish`);
}

/**
 * As `sync`, but false where they stay different because something that they need is with a third. Each answer brings at
 * most `limit` records, and what goes between them is encoded and decoded.
 */
export async function exchange(a: Machine, b: Machine, limit = RECORDS_PER_MESSAGE_MAX): Promise<boolean> {
  for (let idle = 0; idle < 3; idle += 1) {
    for (const [asker, answerer] of [
      [a, b],
      [b, a],
    ] as const) {
      const ask = askOf(answerer, asker, limit);
      const { added } = await reconcile(ask, asker.log, answerer.peerId);
      if (added > 0) idle = 0;
      if (await haveSame(ask, asker.log)) return true;
    }
  }
  return false;
}

function askOf(answerer: Machine, asker: Machine, limit: number): Ask {
  const few: RecordStore = {
    summary: (prefix) => answerer.log.summary(prefix),
    entries: (prefix) => answerer.log.entries(prefix),
    hasStart: (start) => answerer.log.hasStart(start),
    envelopes: (starts, max) => answerer.log.envelopes(starts, { ...max, records: limit }),
    insert: (envelopes, from) => answerer.log.insert(envelopes, from),
  };
  return async (request) => {
    const asked = RecordsRequest.decode(RecordsRequest.encode(request));
    const answer = await answerRecords(few, asked, asker.peerId, DEAF);
    return RecordsAnswer.decode(RecordsAnswer.encode(answer));
  };
}

const DEAF = { received: () => {}, agreed: () => {} };

export function envelopesOf(of: Machine): Uint8Array[] {
  return [...of.log.records()].map((record) => record.envelope);
}

/** Signs what an honest log would not. */
export async function forge(
  key: PrivateKey,
  fleetId: FleetId,
  body: RecordBody,
  header: Partial<RecordHeader> = {},
): Promise<StoredRecord> {
  const signer = peerIdOf(key.publicKey);
  const whole = { fleetId, signer, epoch: 'ee'.repeat(8), sequence: 1, previous: null, time: START, ...header };
  return await verifyRecord(await signRecord(key, whole, body));
}

/** What a log says, in a text that can be compared: the roster with all associations and their events. */
export function rosterText(of: Machine): string {
  const roster = of.log.roster();
  const ids = [...roster.associations.keys(), ...roster.pastAssociations.keys()];
  return textOf(
    roster,
    ids.map((id) => [id, of.log.events(id)] as const),
  );
}

/** Associations come in any order. */
export function textOf(
  roster: Roster,
  events: readonly (readonly [AssociationId, readonly SignedEvent[]])[] = [],
): string {
  const sorted = (map: ReadonlyMap<AssociationId, unknown>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const all = {
    ...roster,
    associations: sorted(roster.associations),
    pastAssociations: sorted(roster.pastAssociations),
    events: [...events].sort(([a], [b]) => (a < b ? -1 : 1)),
  };
  return JSON.stringify(all, (_, value) => (value instanceof Map ? [...value] : value), 1);
}
