/** The small protocols: shares, doctor, ping, identify. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { DOCTOR_MESSAGE_MAX_BYTES, SHARES_MESSAGE_MAX_BYTES } from '../../../../src/common/limits.ts';
import { PING_PROTOCOL } from '../../../../src/node/link/libp2p-node.ts';
import { DOCTOR_PROTOCOL, DoctorAnswer, DoctorRequest } from '../../../../src/protocols/doctor/messages.ts';
import { SHARES_PROTOCOL, SharesAnswer, SharesRequest } from '../../../../src/protocols/shares/messages.ts';
import { plainAssociation } from '../../../../src/state/records/index.ts';
import type { Behaviour } from '../behaviour.ts';
import { bareConnection, YAMUX_FLAG, YAMUX_TYPE, yamuxFrame } from '../hostile-node.ts';
import type { Peer } from '../peer.ts';
import type { Stage } from '../stage.ts';
import { ask, assertReset, ending, framed, varint } from '../talk.ts';

const shares = { who: 'member', protocol: 'shares' } as const;
const doctor = { who: 'member', protocol: 'doctor' } as const;
const IDENTIFY = '/resettle/id/1.0.0';

async function refuses(
  stage: Stage,
  peer: Peer,
  request: Partial<SharesRequest>,
  code: string,
  says: RegExp,
): Promise<void> {
  const answer = await ask(await peer.to(stage.address), SHARES_PROTOCOL, SharesRequest.encode(request), SharesAnswer);
  assert.equal(answer.fault?.code, code, JSON.stringify(answer.fault));
  assert.match(answer.fault?.message ?? '', says);
  assert.equal(answer.nonce.length + answer.shares.length, 0);
}

/** An association in place of the member's own, with a ticket key that nobody has. */
async function inPlace(stage: Stage): Promise<string> {
  const { member } = stage;
  await member.to(stage.address);
  const parties = {
    source: member.peerId,
    destination: null,
    mode: 'in-place',
    nonce: randomBytes(16).toString('hex'),
  } as const;
  const record = await member.log.append({
    ...plainAssociation(parties),
    ticketRecipient: member.ageRecipient,
    ticketSealed: randomBytes(200),
  });
  await member.sync();
  return record.hash;
}

const state = () => randomBytes(32).toString('hex');

