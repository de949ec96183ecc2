/** Signed records of each kind, invites and what is sealed in them. */
import { identityToRecipient } from 'age-encryption';
import type { AssociationId, PeerIdText, StateId } from '../../../src/common/ids.ts';
import { INVITE_ENVELOPE, openEnvelope, RECORD_ENVELOPE, sealEnvelope } from '../../../src/state/records/envelope.ts';
import {
  type AssociationTerms,
  checkInvite,
  decodeTerms,
  encodeTerms,
  openTerms,
  parseInviteToken,
  plainAssociation,
  plainEvent,
  type RecordBody,
  type RecordHash,
  type RecordHeader,
  readRecord,
  sealTerms,
  verifyRecord,
} from '../../../src/state/records/index.ts';
import { openInvite, signInvite } from '../../../src/state/records/invite.ts';
import { decodePayload, encodePayload } from '../../../src/state/records/payload.ts';
import { recallRecord, signRecord } from '../../../src/state/records/record.ts';
import type { Random } from '../../faults/scenario.ts';
import { invite, recipientOf, START } from '../../records/machines.ts';
import { type Target, target } from '../target.ts';
import { MADE_UP, somePeer } from './fleet.ts';
import { address, count, flag, hashHex, hex, listOf, orNull, someBytes, word } from './some.ts';
import { textOf } from './texts.ts';

const { ann, operator, authorityKey, fleetId, key } = MADE_UP;
const TYPES = ['fleet', 'admission', 'member', 'association', 'revocation', 'event', 'naming', 'ending'] as const;
type Type = (typeof TYPES)[number];

const recipient = (random: Random): string => recipientOf(word(random));
const hash = (random: Random) => hashHex(random) as AssociationId;
const time = (random: Random): number => START + random.integer(10 ** 9);

const STEPS = [
  ...[['activity', 'sending'] as const, ['commit', 'safe'] as const, ['holder', 'held'] as const],
  ...[['trial', 'tried'] as const, ['restore', 'restored'] as const, ['share', 'kept'] as const],
];

function eventOf(random: Random): RecordBody {
  const [step, phase] = random.pick(STEPS);
  return plainEvent({
    ...{ association: hash(random), step, phase, state: hashHex(random) as StateId, snapshot: 1 + random.integer(9) },
    ...{ descriptorHash: hashHex(random), bytes: count(random), totalBytes: count(random), untilMs: time(random) },
    ...{ peers: listOf(random, 3, () => somePeer(random)), proof: orNull(random, () => hashHex(random)) },
    ...{ machine: orNull(random, () => random.bytes(17)), skipped: random.integer(9) },
    notes: listOf(random, 3, () => word(random)),
  });
}

function associationOf(random: Random): RecordBody {
  const [source, destination] = [ann.peerId, operator.peerId];
  const inPlace = flag(random);
  const parties = { source, destination: inPlace ? null : destination, nonce: hex(random, 16) };
  const total = 2 + random.integer(4);
  return {
    ...plainAssociation({ ...parties, mode: inPlace ? 'in-place' : 'side-by-side' }),
    ...{ points: listOf(random, 4, () => somePeer(random)), replicas: 1 + random.integer(3), keepMs: count(random) },
    ...{ deadlineMs: orNull(random, () => count(random)), codeRecipient: orNull(random, () => recipient(random)) },
    ...(inPlace && flag(random) ? { ticketRecipient: recipient(random), ticketSealed: random.bytes(300) } : {}),
    ...(inPlace && flag(random) ? { shares: { needed: 2 + random.integer(total - 1), total } } : {}),
    start: orNull(random, () => ({ batch: hex(random, 16), atOnce: 1 + random.integer(20) })),
    sealed: orNull(random, () => random.bytes(1 + random.integer(200))),
  };
}

function bodyOf(random: Random, type: Type): RecordBody {
  switch (type) {
    case 'fleet':
      return {
        ...{ type, name: word(random), authorityKey: authorityKey.publicKey.toMultihash().digest, suite: 1 },
        ...{
          recoveryRecipient: orNull(random, () => recipient(random)),
          minimumVersion: '0.1.0',
          createdAt: time(random),
        },
      };
    case 'admission':
      return {
        ...{
          type,
          peerId: somePeer(random),
          ageRecipient: recipient(random),
          role: random.pick(['member', 'operator'] as const),
        },
        ...{ admittedAt: time(random), invite: null, joinSignature: null },
      };
    case 'member':
      return {
        ...{ type, peerId: ann.peerId, ageRecipient: recipient(random), name: word(random), point: flag(random) },
        ...{ addresses: listOf(random, 4, () => address(random)), acceptsOperators: flag(random) },
        machine: orNull(random, () => hex(random, 16)),
      };
    case 'association':
      return associationOf(random);
    case 'revocation':
      return { type, peerId: somePeer(random), lastAccepted: orNull(random, () => hashHex(random) as RecordHash) };
    case 'event':
      return eventOf(random);
    case 'naming':
      return { type, association: hash(random), destination: somePeer(random) };
    case 'ending':
      return { type, association: hash(random) };
  }
}

function headerOf(random: Random): RecordHeader {
  return {
    ...{ fleetId, signer: ann.peerId as PeerIdText, epoch: hex(random, 8), sequence: 1 + random.integer(99) },
    ...{ previous: orNull(random, () => hashHex(random) as RecordHash), time: time(random) },
  };
}

