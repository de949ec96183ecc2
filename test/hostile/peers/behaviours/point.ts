/** Requests to a point by members who have no right to what they ask, or ask it wrongly. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Connection } from '@libp2p/interface';
import {
  CONNECTIONS_PER_PEER_MAX,
  CONTROL_MESSAGE_MAX_BYTES,
  LEASES_PER_MEMBER_MAX,
} from '../../../../src/common/limits.ts';
import { POINT_PROTOCOL, PointAnswer, PointRequest } from '../../../../src/protocols/point/messages.ts';
import { plainAssociation } from '../../../../src/state/records/index.ts';
import type { Behaviour } from '../behaviour.ts';
import { dial } from '../hostile-node.ts';
import { Peer } from '../peer.ts';
import { describe, type Leased, type Stage } from '../stage.ts';
import { ask, assertReset, ending, framed, type StreamEnd, varint } from '../talk.ts';

type Request = Partial<PointRequest>;
const member = { who: 'member', protocol: 'point' } as const;
const PATHS = [
  '../../../../etc/passwd',
  `${'../'.repeat(20)}tmp`,
  `${'ab'.repeat(31)}/.`,
  'AB'.repeat(32),
  '\0'.repeat(64),
  '',
];

/** One request, which must be answered with that fault and nothing else. */
async function refuses(stage: Stage, peer: Peer, request: Request, code: string, says: RegExp): Promise<void> {
  const answer = await ask(await peer.to(stage.address), POINT_PROTOCOL, PointRequest.encode(request), PointAnswer);
  assert.equal(answer.fault?.code, code, `${code}: ${JSON.stringify(answer.fault)}`);
  assert.match(answer.fault?.message ?? '', says);
  assert.equal(answer.lease, undefined);
  assert.equal(answer.descriptor.length + answer.key.length + answer.holdings.length, 0);
}

const refused =
  (code: string, says: RegExp, requestOf: (stage: Stage) => Request | Promise<Request>): Behaviour['run'] =>
  async (stage) =>
    refuses(stage, stage.member, await requestOf(stage), code, says);

/** A stream of raw bytes that must be reset without an answer. */
const reset =
  (bytes: () => Uint8Array): Behaviour['run'] =>
  async (stage) =>
    assertReset(await stage.member.to(stage.address), POINT_PROTOCOL, bytes());

const key = (name: string) => ({ name, bytes: randomBytes(100) });
const commitOf = (lease: string, descriptor: Uint8Array, keys = [key('recovery')], snapshot = 1): Request => ({
  commit: { lease, snapshot, descriptor, keys, packs: new Uint8Array(0) },
});

/** A commit of a state of one's own, from a lease and its association on. */
const refusedCommit =
  (code: string, says: RegExp, requestOf: (stage: Stage, leased: Leased) => Promise<Request>): Behaviour['run'] =>
  async (stage) => {
    const leased = await stage.lease(stage.member, 1000);
    await refuses(stage, stage.member, await requestOf(stage, leased), code, says);
    await stage.release(stage.member, leased.lease);
  };

const own = (
  stage: Stage,
  leased: Leased,
  changes: Parameters<typeof describe>[4] = {},
  packs: Parameters<typeof describe>[3] = [],
) => describe(stage.member, stage.associationIdOf(leased), leased.state, packs, changes);