export const smallProtocols: readonly Behaviour[] = [
  {
    ...shares,
    name: 'offers a share of somebody else’s state',
    must: 'fault refused',
    run: (stage) =>
      refuses(
        stage,
        stage.member,
        { offer: { association: stage.associationIdOf(stage.held), state: stage.held.state } },
        'refused',
        /./,
      ),
  },
  {
    ...shares,
    name: 'names association and state by pieces of paths',
    must: 'fault usage, before any path is made',
    async run(stage) {
      for (const part of ['../../../../etc/passwd', '..', 'AB'.repeat(32)]) {
        await refuses(stage, stage.member, { offer: { association: part, state: state() } }, 'usage', /./);
        await refuses(
          stage,
          stage.member,
          { settle: { association: state(), state: part, deal: 'ab'.repeat(16), forgetOlder: true } },
          'usage',
          /./,
        );
      }
    },
  },
  {
    who: 'source',
    protocol: 'shares',
    name: 'puts a deal that it has not signed, and one that is no deal',
    must: 'fault refused or damaged: nothing is kept',
    async run(stage) {
      await inPlace(stage);
      for (const deal of [randomBytes(147 + 64), new Uint8Array(0), randomBytes(10)]) {
        const answer = await ask(
          await stage.member.to(stage.address),
          SHARES_PROTOCOL,
          SharesRequest.encode({ put: { deal, share: randomBytes(230) } }),
          SharesAnswer,
        );
        assert.match(answer.fault?.code ?? '', /refused|damaged|usage/);
      }
    },
  },
  {
    who: 'share holder',
    protocol: 'shares',
    name: 'settles a deal that was never put, of its own association',
    must: 'fault not-found or refused',
    async run(stage) {
      const association = await inPlace(stage);
      const settle = { association, state: state(), deal: 'ab'.repeat(16), forgetOlder: false };
      const answer = await ask(
        await stage.member.to(stage.address),
        SHARES_PROTOCOL,
        SharesRequest.encode({ settle }),
        SharesAnswer,
      );
      assert.match(answer.fault?.code ?? '', /refused|not-found/);
    },
  },
  {
    ...shares,
    name: 'asks for a nonce, and for a release, without a ticket',
    must: 'fault refused',
    async run(stage) {
      const association = await inPlace(stage);
      await refuses(stage, stage.greedy, { nonce: { association, state: state() } }, 'refused', /./);
      const release = { association, state: state(), nonce: randomBytes(32), signature: randomBytes(64) };
      await refuses(stage, stage.greedy, { release }, 'refused', /./);
    },
  },
  {
    ...shares,
    name: 'asks nothing, sends a signature of one byte, and a message above the limit',
    must: 'fault usage or refused; the stream is reset',
    async run(stage) {
      await refuses(stage, stage.member, {}, 'usage', /./);
      const connection = await stage.member.to(stage.address);
      await assertReset(connection, SHARES_PROTOCOL, varint(SHARES_MESSAGE_MAX_BYTES + 1));
      await assertReset(connection, SHARES_PROTOCOL, framed(Buffer.from([42, 70, 34, 68, ...new Uint8Array(68)])));
    },
  },
  {
    ...doctor,
    name: 'asks again and again how it is seen',
    must: 'fault refused: asked a moment ago',
    async run(stage) {
      const connection = await stage.greedy.to(stage.address);
      const request = DoctorRequest.encode({ version: 1 });
      let refused = 0;
      for (let count = 0; count < 20; count += 1) {
        const { fault } = await ask(connection, DOCTOR_PROTOCOL, request, DoctorAnswer);
        if (fault) {
          assert.equal(fault.code, 'refused');
          assert.match(fault.message, /a moment ago|answering others/);
          refused += 1;
        }
      }
      assert.ok(refused > 10);
    },
  },
  {
    ...doctor,
    name: 'sends a question above the limit, and a second while one waits',
    must: 'the stream is reset',
    async run(stage) {
      const connection = await stage.member.connect(stage.address);
      await assertReset(connection, DOCTOR_PROTOCOL, varint(DOCTOR_MESSAGE_MAX_BYTES + 1));
      const waiting = await connection.newStream(DOCTOR_PROTOCOL);
      await assertReset(connection, DOCTOR_PROTOCOL, framed(DoctorRequest.encode({ version: 1 })));
      waiting.abort(new Error('over'));
      await connection.close();
    },
  },
  {
    who: 'member',
    protocol: 'ping',
    name: 'sends half a ping and waits, and thirty streams of them',
    must: 'beyond two streams they are reset; these when their time is over',
    async run(stage) {
      const connection = await stage.member.connect(stage.address);
      const streams = await Promise.all(
        Array.from({ length: 30 }, () => connection.newStream(PING_PROTOCOL).catch(() => undefined)),
      );
      const ends = streams.flatMap((stream) => {
        if (!stream) return [];
        const over = ending(stream);
        try {
          stream.send(new Uint8Array(16));
        } catch {
          // It was reset already.
        }
        return [over];
      });
      for (const { bytes } of await Promise.all(ends)) assert.ok(bytes <= 16, 'what it sent comes back, no more');
      await connection.close();
    },
  },
  {
    who: 'member',
    protocol: 'identify',
    name: 'describes itself at endless length, in random bytes, and with another key, where the agent asks',
    must: 'the agent ends the stream; the member whose key that was is served as before',
    async run(stage) {
      const messages = [
        new Uint8Array(200_000).fill(0x80),
        framed(randomBytes(1000)),
        // A public key (field 1) of somebody else.
        framed(Buffer.concat([Buffer.from([10, 36, 8, 1, 18, 32]), stage.honest.key.publicKey.raw])),
      ];
      for (const message of messages) {
        const over = Promise.withResolvers<void>();
        await stage.greedy.node.handle(IDENTIFY, async (stream) => {
          ending(stream).then(() => over.resolve(), over.reject);
          stream.send(message);
        });
        const connection = await stage.greedy.connect(stage.address);
        await over.promise;
        await stage.greedy.node.unhandle(IDENTIFY);
        await connection.close();
      }
      await stage.honest.connect(stage.address);
    },
  },
  {
    who: 'member',
    protocol: 'yamux',
    name: 'floods pings of the muxer on a connection that stays, and reads no answer',
    must: 'closed at some thousand of them',
    async run(stage) {
      await stage.greedy.to(stage.address);
      const { node, frames } = await bareConnection(stage.address, {
        privateKey: stage.greedy.key,
        from: stage.newHost(),
      });
      const many = Buffer.concat(
        Array.from({ length: 1000 }, () => yamuxFrame({ type: YAMUX_TYPE.ping, flags: YAMUX_FLAG.syn, length: 7 })),
      );
      await frames.sendAll(Array.from({ length: 500 }, () => many));
      await frames.closed;
      await node.stop();
    },
  },
];
