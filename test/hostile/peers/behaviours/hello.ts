/** What strangers may speak: the greeting, and joining by it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { publicKeyToProtobuf } from '@libp2p/crypto/keys';
import { bytesOfHex } from '../../../../src/common/bytes.ts';
import {
  CREDENTIAL_RECORDS_MAX,
  HELLO_MESSAGE_MAX_BYTES,
  HELLOS_PER_CONNECTION_MAX,
} from '../../../../src/common/limits.ts';
import { BLOCKS_PROTOCOL } from '../../../../src/protocols/blocks/messages.ts';
import { DOCTOR_PROTOCOL } from '../../../../src/protocols/doctor/messages.ts';
import { sayHello } from '../../../../src/protocols/hello/hello.ts';
import {
  HELLO_PROTOCOL,
  HelloAnswer,
  HelloRequest,
  type JoinRequest,
  WIRE_VERSION,
} from '../../../../src/protocols/hello/messages.ts';
import { POINT_PROTOCOL } from '../../../../src/protocols/point/messages.ts';
import { RECORDS_PROTOCOL } from '../../../../src/protocols/records/messages.ts';
import { SHARES_PROTOCOL } from '../../../../src/protocols/shares/messages.ts';
import { createJoinRequest, parseInviteToken } from '../../../../src/state/records/index.ts';
import { signInvite, signJoin } from '../../../../src/state/records/invite.ts';
import { newKey } from '../../../../src/state/records/keys.ts';
import { forge } from '../../../records/machines.ts';
import type { Behaviour } from '../behaviour.ts';
import { dial } from '../hostile-node.ts';
import { Peer } from '../peer.ts';
import type { Stage } from '../stage.ts';
import { ask, assertNotServed, assertReset, ended, framed, varint } from '../talk.ts';

const MEMBERS_ONLY = [RECORDS_PROTOCOL, POINT_PROTOCOL, BLOCKS_PROTOCOL, DOCTOR_PROTOCOL, SHARES_PROTOCOL];
const hello = { who: 'stranger', protocol: 'hello' } as const;
const join = { who: 'stranger', protocol: 'join' } as const;

/** A machine that nobody has let in, with a connection to the agent. */
async function asStranger(
  stage: Stage,
  act: (peer: Peer, connection: Awaited<ReturnType<typeof dial>>) => Promise<void>,
) {
  const peer = await Peer.make('eve', { from: stage.newHost() });
  try {
    peer.log.joinFleet(stage.honest.fleetId);
    await act(peer, await dial(peer.node, stage.address));
  } finally {
    await peer.end();
  }
}

/** A stream of raw bytes that must be reset without an answer. */
const resetFor =
  (bytes: () => Uint8Array, halfClose = false): Behaviour['run'] =>
  (stage) =>
    asStranger(stage, (_, connection) => assertReset(connection, HELLO_PROTOCOL, bytes(), { halfClose }));

/** A request that is answered, with nothing but version and fleet in the answer. */
const learnsNothing =
  (requestOf: (stage: Stage, peer: Peer) => Partial<HelloRequest> | Promise<Partial<HelloRequest>>): Behaviour['run'] =>
  (stage) =>
    asStranger(stage, async (peer, connection) => {
      const answer = await sayHello(connection, {
        version: WIRE_VERSION,
        fleet: bytesOfHex(peer.fleetId),
        ...(await requestOf(stage, peer)),
      });
      assert.deepEqual(answer.credential, []);
      await assertNotServed(connection, RECORDS_PROTOCOL);
    });

/** A wish to join that must be answered with that fault. */
const mayNotJoin =
  (code: string, says: RegExp, requestOf: (stage: Stage, peer: Peer) => Promise<JoinRequest>): Behaviour['run'] =>
  (stage) =>
    asStranger(stage, async (peer, connection) => {
      const request = { version: WIRE_VERSION, fleet: bytesOfHex(peer.fleetId), join: await requestOf(stage, peer) };
      const { fault, credential } = await sayHello(connection, request);
      assert.equal(fault?.code, code);
      assert.match(fault?.message ?? '', says);
      assert.deepEqual(credential, []);
      await assertNotServed(connection, POINT_PROTOCOL);
    });