export const requests: readonly Behaviour[] = [
  {
    ...member,
    name: 'asks for a lease on a state of somebody else’s association',
    must: 'fault refused',
    run: refused('refused', /no association .* makes that machine the source/, ({ held }) => ({
      reserve: { association: held.association, state: 'cd'.repeat(32), bytes: 1000, copy: false },
    })),
  },
  {
    ...member,
    name: 'asks for a lease on the state that somebody else has there, under an association of its own',
    must: 'fault refused: it belongs to another one',
    async run(stage) {
      const { association, lease } = await stage.lease(stage.member, 10);
      await stage.release(stage.member, lease);
      const reserve = { association, state: stage.held.state, bytes: 1000, copy: false };
      await refuses(stage, stage.member, { reserve }, 'refused', /belongs to another association/);
    },
  },
  {
    ...member,
    name: 'says that it makes a copy of a state that it never said to hold',
    must: 'fault refused',
    run: refused('refused', /signed no receipt/, ({ held: { association, state } }) => ({
      reserve: { association, state, bytes: 1000, copy: true },
    })),
  },
  {
    ...member,
    name: 'reserves 2^53 - 1 bytes',
    must: 'fault: there is no such room',
    async run(stage) {
      const { association, lease } = await stage.lease(stage.member, 10);
      await stage.release(stage.member, lease);
      const reserve = { association, state: 'ef'.repeat(32), bytes: Number.MAX_SAFE_INTEGER, copy: false };
      await refuses(stage, stage.member, { reserve }, 'no-point', /bytes are needed and \d+ are free/);
    },
  },
  {
    ...member,
    name: 'takes lease after lease',
    must: 'fault refused at the seventeenth; one that others need is still to be had',
    async run(stage) {
      const nonce = randomBytes(16).toString('hex');
      const parties = {
        source: stage.greedy.peerId,
        destination: stage.honest.peerId,
        mode: 'side-by-side',
        nonce,
      } as const;
      const { envelope: association } = await stage.greedy.log.append(plainAssociation(parties));
      const reserve = () => ({ association, state: randomBytes(32).toString('hex'), bytes: 10, copy: false });
      for (let count = 0; count < LEASES_PER_MEMBER_MAX; count += 1) {
        const answer = await ask(
          await stage.greedy.to(stage.address),
          POINT_PROTOCOL,
          PointRequest.encode({ reserve: reserve() }),
          PointAnswer,
        );
        assert.ok(answer.lease, JSON.stringify(answer.fault));
      }
      await refuses(stage, stage.greedy, { reserve: reserve() }, 'no-point', /has 16 leases/);
    },
  },
  {
    ...member,
    name: 'reserves under an association that it has forged in another’s name',
    must: 'fault refused: the signer is not the source',
    run: refused('refused', /no association .* makes that machine the source/, async (stage) => {
      const parties = {
        source: stage.honest.peerId,
        destination: stage.member.peerId,
        mode: 'side-by-side',
        nonce: 'ab'.repeat(16),
      } as const;
      const { envelope } = await stage.member.log.seal(plainAssociation(parties));
      return { reserve: { association: envelope, state: 'aa'.repeat(32), bytes: 10, copy: false } };
    }),
  },
  {
    ...member,
    name: 'names states by pieces of paths',
    must: 'fault usage or refused, before any path is made',
    async run(stage) {
      for (const state of PATHS) {
        await refuses(stage, stage.member, { snapshot: { state, snapshot: 1, key: '' } }, 'usage', /not a state id/);
        await refuses(
          stage,
          stage.member,
          { missing: { state, packs: new Uint8Array(32) } },
          'usage',
          /not a state id/,
        );
        await refuses(stage, stage.member, { addKey: { state, key: key('recovery') } }, 'usage', /not a state id/);
      }
    },
  },
  {
    ...member,
    name: 'names a key file by a path',
    must: 'fault usage: there is no key file of that name',
    run: refused('usage', /no key file/, ({ held }) => ({
      snapshot: { state: held.state, snapshot: 1, key: '../../state.json' },
    })),
  },
  {
    ...member,
    name: 'gives up the lease of somebody else',
    must: 'fault refused',
    async run(stage) {
      const { lease } = await stage.lease(stage.honest, 1000, stage.member);
      await refuses(stage, stage.member, { release: lease }, 'refused', /no such lease/);
      await stage.release(stage.honest, lease);
    },
  },
  {
    ...member,
    name: 'commits under the lease of somebody else',
    must: 'fault refused',
    async run(stage) {
      const leased = await stage.lease(stage.honest, 1000, stage.member);
      await refuses(stage, stage.member, commitOf(leased.lease, await own(stage, leased)), 'refused', /no such lease/);
      await stage.release(stage.honest, leased.lease);
    },
  },
  {
    ...member,
    name: 'commits before it has sent the packs',
    must: 'fault damaged: packs are missing',
    run: refusedCommit('damaged', /1 of 1 packs are missing/, async (stage, leased) =>
      commitOf(
        leased.lease,
        await own(stage, leased, {}, [{ id: 'ab'.repeat(32) as never, bytes: new Uint8Array(100) }]),
        [key(stage.honest.peerId)],
      ),
    ),
  },
  {
    ...member,
    name: 'commits a descriptor that somebody else has signed',
    must: 'fault refused: of another signer or state',
    run: refusedCommit('refused', /not of this state, source and association/, async ({ held }, leased) =>
      commitOf(leased.lease, held.descriptor),
    ),
  },
  {
    ...member,
    name: 'commits a descriptor that was altered',
    must: 'fault: its signature does not verify',
    run: refusedCommit('damaged', /signature of a descriptor does not verify/, async (stage, leased) => {
      const descriptor = Uint8Array.from(await own(stage, leased));
      descriptor[60]! ^= 1;
      return commitOf(leased.lease, descriptor);
    }),
  },
  {
    ...member,
    name: 'commits random bytes as a descriptor',
    must: 'fault damaged',
    run: refusedCommit('damaged', /signature of a descriptor does not verify/, async (_, { lease }) =>
      commitOf(lease, randomBytes(10_000)),
    ),
  },
  {
    ...member,
    name: 'commits another number than the descriptor has',
    must: 'fault refused',
    run: refusedCommit('refused', /of snapshot 1, not 7/, async (stage, leased) =>
      commitOf(leased.lease, await own(stage, leased), [key(stage.honest.peerId)], 7),
    ),
  },
  {
    ...member,
    name: 'commits key files for others, and named by paths',
    must: 'fault refused: nobody else has a key of it',
    async run(stage) {
      for (const name of ['../../../x', stage.operator.peerId, 'code/../x']) {
        await refusedCommit('refused', /wrapped to somebody unknown/, async (of, leased) =>
          commitOf(leased.lease, await own(of, leased), [key(of.honest.peerId), key(name)]),
        )(stage);
      }
    },
  },
  {
    ...member,
    name: 'asks which packs of somebody else’s state are missing',
    must: 'fault refused',
    run: refused('refused', /is for another machine/, ({ held }) => ({
      missing: { state: held.state, packs: new Uint8Array(32) },
    })),
  },
  {
    ...member,
    name: 'looks for somebody else’s state',
    must: 'fault refused',
    run: refused('refused', /is for another machine/, ({ held }) => ({ find: { state: held.state } })),
  },
  {
    ...member,
    name: 'wants the descriptor and key of somebody else’s state',
    must: 'fault refused, neither is given',
    run: refused('refused', /is for another machine/, ({ held }) => ({
      snapshot: { state: held.state, snapshot: 1, key: '' },
    })),
  },
  {
    ...member,
    name: 'adds a key to somebody else’s state',
    must: 'fault refused',
    run: refused('refused', /is for another machine/, ({ held, member: { peerId } }) => ({
      addKey: { state: held.state, key: key(peerId) },
    })),
  },
  {
    who: 'operator',
    protocol: 'point',
    name: 'wants the descriptor and key of a state, and to add a key to it',
    must: 'fault refused: to operate a fleet is not to read its states',
    async run(stage) {
      const { state } = stage.held;
      await refuses(
        stage,
        stage.operator,
        { snapshot: { state, snapshot: 1, key: '' } },
        'refused',
        /is for another machine/,
      );
      await refuses(
        stage,
        stage.operator,
        { addKey: { state, key: key(stage.operator.peerId) } },
        'refused',
        /is for another machine/,
      );
    },
  },
  {
    who: 'destination',
    protocol: 'point',
    name: 'adds keys of others to the state that is for it, and takes a lease on it',
    must: 'fault refused: that is the source’s',
    async run(stage) {
      const { state, association } = stage.held;
      await refuses(
        stage,
        stage.destination,
        { addKey: { state, key: key(stage.member.peerId) } },
        'refused',
        /is for another machine/,
      );
      await refuses(
        stage,
        stage.destination,
        { reserve: { association, state, bytes: 1000, copy: false } },
        'refused',
        /./,
      );
    },
  },
  {
    ...member,
    name: 'asks nothing, and everything at once',
    must: 'fault usage; or the first question is answered and no other',
    async run(stage) {
      await refuses(stage, stage.member, {}, 'usage', /without a question/);
      const request = {
        reserve: { association: stage.held.association, state: 'cd'.repeat(32), bytes: 1, copy: false },
        release: 'x',
        find: { state: '' },
      };
      await refuses(stage, stage.member, request, 'refused', /makes that machine the source/);
    },
  },
  {
    ...member,
    name: 'sends a message one byte above the limit',
    must: 'the stream is reset at its length',
    run: reset(() => varint(CONTROL_MESSAGE_MAX_BYTES + 1)),
  },
  {
    ...member,
    name: 'sends a number beyond 2^53, a list of nine keys, and pack ids cut short',
    must: 'the stream is reset, or fault damaged',
    async run(stage) {
      await reset(() => framed(Buffer.from([18, 11, 24, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1])))(stage);
      await reset(() =>
        framed(
          PointRequest.encode({
            commit: {
              lease: '',
              snapshot: 1,
              descriptor: new Uint8Array(0),
              keys: Array.from({ length: 9 }, () => key('x')),
              packs: new Uint8Array(0),
            },
          }),
        ),
      )(stage);
      await refuses(
        stage,
        stage.member,
        { missing: { state: 'ab'.repeat(32), packs: new Uint8Array(33) } },
        'damaged',
        /cut short/,
      );
    },
  },
  {
    ...member,
    isSlow: true,
    name: 'opens connection after connection, with sixteen messages of four megabytes on each that it does not end',
    must: 'streams are reset beyond what one peer may have in memory, the others after 20 s; connections beyond thirty-two are closed',
    run: floodOfHalves,
  },
];

