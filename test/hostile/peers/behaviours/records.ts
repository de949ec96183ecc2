/** Records as a member may sign and send them, and as no log takes them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { encode } from 'cborg';
import { bytesOfHex } from '../../../../src/common/bytes.ts';
import { associationId } from '../../../../src/common/ids.ts';
import {
  CONTROL_MESSAGE_MAX_BYTES,
  EVENTS_PER_SIGNER_AND_ASSOCIATION_MAX,
  RECORDS_PER_MESSAGE_MAX,
} from '../../../../src/common/limits.ts';
import { sayHello } from '../../../../src/protocols/hello/hello.ts';
import { WIRE_VERSION } from '../../../../src/protocols/hello/messages.ts';
import { RECORDS_PROTOCOL, RecordsAnswer, RecordsRequest } from '../../../../src/protocols/records/messages.ts';
import { RECORD_ENVELOPE, sealEnvelope } from '../../../../src/state/records/envelope.ts';
import {
  plainAssociation,
  plainEvent,
  type RecordBody,
  type RecordHeader,
  readRecord,
} from '../../../../src/state/records/index.ts';
import { encodePayload } from '../../../../src/state/records/payload.ts';
import { signRecord } from '../../../../src/state/records/record.ts';
import type { Behaviour } from '../behaviour.ts';
import { dial } from '../hostile-node.ts';
import { Peer } from '../peer.ts';
import type { Stage } from '../stage.ts';
import { ask, assertNotServed, assertReset, framed, varint } from '../talk.ts';

const YEAR_MS = 366 * 86_400_000;
const member = { who: 'member', protocol: 'records' } as const;

async function push(stage: Stage, peer: Peer, envelopes: readonly Uint8Array[]): Promise<void> {
  await ask(
    await peer.to(stage.address),
    RECORDS_PROTOCOL,
    RecordsRequest.encode({ records: [...envelopes] }),
    RecordsAnswer,
  );
}

/** Sends a record that the log must refuse for that reason. */
const refused =
  (reason: RegExp, envelopeOf: (stage: Stage) => Uint8Array | Promise<Uint8Array>): Behaviour['run'] =>
  async (stage) => {
    const from = stage.log.length;
    await push(stage, stage.member, [await envelopeOf(stage)]);
    await stage.logged(new RegExp(`"reason":"[^"]*(${reason.source})[^\\n]*a record was refused`, reason.flags), from);
  };

/** What must not be in anybody's log afterwards. */
async function assertNotSpread(stage: Stage, hash: string): Promise<void> {
  await stage.honest.connect(stage.address);
  await stage.honest.sync();
  assert.ok(!stage.honest.log.has(hash), 'nobody has it');
}

const header = (peer: Peer, changes: Partial<RecordHeader> = {}): RecordHeader => ({
  fleetId: peer.fleetId,
  signer: peer.peerId,
  epoch: randomBytes(8).toString('hex'),
  sequence: 1,
  previous: peer.log.lastLasting(peer.peerId),
  time: Date.now(),
  ...changes,
});

const associationOf = (peer: Peer, stage: Stage): RecordBody =>
  plainAssociation({
    source: peer.peerId,
    destination: stage.honest.peerId,
    mode: 'side-by-side',
    nonce: randomBytes(16).toString('hex'),
  });

/** Bytes in place of a record's payload, well signed. */
const payload = (bytes: Uint8Array) => (stage: Stage) => sealEnvelope(RECORD_ENVELOPE, bytes, stage.member.key);