async function requestWith(peer: Peer, token: string, body = peer.memberBody()): Promise<JoinRequest> {
  const { invite, member, joinSignature } = await createJoinRequest(peer.log, await parseInviteToken(token), body);
  return { invite, member, signature: joinSignature };
}

export const greetings: readonly Behaviour[] = [
  {
    ...hello,
    name: 'speaks another version',
    must: 'fault usage, which names both versions',
    run: (stage) =>
      asStranger(stage, async (_, connection) => {
        const { fault } = await sayHello(connection, { version: 99 });
        assert.equal(fault?.code, 'usage');
        assert.match(fault?.message ?? '', /version 1, not 99/);
      }),
  },
  {
    ...hello,
    name: 'announces a message of two gigabytes',
    must: 'the stream is reset',
    run: resetFor(() => varint(2 ** 31)),
  },
  {
    ...hello,
    name: 'sends a message one byte above the limit',
    must: 'the stream is reset at its length',
    run: resetFor(() => framed(new Uint8Array(HELLO_MESSAGE_MAX_BYTES + 1))),
  },
  {
    ...hello,
    name: 'begins a length that never ends',
    must: 'the stream is reset at the fifth byte',
    run: resetFor(() => new Uint8Array(1024 * 1024).fill(0x80)),
  },
  {
    ...hello,
    name: 'ends in the middle of a message',
    must: 'the stream ends without an answer',
    run: resetFor(() => Buffer.concat([varint(100), new Uint8Array(50)]), true),
  },
  {
    ...hello,
    name: 'sends a field of the wrong kind, and one that goes beyond the message',
    must: 'the stream is reset (damaged)',
    async run(stage) {
      await resetFor(() => framed(Buffer.from([10, 1, 1])))(stage);
      await resetFor(() => framed(Buffer.from([8, 1, 18, 120, 0])))(stage);
    },
  },
  {
    ...hello,
    name: 'shows one record more than a credential may have',
    must: 'the stream is reset (damaged)',
    run: resetFor(() =>
      framed(
        HelloRequest.encode({
          version: 1,
          credential: Array.from({ length: CREDENTIAL_RECORDS_MAX + 1 }, () => Uint8Array.of(1)),
        }),
      ),
    ),
  },
  {
    ...hello,
    isSlow: true,
    name: 'writes its request at one byte a second',
    must: 'the stream is reset after 20 s, or the stranger’s connection closed after 15',
    run: (stage) =>
      asStranger(stage, async (_, connection) => {
        const stream = await connection.newStream(HELLO_PROTOCOL);
        const bytes = framed(HelloRequest.encode({ version: WIRE_VERSION, fleet: new Uint8Array(32) }));
        for (const byte of bytes) {
          if (stream.status !== 'open') break;
          stream.send(Uint8Array.of(byte));
          await sleep(1_000);
        }
        assert.notEqual(stream.status, 'open');
      }),
  },
  {
    ...hello,
    name: 'opens a third stream while two say nothing (half-open)',
    must: 'the third is reset at once',
    run: (stage) =>
      asStranger(stage, async (_, connection) => {
        for (let count = 0; count < 2; count += 1) await connection.newStream(HELLO_PROTOCOL);
        await assertReset(connection, HELLO_PROTOCOL, framed(HelloRequest.encode({ version: 1 })));
      }),
  },
  {
    ...hello,
    name: 'greets without end, with sixty-four records to verify each time',
    must: 'the connection is closed at the thirty-third',
    run: (stage) =>
      asStranger(stage, async (peer, connection) => {
        const credential = await Promise.all(
          Array.from(
            { length: CREDENTIAL_RECORDS_MAX },
            async (_, sequence) =>
              (await forge(peer.key, peer.fleetId, peer.memberBody(), { sequence: sequence + 1 })).envelope,
          ),
        );
        let answered = 0;
        await assert.rejects(async () => {
          for (;;) {
            await sayHello(connection, { version: WIRE_VERSION, fleet: bytesOfHex(peer.fleetId), credential });
            answered += 1;
          }
        });
        assert.equal(answered, HELLOS_PER_CONNECTION_MAX);
        await ended(connection);
      }),
  },
  {
    ...hello,
    name: 'shows the credential of somebody else',
    must: 'version and fleet, no credential, and no stream of members',
    run: learnsNothing((stage) => ({ credential: stage.honest.log.credential(stage.honest.peerId) })),
  },
  {
    ...hello,
    name: 'shows records by which it admits itself',
    must: 'they have no place: no credential, and no stream of members',
    run: learnsNothing(async (_, peer) => {
      const { peerId, ageRecipient } = peer;
      const body = {
        type: 'admission',
        peerId,
        ageRecipient,
        role: 'operator',
        invite: null,
        admittedAt: Date.now(),
        joinSignature: null,
      } as const;
      const admission = await forge(peer.key, peer.fleetId, body, { time: Date.now() });
      const member = await forge(peer.key, peer.fleetId, peer.memberBody(), { sequence: 2, time: Date.now() });
      return { credential: [admission.envelope, member.envelope] };
    }),
  },
  {
    ...hello,
    name: 'is of a fleet of its own making',
    must: 'version and fleet, no credential',
    run: learnsNothing(() => ({ fleet: Buffer.alloc(32, 7) })),
  },
  {
    who: 'stranger',
    protocol: 'identify, ping, records, point, blocks, doctor, shares',
    name: 'opens streams that are for members',
    must: 'each is reset at once, and the log says "refused a stranger"',
    run: (stage) =>
      asStranger(stage, async (_, connection) => {
        const from = stage.log.length;
        for (const protocol of [
          ...MEMBERS_ONLY,
          '/resettle/id/1.0.0',
          '/resettle/id/push/1.0.0',
          '/resettle/ping/1.0.0',
        ]) {
          await assertNotServed(connection, protocol);
        }
        await stage.logged(/refused a stranger/, from);
      }),
  },
  {
    who: 'revoked member',
    protocol: 'hello',
    name: 'greets with the credential that it had, and opens members’ streams',
    must: 'no credential in the answer, every stream reset',
    async run(stage) {
      const connection = await dial(stage.revoked.node, stage.address);
      assert.deepEqual((await stage.revoked.hello(connection)).credential, []);
      for (const protocol of MEMBERS_ONLY) await assertNotServed(connection, protocol);
      await connection.close();
    },
  },
  {
    who: 'revoked member',
    protocol: 'join',
    name: 'joins again with a fresh invite and its old keys',
    must: 'fault refused: it was revoked',
    async run(stage) {
      const connection = await dial(stage.revoked.node, stage.address);
      const request = await requestWith(stage.revoked, await stage.invite());
      const { fault } = await sayHello(connection, {
        version: WIRE_VERSION,
        fleet: bytesOfHex(stage.revoked.fleetId),
        join: request,
      });
      assert.equal(fault?.code, 'refused');
      assert.match(fault?.message ?? '', /revoked/);
      await connection.close();
    },
  },
  {
    ...join,
    name: 'spends an invite of one use twice',
    must: 'fault bad-invite: it was used up',
    run: mayNotJoin('bad-invite', /used up/, async (stage, peer) => {
      const token = await stage.invite();
      const first = await Peer.make('first', { from: stage.newHost() });
      await first.join(stage.address, token);
      await first.end();
      return await requestWith(peer, token);
    }),
  },
  {
    ...join,
    name: 'uses an invite that has run out',
    must: 'fault bad-invite: it has run out',
    run: mayNotJoin('bad-invite', /expired/, (stage, peer) =>
      wishBy(stage.operator, peer, { fromMs: -7_200_000, toMs: -3_600_000 }),
    ),
  },
  {
    ...join,
    name: 'alters the invite that it has',
    must: 'fault refused: its signature does not verify',
    run: mayNotJoin('refused', /signature|verif/, async (stage, peer) => {
      const request = await requestWith(peer, await stage.invite());
      const invite = Uint8Array.from(request.invite);
      invite[invite.length - 100]! ^= 1;
      return { ...request, invite };
    }),
  },
  {
    ...join,
    name: 'signs an invite itself',
    must: 'fault bad-invite: not signed by somebody who may invite',
    run: mayNotJoin('bad-invite', /is not a member/, (_, peer) => wishBy(peer, peer)),
  },
  {
    who: 'member',
    protocol: 'join',
    name: 'signs an invite for a friend',
    must: 'fault bad-invite: it is not an operator',
    run: mayNotJoin('bad-invite', /is not an operator/, (stage, peer) => wishBy(stage.member, peer)),
  },
  {
    who: 'operator',
    protocol: 'join',
    name: 'signs an invite for another operator',
    must: 'fault bad-invite: only the authority invites operators',
    run: mayNotJoin('bad-invite', /only the authority/, (stage, peer) =>
      wishBy(stage.operator, peer, { role: 'operator' }),
    ),
  },
  {
    ...join,
    name: 'joins without the invite’s key, by a signature of its own',
    must: 'fault bad-invite: not signed with its key',
    run: mayNotJoin('bad-invite', /not signed with its key/, async (stage, peer) => {
      const request = await requestWith(peer, await stage.invite());
      return { ...request, signature: await peer.key.sign(Buffer.from('resettle/1 join')) };
    }),
  },
  {
    ...join,
    name: 'replays the request by which somebody else joined',
    must: 'fault refused: the member record is of another machine',
    run: mayNotJoin('refused', /another machine/, async (stage) => {
      const first = await Peer.make('seen', { from: stage.newHost() });
      first.log.joinFleet(stage.honest.fleetId);
      const request = await requestWith(first, await stage.invite());
      await first.end();
      return request;
    }),
  },
  {
    ...join,
    name: 'asks to be let in under other keys than it signs with',
    must: 'fault bad-invite: the signature is over other keys',
    run: mayNotJoin('bad-invite', /not signed with its key/, async (stage, peer) => {
      const token = await stage.invite();
      const honest = await requestWith(peer, token);
      const other = await peer.log.seal(peer.memberBody({ ageRecipient: stage.honest.ageRecipient }));
      return { ...honest, member: other.envelope };
    }),
  },
  {
    ...join,
    name: 'floods wishes to join that are not signed',
    must: 'fault bad-invite each time, then the connection is closed',
    run: (stage) =>
      asStranger(stage, async (peer, connection) => {
        const request = { ...(await requestWith(peer, await stage.invite())), signature: new Uint8Array(64) };
        const body = HelloRequest.encode({ version: WIRE_VERSION, fleet: bytesOfHex(peer.fleetId), join: request });
        let refused = 0;
        await assert.rejects(async () => {
          for (;;) {
            const { fault } = await ask(connection, HELLO_PROTOCOL, body, HelloAnswer);
            assert.equal(fault?.code, 'bad-invite');
            refused += 1;
          }
        });
        assert.equal(refused, HELLOS_PER_CONNECTION_MAX);
      }),
  },
];

/** A wish to join on an invite that a peer has signed by hand, with times and rights as it likes. */
async function wishBy(
  issuer: Peer,
  joiner: Peer,
  terms: { fromMs?: number; toMs?: number; role?: 'member' | 'operator' } = {},
): Promise<JoinRequest> {
  const { fromMs = 0, toMs = 3_600_000, role = 'member' } = terms;
  const inviteKey = await newKey(randomBytes);
  const nowMs = Date.now();
  const invite = {
    fleetId: joiner.fleetId,
    serial: randomBytes(16).toString('hex'),
    publicKey: publicKeyToProtobuf(inviteKey.publicKey),
    role,
    uses: 1,
    issuedAt: nowMs + fromMs,
    expiresAt: nowMs + toMs,
    association: null,
  };
  const member = await joiner.log.seal(joiner.memberBody());
  return {
    invite: await signInvite(invite, issuer.key),
    member: member.envelope,
    signature: await signJoin(inviteKey, invite, joiner.peerId, joiner.ageRecipient),
  };
}