/** The signed payload of one kind: its signature stands between a stranger and the rest, so it is fuzzed without one. */
const payloadOf = (type: Type): Target =>
  target({
    name: `record-${type}`,
    shape: 'cbor',
    refusals: ['refused'],
    isCanonical: true,
    valid: (random) => encodePayload(headerOf(random), bodyOf(random, type)),
    decode: (bytes) => decodePayload(bytes),
    encode: ({ header, body }) => encodePayload(header, body),
  });

const someTerms = (random: Random): AssociationTerms => ({
  ...{ users: listOf(random, 3, () => random.pick(['ann', 'bob', '1000'])), areas: ['network', 'printers'] },
  ...{ paths: listOf(random, 3, () => `/data/${word(random)}`), mapUsers: [{ from: 'ann', to: '1001' }] },
});

const IDENTITY = `AGE-SECRET-KEY-1${'Q'.repeat(58)}`;
/** An age identity that opens what the program seals to its recipient. */
const OPENER = await identityToRecipient(IDENTITY).then(
  () => IDENTITY,
  async () => (await import('age-encryption')).generateX25519Identity(),
);
const OPENER_RECIPIENT = await identityToRecipient(OPENER);

export const RECORDS: readonly Target[] = [
  ...TYPES.map(payloadOf),
  target({
    name: 'record-envelope',
    shape: 'protobuf',
    refusals: ['refused'],
    isCanonical: true,
    weight: 0.3,
    valid: (random) => signRecord(key, headerOf(random), bodyOf(random, random.pick(TYPES))),
    decode: (bytes) => verifyRecord(bytes),
    encode: ({ envelope }) => envelope,
  }),
  target({
    name: 'record-signed-anew',
    shape: 'cbor',
    refusals: ['refused'],
    weight: 0.3,
    valid: (random) => encodePayload(headerOf(random), bodyOf(random, random.pick(TYPES))),
    decode: async (bytes) => (await verifyRecord(await sealEnvelope(RECORD_ENVELOPE, bytes, key))).body,
  }),
  target({
    name: 'record-read',
    shape: 'protobuf',
    refusals: ['refused'],
    isCanonical: true,
    valid: (random) => signRecord(key, headerOf(random), bodyOf(random, random.pick(TYPES))),
    decode: (bytes) => readRecord(bytes),
    encode: ({ envelope }) => envelope,
  }),
  target({
    name: 'record-recalled',
    shape: 'protobuf',
    refusals: ['refused'],
    valid: (random) => signRecord(key, headerOf(random), bodyOf(random, random.pick(TYPES))),
    decode: (bytes) => recallRecord('00'.repeat(32) as RecordHash, bytes),
  }),
  target({
    name: 'invite-envelope',
    shape: 'protobuf',
    refusals: ['refused'],
    weight: 0.3,
    valid: (random) => signInvite(inviteOf(random), operator.key),
    decode: (bytes) => openInvite(bytes),
  }),
  target({
    name: 'invite-signed-anew',
    shape: 'cbor',
    refusals: ['refused'],
    weight: 0.3,
    valid: async (random) =>
      (await openEnvelope(INVITE_ENVELOPE, await signInvite(inviteOf(random), operator.key))).payload,
    decode: async (bytes) => openInvite(await sealEnvelope(INVITE_ENVELOPE, bytes, operator.key)),
  }),
  target({
    name: 'invite-token',
    shape: 'words',
    words: ['resettle-invite-1.', 'resettle-invite-2.', 'A', '_', '-', '=', '+', '/'],
    refusals: ['bad-invite'],
    weight: 0.3,
    valid: async (random) => Buffer.from(random.integer(20) > 0 ? MADE_UP.token : await invite(operator)),
    decode: async (bytes) => checkInvite(await parseInviteToken(textOf(bytes)), START),
  }),
  target({
    name: 'invite-token-inside',
    shape: 'cbor',
    refusals: ['bad-invite'],
    weight: 0.3,
    valid: () => Buffer.from(MADE_UP.token.split('.')[1]!, 'base64url'),
    decode: async (bytes) => {
      const token = await parseInviteToken(`resettle-invite-1.${Buffer.from(bytes).toString('base64url')}`);
      await checkInvite(token, START).catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== 'bad-invite') throw error;
      });
      return token.seeds;
    },
  }),
  target({
    name: 'association-terms',
    shape: 'cbor',
    refusals: ['refused'],
    isCanonical: true,
    valid: (random) => encodeTerms(someTerms(random)),
    decode: (bytes) => decodeTerms(bytes),
    encode: (terms) => encodeTerms(terms),
  }),
  target({
    name: 'association-terms-sealed',
    shape: 'lines',
    refusals: ['refused'],
    weight: 0.1,
    valid: (random) => sealTerms(someTerms(random), [OPENER_RECIPIENT]),
    decode: (bytes) => openTerms(bytes, OPENER),
  }),
  target({
    name: 'records-of-a-log',
    shape: 'bytes',
    refusals: [],
    weight: 0.3,
    valid: (random) => someBytes(random, 300),
    decode: async (bytes) => (await ann.log.insert([bytes], operator.peerId)).added,
  }),
];

function inviteOf(random: Random): Parameters<typeof signInvite>[0] {
  const issuedAt = time(random);
  return {
    ...{ fleetId, serial: hex(random, 16), publicKey: authorityKey.publicKey.toMultihash().digest, role: 'member' },
    ...{ uses: 1, issuedAt, expiresAt: issuedAt + 1 + random.integer(86_400_000) },
    association: orNull(random, () => hash(random)),
  };
}