export const records: readonly Behaviour[] = [
  {
    ...member,
    name: 'signs a record in the name of somebody else',
    must: 'refused: the signer is another one',
    run: refused(/sign/, (stage) =>
      signRecord(stage.member.key, header(stage.honest), associationOf(stage.member, stage)),
    ),
  },
  {
    ...member,
    name: 'sends a record whose signature was altered',
    must: 'refused: the signature does not verify',
    run: refused(/signature does not verify/, async (stage) => {
      const envelope = Uint8Array.from(
        await signRecord(stage.member.key, header(stage.member), associationOf(stage.member, stage)),
      );
      envelope[envelope.length - 1]! ^= 1;
      return envelope;
    }),
  },
  {
    ...member,
    name: 'sends a record of another fleet',
    must: 'it has no place: nobody passes it on',
    async run(stage) {
      const other = header(stage.member, { fleetId: 'ab'.repeat(32) as never });
      const envelope = await signRecord(stage.member.key, other, associationOf(stage.member, stage));
      await push(stage, stage.member, [envelope]);
      await assertNotSpread(stage, readRecord(envelope).hash);
    },
  },
  {
    ...member,
    name: 'dates a record four years ahead',
    must: 'refused: dated ahead',
    run: refused(/ahead|dated/, (stage) =>
      signRecord(
        stage.member.key,
        header(stage.member, { time: Date.now() + 4 * YEAR_MS }),
        associationOf(stage.member, stage),
      ),
    ),
  },
  {
    ...member,
    name: 'sends a record of a type that does not exist',
    must: 'refused: it does not decode',
    run: refused(/./, (stage) => {
      const bytes = Buffer.from(encodePayload(header(stage.member), associationOf(stage.member, stage)));
      // A map, version 1, then the type.
      bytes[4] = 23;
      return sealEnvelope(RECORD_ENVELOPE, bytes, stage.member.key);
    }),
  },
  {
    ...member,
    name: 'nests lists sixteen thousand deep (CBOR)',
    must: 'refused: it does not decode',
    run: refused(/./, payload(new Uint8Array(16_000).fill(0x81))),
  },
  {
    ...member,
    name: 'announces a map of four thousand million pairs, and a text of two gigabytes (CBOR)',
    must: 'refused: it does not decode; no memory is set aside',
    async run(stage) {
      await refused(/./, payload(Buffer.from('baffffffff0001', 'hex')))(stage);
      await refused(/./, payload(Buffer.from('a1007a80000000aa', 'hex')))(stage);
    },
  },
  {
    ...member,
    name: 'writes the same record in another encoding (CBOR)',
    must: 'refused: there is one encoding only',
    run: refused(/./, (stage) => {
      const bytes = Buffer.from(encodePayload(header(stage.member), associationOf(stage.member, stage)));
      // The number 1 in two bytes instead of one.
      return sealEnvelope(
        RECORD_ENVELOPE,
        Buffer.concat([bytes.subarray(0, 2), Buffer.from([0x18, 1]), bytes.subarray(3)]),
        stage.member.key,
      );
    }),
  },
  {
    ...member,
    name: 'adds bytes behind a record, and cuts one short',
    must: 'refused: it does not decode',
    async run(stage) {
      const whole = () => Buffer.from(encodePayload(header(stage.member), associationOf(stage.member, stage)));
      await refused(/./, (of) => sealEnvelope(RECORD_ENVELOPE, Buffer.concat([whole(), encode(1)]), of.member.key))(
        stage,
      );
      await refused(/./, (of) => sealEnvelope(RECORD_ENVELOPE, whole().subarray(0, -3), of.member.key))(stage);
      await refused(/./, async (of) => (await sealEnvelope(RECORD_ENVELOPE, whole(), of.member.key)).subarray(0, 100))(
        stage,
      );
    },
  },
  {
    ...member,
    name: 'revokes another member',
    must: 'it counts for nothing: that member is served as before',
    async run(stage) {
      await stage.member.to(stage.address);
      await push(stage, stage.member, [
        await signRecord(stage.member.key, header(stage.member), {
          type: 'revocation',
          peerId: stage.honest.peerId,
          lastAccepted: null,
        }),
      ]);
      await stage.honest.connect(stage.address);
    },
  },
  {
    ...member,
    name: 'admits a friend as an operator, without an invite',
    must: 'the friend is a stranger as before',
    async run(stage) {
      const friend = await Peer.make('friend', { from: stage.newHost() });
      friend.log.joinFleet(stage.honest.fleetId);
      const { peerId, ageRecipient } = friend;
      const body = {
        type: 'admission',
        peerId,
        ageRecipient,
        role: 'operator',
        invite: null,
        admittedAt: Date.now(),
        joinSignature: null,
      } as const;
      const own = await friend.log.seal(friend.memberBody());
      await push(stage, stage.member, [await signRecord(stage.member.key, header(stage.member), body), own.envelope]);
      const connection = await dial(friend.node, stage.address);
      const greeting = { version: WIRE_VERSION, fleet: bytesOfHex(friend.fleetId) };
      assert.deepEqual((await sayHello(connection, greeting)).credential, []);
      await assertNotServed(connection, RECORDS_PROTOCOL);
      await friend.end();
    },
  },
  {
    ...member,
    name: 'says that it has restored a state that is for somebody else (forged restore)',
    must: 'the event has no place: nobody passes it on',
    async run(stage) {
      const { held, member: peer } = stage;
      const body = plainEvent({
        association: stage.associationIdOf(held),
        state: held.state,
        step: 'restore',
        phase: 'restored',
        snapshot: 1,
        descriptorHash: 'ab'.repeat(32),
      });
      const record = await peer.log.seal(body);
      await push(stage, peer, [record.envelope]);
      await assertNotSpread(stage, record.hash);
    },
  },
  {
    ...member,
    name: 'says that a state of somebody else is safe to wipe (forged word of the source)',
    must: 'the event has no place: nobody passes it on',
    async run(stage) {
      const { held, member: peer } = stage;
      const association = stage.associationIdOf(held);
      const body = plainEvent({
        association,
        state: held.state,
        step: 'commit',
        phase: 'safe',
        snapshot: 1,
        descriptorHash: 'ab'.repeat(32),
        untilMs: Date.now() + 1e9,
      });
      const record = await peer.log.seal(body);
      await push(stage, peer, [record.envelope]);
      await assertNotSpread(stage, record.hash);
    },
  },
  {
    who: 'point',
    protocol: 'records',
    name: 'signs that the attacked agent has deleted what it holds (forged receipt)',
    must: 'refused: the signer is another one; the agent’s own receipt stays',
    run: refused(/sign/, (stage) =>
      signRecord(
        stage.member.key,
        header(stage.member, { signer: stage.nas.peerId as never }),
        plainEvent({
          association: stage.associationIdOf(stage.held),
          state: stage.held.state,
          step: 'holder',
          phase: 'deleted',
          snapshot: 1,
          descriptorHash: 'cd'.repeat(32),
        }),
      ),
    ),
  },
  {
    who: 'operator',
    protocol: 'records',
    name: 'associates the state of a member that takes no orders with itself',
    must: 'the association does not count: no lease, no key',
    async run(stage) {
      const { operator, held, honest } = stage;
      await operator.to(stage.address);
      const parties = {
        source: honest.peerId,
        destination: operator.peerId,
        mode: 'side-by-side',
        nonce: randomBytes(16).toString('hex'),
      } as const;
      const { envelope } = await operator.log.seal(plainAssociation(parties));
      await push(stage, operator, [envelope]);
      await assert.rejects(
        (await operator.point(stage.address)).snapshot(held.state, 1, new AbortController().signal),
        { code: 'refused' },
      );
    },
  },
  {
    ...member,
    name: 'signs two records in one place of its chain (a fork)',
    must: 'both are kept, and the signer counts for nothing: its streams are reset',
    async run(stage) {
      const forker = await Peer.make('forker', { from: stage.newHost() });
      await forker.join(stage.address, await stage.invite());
      const place = header(forker, { epoch: 'ee'.repeat(8), sequence: 5 });
      const twins = await Promise.all([1, 2].map(() => signRecord(forker.key, place, associationOf(forker, stage))));
      await push(stage, forker, twins);
      const connection = await dial(forker.node, stage.address);
      await assertNotServed(connection, RECORDS_PROTOCOL);
      await forker.end();
    },
  },
  {
    ...member,
    name: 'floods events about one association',
    must: '256 of one signer are taken, no more',
    async run(stage) {
      const flooder = await Peer.make('flooder', { from: stage.newHost() });
      await flooder.join(stage.address, await stage.invite());
      const record = await flooder.log.append(associationOf(flooder, stage));
      const association = associationId(record.hash);
      const events = await Promise.all(
        Array.from({ length: EVENTS_PER_SIGNER_AND_ASSOCIATION_MAX + 20 }, () =>
          flooder.log.seal(
            plainEvent({
              association,
              state: randomBytes(32).toString('hex') as never,
              step: 'commit',
              phase: 'stored',
              snapshot: 1,
              descriptorHash: 'ab'.repeat(32),
            }),
          ),
        ),
      );
      await push(stage, flooder, [record.envelope]);
      for (let at = 0; at < events.length; at += RECORDS_PER_MESSAGE_MAX) {
        await push(
          stage,
          flooder,
          events.slice(at, at + RECORDS_PER_MESSAGE_MAX).map(({ envelope }) => envelope),
        );
      }
      await stage.honest.connect(stage.address);
      await stage.honest.sync();
      assert.equal(stage.honest.log.events(association).length, EVENTS_PER_SIGNER_AND_ASSOCIATION_MAX);
      await flooder.end();
    },
  },
  {
    ...member,
    name: 'sends the same 256 records over and over (replay)',
    must: 'nothing is new: the log stays as it is, and nobody is told',
    async run(stage) {
      await stage.member.to(stage.address);
      await stage.member.sync();
      const hashes = stage.member.log.entries('').map(({ hash }) => hash);
      const all = Array.from(
        { length: RECORDS_PER_MESSAGE_MAX },
        (_, index) => stage.member.log.envelopeOf(hashes[index % hashes.length]!)!,
      );
      const { fingerprint } = stage.member.log.summary('');
      for (let round = 0; round < 20; round += 1) await push(stage, stage.member, all);
      await stage.member.sync();
      assert.deepEqual(stage.member.log.summary('').fingerprint, fingerprint);
    },
  },
  {
    ...member,
    name: 'sends one record more than a message may have, and asks about branches that are too deep',
    must: 'the stream is reset (damaged)',
    async run(stage) {
      const connection = await stage.member.to(stage.address);
      const many = Array.from({ length: RECORDS_PER_MESSAGE_MAX + 1 }, () => Uint8Array.of(1));
      await assertReset(connection, RECORDS_PROTOCOL, framed(RecordsRequest.encode({ records: many })));
      const deep = { prefix: new Uint8Array(5), fingerprint: new Uint8Array(16) };
      await assertReset(connection, RECORDS_PROTOCOL, framed(RecordsRequest.encode({ branches: [deep] })));
    },
  },
  {
    ...member,
    name: 'sends a message one byte above the limit',
    must: 'the stream is reset at its length',
    run: async (stage) =>
      assertReset(await stage.member.to(stage.address), RECORDS_PROTOCOL, varint(CONTROL_MESSAGE_MAX_BYTES + 1)),
  },
  {
    ...member,
    name: 'wants records that nobody has, and keeps its side of the stream open',
    must: 'an answer without records, and the stream is reset 5 s later',
    async run(stage) {
      const connection = await stage.member.to(stage.address);
      const stream = await connection.newStream(RECORDS_PROTOCOL);
      const wants = Array.from({ length: RECORDS_PER_MESSAGE_MAX }, () => randomBytes(16));
      const over = new Promise<boolean>((resolve) =>
        stream.addEventListener('close', (event) => resolve(event.error !== undefined)),
      );
      stream.send(framed(RecordsRequest.encode({ wants })));
      assert.ok(await over, 'it is reset');
    },
  },
];
