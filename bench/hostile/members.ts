/** Floods by a member: it may ask, but not so much. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@libp2p/interface';
import { bytesOfHex } from '../../src/common/bytes.ts';
import { MUXER_SIGNALS_PER_SECOND } from '../../src/common/limits.ts';
import { sayHello } from '../../src/protocols/hello/hello.ts';
import { WIRE_VERSION } from '../../src/protocols/hello/messages.ts';
import { POINT_PROTOCOL, PointAnswer, PointRequest } from '../../src/protocols/point/messages.ts';
import { RECORDS_PROTOCOL, RecordsAnswer, RecordsRequest } from '../../src/protocols/records/messages.ts';
import { plainAssociation } from '../../src/state/records/index.ts';
import {
  type BareFrames,
  bareConnection,
  dial,
  YAMUX_FLAG,
  YAMUX_TYPE,
  yamuxFrame,
} from '../../test/hostile/peers/hostile-node.ts';
import { line, MULTISTREAM } from '../../test/hostile/peers/raw-socket.ts';
import { ask } from '../../test/hostile/peers/talk.ts';
import type { Flood, Target } from './flood.ts';

/** Below what one peer may have. */
const CONNECTIONS = 24;
const LANES = CONNECTIONS * 4;
const RECORDS_AT_ONCE = 200;

const connections = new Map<number, Promise<Connection>>();
const bare = new Map<number, Promise<BareFrames>>();

/** One of the member's connections, made anew where it was ended. */
async function connection(target: Target, lane: number): Promise<Connection> {
  const number = lane % CONNECTIONS;
  const known = connections.get(number);
  if (known && (await known).status === 'open') return await known;
  const made = dial(target.peer.node, target.address);
  connections.set(number, made);
  made.catch(() => connections.delete(number));
  return await made;
}

async function frames(target: Target, lane: number): Promise<BareFrames> {
  const known = bare.get(lane);
  if (known && (await known).isOpen) return await known;
  const made = bareConnection(target.address, { privateKey: target.peer.key }).then(({ frames: made }) => made);
  bare.set(lane, made);
  made.catch(() => bare.delete(lane));
  return await made;
}

const streams = new Map<number, number>();

/** So many streams of a protocol, opened and reset, as one connection may in a tenth of a second. */
async function openAndReset(target: Target, lane: number): Promise<void> {
  const on = await frames(target, lane);
  const chosen = Buffer.concat([MULTISTREAM, line(POINT_PROTOCOL)]);
  const count = Math.floor(MUXER_SIGNALS_PER_SECOND / 2 / 10);
  const first = streams.get(lane) ?? 1;
  streams.set(lane, first + 2 * count);
  const all = Array.from({ length: count }, (_, index) => [
    yamuxFrame({ type: YAMUX_TYPE.data, flags: YAMUX_FLAG.syn, stream: first + 2 * index }, chosen),
    yamuxFrame({ type: YAMUX_TYPE.window, flags: YAMUX_FLAG.rst, stream: first + 2 * index }),
  ]);
  on.send(Buffer.concat(all.flat()));
  target.sent(count);
  await sleep(100);
}

async function trickle(target: Target, lane: number): Promise<void> {
  const on = await frames(target, lane);
  const stream = streams.get(lane) ?? 1;
  streams.set(lane, stream + 2);
  on.send(yamuxFrame({ type: YAMUX_TYPE.data, flags: YAMUX_FLAG.syn, stream, length: 2 ** 18 }));
  for (let sent = 0; sent < 2 ** 18 && on.isOpen && !target.isOver(); sent += 1) {
    if (!on.send(Uint8Array.of(0x80))) await new Promise((drained) => on.channel.addEventListener('drain', drained));
    target.sent();
    if (sent % 50 === 0) await new Promise((next) => setImmediate(next));
  }
}

let forged: Uint8Array[] | undefined;

/** Records of the member's own, with a signature that is not theirs: parsed, and looked at as far as that. */
async function forgedRecords({ peer }: Target): Promise<Uint8Array[]> {
  if (forged) return forged;
  forged = await Promise.all(
    Array.from({ length: RECORDS_AT_ONCE }, async () => {
      const nonce = randomBytes(16).toString('hex');
      const parties = { source: peer.peerId, destination: null, mode: 'side-by-side', nonce } as const;
      const envelope = Uint8Array.from((await peer.log.seal(plainAssociation(parties))).envelope);
      envelope[envelope.length - 10]! ^= 1;
      return envelope;
    }),
  );
  return forged;
}

let association: Promise<Uint8Array> | undefined;

/** With nobody. */
async function associate({ peer }: Target): Promise<Uint8Array> {
  const nonce = randomBytes(16).toString('hex');
  const parties = { source: peer.peerId, destination: null, mode: 'side-by-side', nonce } as const;
  return (await peer.log.append(plainAssociation(parties))).envelope;
}

const member = { who: 'member', lanes: LANES } as const;

export const members: readonly Flood[] = [
  { ...member, name: 'streams opened and reset', lanes: CONNECTIONS, once: openAndReset },
  {
    ...member,
    name: 'greetings',
    async once(target, lane) {
      const fleet = bytesOfHex(target.peer.fleetId);
      const credential = target.peer.log.credential(target.peer.peerId);
      await sayHello(await connection(target, lane), { version: WIRE_VERSION, fleet, credential });
      target.sent();
    },
  },
  {
    ...member,
    name: 'questions about records',
    async once(target, lane) {
      const branches = Array.from({ length: 256 }, (_, first) => ({
        prefix: Uint8Array.of(first),
        fingerprint: randomBytes(16),
      }));
      await ask(await connection(target, lane), RECORDS_PROTOCOL, RecordsRequest.encode({ branches }), RecordsAnswer);
      target.sent();
    },
  },
  {
    ...member,
    name: 'records forged and pushed',
    async once(target, lane) {
      const records = await forgedRecords(target);
      await ask(await connection(target, lane), RECORDS_PROTOCOL, RecordsRequest.encode({ records }), RecordsAnswer);
      target.sent(records.length);
    },
  },
  {
    ...member,
    name: 'records signed and pushed',
    lanes: 4,
    async once(target, lane) {
      const named = target.peer.memberBody({ name: randomBytes(8).toString('hex') });
      const records = [(await target.peer.log.append(named)).envelope];
      await ask(await connection(target, lane), RECORDS_PROTOCOL, RecordsRequest.encode({ records }), RecordsAnswer);
      target.sent();
    },
  },
  {
    ...member,
    name: 'questions to the point',
    async once(target, lane) {
      const request = PointRequest.encode({ find: { state: '' } });
      await ask(await connection(target, lane), POINT_PROTOCOL, request, PointAnswer);
      target.sent();
    },
  },
  {
    ...member,
    name: 'leases taken and given up',
    async once(target, lane) {
      association ??= associate(target);
      const on = await connection(target, lane);
      const state = randomBytes(32).toString('hex');
      const reserve = { association: await association, state, bytes: 1000, copy: false };
      const { lease } = await ask(on, POINT_PROTOCOL, PointRequest.encode({ reserve }), PointAnswer);
      target.sent();
      if (lease) await ask(on, POINT_PROTOCOL, PointRequest.encode({ release: lease.lease }), PointAnswer);
    },
  },
  { ...member, name: 'large frames trickled', lanes: CONNECTIONS, once: trickle },
];
