/** The records of a made-up fleet, signed as machines would sign them: reproducible, and without any network. */
import { publicKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { hexOf } from '../../../src/common/bytes.ts';
import type { AssociationId, FleetId, PeerIdText, StateId } from '../../../src/common/ids.ts';
import { blake3 } from '../../../src/state/records/hash.ts';
import {
  type EventBody,
  type MemberBody,
  plainAssociation,
  plainEvent,
  type RecordBody,
} from '../../../src/state/records/index.ts';
import { signInvite, signJoin } from '../../../src/state/records/invite.ts';
import { fleetIdOf, keyFromSeed, peerIdOf } from '../../../src/state/records/keys.ts';
import { readRecord, signRecord } from '../../../src/state/records/record.ts';
import type { RecordHash } from '../../../src/state/records/types.ts';

export const START = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const AGE_DIGITS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

export interface Person {
  readonly key: Ed25519PrivateKey;
  readonly peerId: PeerIdText;
  readonly ageRecipient: string;
  readonly epoch: string;
  sequence: number;
  previous: RecordHash | null;
}

export interface Population {
  readonly fleetId: FleetId;
  readonly authority: Person;
  /** The first one is the operator. */
  readonly members: readonly Person[];
}

export interface PopulationSize {
  readonly members: number;
  readonly associations: number;
  /** Of each association: commits of its source, then copies of holders. */
  readonly events: number;
  /** Bytes that each association seals to its parties. */
  readonly sealedBytes: number;
}

async function person(name: string): Promise<Person> {
  const key = await keyFromSeed(blake3(Buffer.from(`key of ${name}`)));
  const digits = [...blake3(Buffer.from(name)), ...blake3(Buffer.from(`${name} again`))].slice(0, 58);
  return {
    key,
    peerId: peerIdOf(key.publicKey),
    ageRecipient: `age1${digits.map((byte) => AGE_DIGITS[byte % 32]).join('')}`,
    epoch: hexOf(blake3(Buffer.from(`epoch of ${name}`)).subarray(0, 8)),
    sequence: 0,
    previous: null,
  };
}

export async function populationOf(count: number): Promise<Population> {
  const authority = await person('authority');
  const members: Person[] = [];
  for (let i = 0; i < count; i += 1) members.push(await person(`machine ${i}`));
  return { fleetId: fleetIdOf(authority.key.publicKey), authority, members };
}

/** The person's next record. */
export async function sign(by: Person, fleetId: FleetId, body: RecordBody, time = START): Promise<Uint8Array> {
  by.sequence += 1;
  const header = { fleetId, signer: by.peerId, epoch: by.epoch, sequence: by.sequence, previous: by.previous, time };
  const envelope = await signRecord(by.key, header, body);
  if (body.type !== 'member' && body.type !== 'event') by.previous = readRecord(envelope).hash;
  return envelope;
}

export function memberBody({ peerId, ageRecipient }: Person, name: string): MemberBody {
  const addresses = ['/ip4/192.168.17.20/tcp/24717', '/ip6/fd00::1234:5678/tcp/24717'];
  const more = { point: false, acceptsOperators: false, machine: hexOf(blake3(Buffer.from(peerId)).subarray(0, 16)) };
  return { type: 'member', peerId, ageRecipient, name, addresses, ...more };
}

/** Fleet, admissions and member records, in an order in which a log can take them. */
export async function* membershipRecords({ fleetId, authority, members }: Population): AsyncGenerator<Uint8Array> {
  yield await sign(authority, fleetId, {
    type: 'fleet',
    name: 'office',
    authorityKey: publicKeyToProtobuf(authority.key.publicKey),
    recoveryRecipient: null,
    minimumVersion: '0.1.0',
    suite: 1,
    createdAt: START,
  });
  const operator = members[0]!;
  for (const [index, member] of members.entries()) {
    const { peerId, ageRecipient } = member;
    const by = index === 0 ? authority : operator;
    const role = index === 0 ? ('operator' as const) : ('member' as const);
    const proof = index === 0 ? { invite: null, joinSignature: null } : await inviteFor(fleetId, operator, member);
    yield await sign(by, fleetId, { type: 'admission', peerId, ageRecipient, role, admittedAt: START, ...proof });
    yield await sign(member, fleetId, memberBody(member, `pc-${index}`));
  }
}

async function inviteFor(
  fleetId: FleetId,
  operator: Person,
  member: Person,
): Promise<{ invite: Uint8Array; joinSignature: Uint8Array }> {
  const serial = hexOf(blake3(Buffer.from(`serial ${member.peerId}`)).subarray(0, 16));
  const inviteKey = await keyFromSeed(blake3(Buffer.from(serial)));
  const publicKey = publicKeyToProtobuf(inviteKey.publicKey);
  const more = { role: 'member' as const, uses: 1, issuedAt: START, expiresAt: START + DAY_MS, association: null };
  const invite = await signInvite({ fleetId, serial, publicKey, ...more }, operator.key);
  return { invite, joinSignature: await signJoin(inviteKey, { fleetId, serial }, member.peerId, member.ageRecipient) };
}

/** Associations, each with its events. */
export async function* migrationRecords(of: Population, size: PopulationSize): AsyncGenerator<Uint8Array> {
  const { fleetId, members } = of;
  for (let i = 0; i < size.associations; i += 1) {
    const [source, destination] = [members[i % members.length]!, members[(i * 7 + 1) % members.length]!];
    if (source === destination) continue;
    const nonce = i.toString(16).padStart(32, '0');
    const parties = { source: source.peerId, destination: destination.peerId, mode: 'side-by-side', nonce } as const;
    const sealed = size.sealedBytes > 0 ? new Uint8Array(size.sealedBytes).fill(i) : null;
    const record = await sign(source, fleetId, { ...plainAssociation(parties), sealed });
    yield record;
    const id = readRecord(record).hash as string as AssociationId;
    for (let event = 0; event < size.events; event += 1) {
      const holder = members[(i * 11 + 2 + event) % members.length]!;
      const isCommit = event === 0 || holder === source;
      yield await sign(isCommit ? source : holder, fleetId, eventOf(id, i, isCommit, holder.peerId));
    }
  }
}

export function eventOf(association: AssociationId, i: number, isCommit: boolean, holder: PeerIdText): EventBody {
  return plainEvent({
    association,
    state: hexOf(blake3(Buffer.from(`state ${i}`))) as StateId,
    step: isCommit ? 'commit' : 'holder',
    phase: isCommit ? 'stored' : 'held',
    snapshot: 1,
    descriptorHash: hexOf(blake3(Buffer.from(`descriptor ${i}`))),
    bytes: 40e9,
    totalBytes: isCommit ? 0 : 40e9,
    peers: isCommit ? [holder] : [],
    notes: isCommit ? ['the destination has not tried it yet'] : [],
  });
}
