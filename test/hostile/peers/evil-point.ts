/** A member that says that it is a point, and real agents that capture to it. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { bytesOfHex } from '../../../src/common/bytes.ts';
import { serveHello } from '../../../src/protocols/hello/hello.ts';
import { WIRE_VERSION } from '../../../src/protocols/hello/messages.ts';
import { askOver, pushRecords } from '../../../src/protocols/records/client.ts';
import { serveRecords } from '../../../src/protocols/records/server.ts';
import { FakePoint, type Faults } from '../../node/source/support/fake-point.ts';
import type { Ended } from '../../support/agents.ts';
import { eventually } from '../../support/scene.ts';
import { Peer } from './peer.ts';
import type { Stage } from './stage.ts';

const ROOM_BYTES = 1e9;
const CONTENT_BYTES = 3e6;
const desks = new WeakMap<Stage, Promise<unknown>>();
let points = 0;

/** An agent as people run them. */
export async function agent(stage: Stage, name: string): Promise<void> {
  await stage.scene.agent(name, ['--verbose']);
  await stage.scene.join(name, await stage.invite());
}

/** Who all states are for. Made once a stage. */
export async function desk(stage: Stage): Promise<void> {
  const made = desks.get(stage) ?? agent(stage, 'desk');
  desks.set(stage, made);
  await made;
}

export class EvilPoint {
  readonly name: string;
  readonly #stage: Stage;
  readonly #peer: Peer;
  readonly #point: FakePoint<Peer>;
  /** The source that captures to it, which has one association. */
  readonly #laptop: string;

  private constructor(stage: Stage, peer: Peer, point: FakePoint<Peer>) {
    this.#stage = stage;
    this.name = peer.name;
    this.#peer = peer;
    this.#point = point;
    this.#laptop = `${peer.name}-laptop`;
  }

  static async open(stage: Stage, faults: Faults): Promise<EvilPoint> {
    await desk(stage);
    points += 1;
    await agent(stage, `evil${points}-laptop`);
    const peer = await Peer.make(`evil${points}`, { from: stage.newHost() });
    const point = new FakePoint(peer, ROOM_BYTES);
    Object.assign(point.faults, faults);
    await point.start(async (link) => {
      const credential = (): Uint8Array[] => peer.log.credential(peer.peerId);
      const told = () => ({ version: WIRE_VERSION, fleet: bytesOfHex(peer.fleetId), credential: credential() });
      await serveHello(link, { onHello: async () => told() });
      await serveRecords(link, peer.log, { received: () => {}, agreed: () => {} });
    });
    point.onSigned = async (envelope) => pushRecords(askOver(await peer.to(stage.address)), [envelope]);
    const [address] = point.address.split('/p2p/');
    await peer.join(stage.address, await stage.invite(), { point: true, addresses: [address!] });
    for (const name of [`${peer.name}-laptop`, 'desk']) {
      await eventually(`${name} knows it`, async () => {
        const { members } = await stage.scene.done(name, ['fleet', 'members']);
        return (members as { peerId: string }[]).some(({ peerId }) => peerId === peer.peerId) || undefined;
      });
    }
    return new EvilPoint(stage, peer, point);
  }

  /** Commits that it has taken. */
  get commits(): number {
    return this.#point.commits.length;
  }

  /** A capture to it alone, by the real program. */
  capture(more: readonly string[] = []): Promise<Ended> {
    const folder = this.#stage.scene.path(`${this.name}-data`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/file`, randomBytes(CONTENT_BYTES));
    return this.#stage.scene.run(this.#laptop, ['capture', folder, '--for', 'desk', '--points', this.name, ...more]);
  }

  async end(): Promise<void> {
    this.#point.letGo();
    await this.#point.vanish();
    await this.#peer.end();
  }
}
