/** Machines of a made-up fleet: deterministic keys, a clock that tests set, logs in memory. */
import type { Ed25519PrivateKey, PrivateKey } from '@libp2p/interface';
import { blake3 } from '@napi-rs/blake-hash';
import type { Clock, RandomBytes } from '../../src/common/clock.ts';
import type { FleetId, PeerIdText } from '../../src/common/ids.ts';
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

export interface InviteTerms {
  readonly role?: Role;
  readonly uses?: number;
  readonly expiresInMs?: number;
  readonly issuerKey?: PrivateKey;
}

export function invite(issuer: Machine, terms: InviteTerms = {}): Promise<string> {
  return createInvite({
    log: issuer.log,
    issuerKey: terms.issuerKey ?? issuer.key,
    role: terms.role ?? 'member',
    uses: terms.uses ?? 1,
    expiresInMs: terms.expiresInMs ?? 86_400_000,
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

/** Exchanges digests and what is missing, as two agents do, until neither has anything for the other. */
export async function sync(a: Machine, b: Machine, limit = 256): Promise<void> {
  if (!(await exchange(a, b, limit))) throw new Error(`${a.name} and ${b.name} never finish`);
}

/** As `sync`, but false where each only repeats itself: something that they need is with a third. */
export async function exchange(a: Machine, b: Machine, limit = 256): Promise<boolean> {
  for (let idle = 0; idle < 30; idle += 1) {
    const toB = a.log.missing(b.log.digest(), limit);
    const toA = b.log.missing(a.log.digest(), limit);
    if (toA.length === 0 && toB.length === 0) return true;
    const added = (await a.log.insert(toA)).added + (await b.log.insert(toB)).added;
    if (added > 0) idle = 0;
  }
  return false;
}

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

/** A roster that can be compared: what it says, in text. */
export function rosterText(of: Machine): string {
  return JSON.stringify(of.log.roster(), (_, value) => (value instanceof Map ? [...value] : value), 1);
}