/** Some five hundred streams with 4 MiB each but for their last byte: 2 GiB, if all of it were kept. */
async function floodOfHalves(stage: Stage): Promise<void> {
  const hoarder = await Peer.make('hoarder', { from: stage.newHost() });
  await hoarder.join(stage.address, await stage.invite());
  const message = Buffer.concat([
    varint(CONTROL_MESSAGE_MAX_BYTES - 10),
    new Uint8Array(CONTROL_MESSAGE_MAX_BYTES - 11),
  ]);
  const connections: (Connection | undefined)[] = [];
  // One after another: dials to one peer at once become one connection.
  for (let count = 0; count < 40; count += 1) {
    connections.push(await dial(hoarder.node, stage.address).catch(() => undefined));
  }
  const ends: Promise<StreamEnd>[] = [];
  for (const connection of connections) {
    for (let count = 0; connection?.status === 'open' && count < 16; count += 1) {
      const stream = await connection.newStream(POINT_PROTOCOL).catch(() => undefined);
      if (!stream) continue;
      ends.push(ending(stream, 120_000));
      try {
        stream.send(message);
      } catch {
        // It was reset already.
      }
    }
  }
  for (const { bytes, wasReset } of await Promise.all(ends)) assert.ok(wasReset && bytes === 0);
  const open = connections.filter((one) => one?.status === 'open').length;
  assert.ok(open <= CONNECTIONS_PER_PEER_MAX, 'a peer has its share of connections');
  stage.assertUnharmed();
  await hoarder.end();
}
