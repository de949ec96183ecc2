/** One machine that speaks our protocols by hand: its keys, its records, its node. Honest or not is what the caller makes of it. */
import { randomBytes } from 'node:crypto';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Connection, Ed25519PrivateKey, Stream } from '@libp2p/interface';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Libp2p } from 'libp2p';
import { bytesOfHex } from '../../../src/common/bytes.ts';
import { systemClock } from '../../../src/common/clock.ts';
import type { FleetId, PeerIdText } from '../../../src/common/ids.ts';
import { sayHello } from '../../../src/protocols/hello/hello.ts';
import { type HelloAnswer, WIRE_VERSION } from '../../../src/protocols/hello/messages.ts';
import { PointClient } from '../../../src/protocols/point/point.ts';
import { askOver, haveSame, reconcile } from '../../../src/protocols/records/client.ts';
import { serveRecords } from '../../../src/protocols/records/server.ts';
import {
  createJoinRequest,
  type MemberBody,
  parseInviteToken,
  peerIdOf,
  RecordLog,
} from '../../../src/state/records/index.ts';
import { dial, HOSTILE_HOST, type HostileNodeOptions, hostileNode } from './hostile-node.ts';

export class Peer {
  readonly name: string;
  readonly key: Ed25519PrivateKey;
  readonly peerId: PeerIdText;
  readonly ageIdentity: string;
  readonly ageRecipient: string;
  readonly log: RecordLog;
  readonly node: Libp2p;
  /** Where it comes from: an address of this machine. */
  readonly from: string;
  #connection: Connection | undefined;

  private constructor(
    name: string,
    key: Ed25519PrivateKey,
    age: [string, string],
    log: RecordLog,
    node: Libp2p,
    from: string,
  ) {
    this.name = name;
    this.key = key;
    this.peerId = peerIdOf(key.publicKey);
    [this.ageIdentity, this.ageRecipient] = age;
    this.log = log;
    this.node = node;
    this.from = from;
  }

  static async make(name: string, options: HostileNodeOptions = {}): Promise<Peer> {
    const key = await generateKeyPair('Ed25519');
    const ageIdentity = await generateX25519Identity();
    const log = await RecordLog.open({ path: ':memory:', privateKey: key, clock: systemClock, random: randomBytes });
    const node = await hostileNode({ ...options, privateKey: key });
    await serveRecords(node, log, { received: () => {}, agreed: () => {} });
    const age: [string, string] = [ageIdentity, await identityToRecipient(ageIdentity)];
    return new Peer(name, key, age, log, node, options.from ?? HOSTILE_HOST);
  }

  get fleetId(): FleetId {
    return this.log.fleetId!;
  }

  memberBody(changes: Partial<MemberBody> = {}): MemberBody {
    const { peerId, ageRecipient, name } = this;
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

  /** Joins a fleet by way of the agent at that address, and takes all its records. */
  async join(address: string, token: string, changes: Partial<MemberBody> = {}): Promise<void> {
    const parsed = await parseInviteToken(token);
    this.log.joinFleet(parsed.invite.fleetId);
    const { invite, member, joinSignature } = await createJoinRequest(this.log, parsed, this.memberBody(changes));
    const connection = await dial(this.node, address);
    const join = { invite, member, signature: joinSignature };
    const answer = await sayHello(connection, { version: WIRE_VERSION, fleet: bytesOfHex(this.fleetId), join });
    if (answer.fault || answer.credential.length === 0) throw new Error(`${this.name} was not admitted`);
    await this.log.insert([...answer.credential, member]);
    this.#connection = connection;
    await this.sync();
  }

  /** A new connection on which both have greeted. */
  async connect(address: string): Promise<Connection> {
    const connection = await dial(this.node, address);
    const answer = await this.hello(connection);
    if (answer.credential.length === 0) throw new Error(`${this.name} is not taken for a member`);
    this.#connection = connection;
    return connection;
  }

  hello(connection: Connection): Promise<HelloAnswer> {
    const fleet = bytesOfHex(this.fleetId);
    return sayHello(connection, { version: WIRE_VERSION, fleet, credential: this.log.credential(this.peerId) });
  }

  /** The connection that it has, or a new one where that has ended. */
  async to(address: string): Promise<Connection> {
    if (this.#connection?.status === 'open') return this.#connection;
    return await this.connect(address);
  }

  /** Makes its records and the other's equal. */
  async sync(): Promise<void> {
    const ask = askOver(this.#connection!);
    for (let round = 0; round < 10; round += 1) {
      if (await haveSame(ask, this.log)) return;
      await reconcile(ask, this.log, this.#connection!.remotePeer.toString());
    }
    throw new Error(`${this.name} and the agent never have the same records`);
  }

  async point(address: string): Promise<PointClient> {
    return new PointClient(await this.to(address), 'the agent');
  }

  async stream(address: string, protocol: string): Promise<Stream> {
    return await (await this.to(address)).newStream(protocol, { signal: AbortSignal.timeout(10_000) });
  }

  async end(): Promise<void> {
    await this.node.stop();
    this.log.close();
  }
}
