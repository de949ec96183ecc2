/** A member that says that it holds what an honest point holds, and the real machine that restores it. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bytesOfHex } from '../../../src/common/bytes.ts';
import { packId, stateId } from '../../../src/common/ids.ts';
import { createLink } from '../../../src/node/link/libp2p-node.ts';
import { serveHello } from '../../../src/protocols/hello/hello.ts';
import { WIRE_VERSION } from '../../../src/protocols/hello/messages.ts';
import { serveRecords } from '../../../src/protocols/records/server.ts';
import { MemoryPoint } from '../../node/destination/memory-point.ts';
import type { Ended } from '../../support/agents.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import { eventually } from '../../support/scene.ts';
import { filesBelow } from '../../support/trees.ts';
import { agent, desk } from './evil-point.ts';
import { Peer } from './peer.ts';
import type { Stage } from './stage.ts';

const CONTENT_BYTES = 3e6;
let holders = 0;

export class EvilHolder {
  readonly name: string;
  /** What it says and gives: the honest snapshot 1, until a behaviour makes something else of it. */
  readonly point: MemoryPoint;
  readonly #stage: Stage;
  readonly #peer: Peer;
  readonly #folder: string;
  readonly #laptop: string;
  #targets = 0;

  private constructor(stage: Stage, peer: Peer, point: MemoryPoint, captured: { folder: string; laptop: string }) {
    this.#stage = stage;
    this.#peer = peer;
    this.name = peer.name;
    this.point = point;
    this.#folder = captured.folder;
    this.#laptop = captured.laptop;
  }

  /** A machine captures to the honest point alone; then somebody joins who says that he has it as well. */
  static async open(stage: Stage): Promise<EvilHolder> {
    const { scene } = stage;
    await desk(stage);
    holders += 1;
    const laptop = `held${holders}-laptop`;
    await agent(stage, laptop);
    const folder = scene.path(`held${holders}-data`);
    mkdirSync(folder);
    for (const name of ['one', 'two']) writeFileSync(join(folder, name), randomBytes(CONTENT_BYTES));
    const done = await scene.done(laptop, ['capture', folder, '--for', 'desk', '--points', 'nas']);
    const peer = await Peer.make(`holder${holders}`, { from: stage.newHost() });
    const link = await createLink({ privateKey: peer.key, listen: ['/ip4/127.0.0.1/tcp/0'], guard: (one) => one });
    await link.start();
    const point = await MemoryPoint.on(link, peer.name);
    const [address] = link.getMultiaddrs()[0]!.toString().split('/p2p/');
    await peer.join(stage.address, await stage.invite(), { point: true, addresses: [address!] });
    const credential = (): Uint8Array[] => peer.log.credential(peer.peerId);
    const told = () => ({ version: WIRE_VERSION, fleet: bytesOfHex(peer.fleetId), credential: credential() });
    await serveHello(link, { onHello: async () => told() });
    await serveRecords(link, peer.log, { received: () => {}, agreed: () => {} });
    const members = async () =>
      (await scene.done('desk', ['fleet', 'members'])).members as readonly { name: string; peerId: string }[];
    await eventually('desk knows it', async () => (await members()).some(({ peerId }) => peerId === peer.peerId));
    point.state = stateId(String(done.state));
    point.association = String(done.association);
    point.destination = (await members()).find(({ name }) => name === 'desk')!.peerId;
    const held = join(scene.storeOf('nas'), 'states', point.state);
    point.snapshots.set(1, readFileSync(join(held, 'snapshots', '1')));
    for (const path of filesBelow(join(held, 'packs'))) point.packs.set(packId(basename(path)), readFileSync(path));
    return new EvilHolder(stage, peer, point, { folder, laptop });
  }

  /** A restore by the real program into a new folder. */
  restore(more: readonly string[] = []): Promise<Ended> {
    this.#targets += 1;
    const args = ['restore', '--from', this.#laptop, '--into', this.#into(), '--strip', '--yes', ...more];
    return this.#stage.scene.run('desk', args);
  }

  /** How the last one's tree differs from what was captured. */
  differences(): readonly string[] {
    return compareTrees(this.#folder, this.#into()).differences;
  }

  async end(): Promise<void> {
    await this.point.node.stop();
    await this.#peer.end();
  }

  #into(): string {
    return this.#stage.scene.path(`${this.name}-into-${this.#targets}`);
  }
}
