/** A fleet: captures, copies, scrubs, jobs, keys, shares and deletions, with a machine killed at every point of each. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failpoint } from '../../../src/common/failpoint.ts';
import { Command, resettle } from '../../support/agents.ts';
import { FleetWorld, isWhole, MACHINES, type Machine } from '../support/fleet-world.ts';
import { assertSame } from '../support/folder-world.ts';
import type { Ledger } from './ledger.ts';

const SOURCE: readonly Failpoint[] = [
  'source.place-noted',
  'source.sent',
  'source.signed',
  'source.point-committed',
  'source.committed',
  'source.snapshot-noted',
  'source.receipt-descriptor-kept',
];
const POINT: readonly Failpoint[] = [
  'lease.granted',
  'lease.noted',
  'point.pack-accepted',
  'commit.checked',
  'commit.part-noted',
  'commit.keys-written',
  'commit.descriptor-written',
  'commit.lease-ended',
  'lease.leftovers-dropped',
  'commit.receipt-signed',
];
const COPY: readonly Failpoint[] = ['copy.reserved', 'copy.sent', 'copy.made'];
const SCRUB: readonly Failpoint[] = [
  'store.set-aside',
  'scrub.set-aside',
  'scrub.read',
  'scrub.noted',
  'repair.fetched',
  'repair.noted',
];
const JOB: readonly Failpoint[] = ['job.noted', 'job.done'];
const DELETION: readonly Failpoint[] = [
  'deletion.decided',
  'store.snapshots-deleted',
  'store.state-deleted',
  'deletion.done',
  'deletion.signed',
];
const OTHERS: readonly Failpoint[] = [
  'source.associated',
  'lease.given-up',
  'source.key-added',
  'commit.key-added',
  'share.kept',
  'share.given',
  'share.deal-noted',
  'share.release-noted',
];

export const FLEET_POINTS = [SOURCE, POINT, COPY, SCRUB, JOB, DELETION, OTHERS].flat();

const CAPTURE = ['capture', '--for', 'desk', '--wait', '0s'];
/** A point looks at what is due a quarter of this often. */
const SOON = ['--lost-after', '8s'];

export async function fleetChain(ledger: Ledger): Promise<void> {
  const chain = new FleetChain(ledger, await FleetWorld.make(ledger.run, ledger.env()));
  try {
    await chain.all();
  } finally {
    await chain.world.end();
  }
}

class FleetChain {
  readonly world: FleetWorld;
  readonly #ledger: Ledger;

  constructor(ledger: Ledger, world: FleetWorld) {
    this.#ledger = ledger;
    this.world = world;
  }

  async all(): Promise<void> {
    const { world } = this;
    const capture = (): Promise<unknown> => world.done('laptop', [...CAPTURE, world.tree]);
    await capture();
    for (const point of SOURCE) await this.#dies('laptop', point, () => this.#changed(capture));
    for (const point of POINT) await this.#dies('nas', point, () => this.#changed(capture));
    await this.#givesUp();
    for (const point of COPY) await this.#dies('nas', point, () => this.#changed(capture));
    const { last } = await world.done('laptop', [...CAPTURE, world.tree]);
    await world.copied(String(last.state), Number(last.snapshot));
    for (const point of SCRUB) await this.#scrubbed(point, String(last.state));
    for (const point of JOB) await this.#dies('laptop', point, () => this.#changed(() => this.#detached()));
    await this.#named();
    await this.#deleted();
    await this.#inPlace();
    await world.checkEnd();
  }

  /** Something is there to be sent. */
  async #changed(work: () => Promise<unknown>): Promise<void> {
    appendFileSync(join(this.world.tree, 'changed'), this.world.run.random.bytes(1000));
    await work();
  }

  /** A machine dies there, in the middle of that work, starts again, and the work ends right. */
  async #dies(
    name: Machine,
    point: Failpoint,
    work: () => Promise<unknown>,
    more: readonly string[] = [],
  ): Promise<void> {
    const { world } = this;
    await world.settled();
    const before = world.killsOf[name];
    await world.start(name, { failpoint: point }, more);
    await work();
    await world.until(`${name} dies at ${point}`, () => world.killsOf[name] > before);
    await world.settled();
    this.#ledger.note(point);
  }

  /** A source that fails behind the last pack gives its lease up. */
  async #givesUp(): Promise<void> {
    const { world } = this;
    await world.start('laptop', { failpoint: 'source.sent:1:fail' });
    const fails = async (): Promise<void> => {
      const args = [...CAPTURE, world.tree, '--json', ...world.home('laptop')];
      const { status } = await new Command(args).ended;
      assert.equal(status, 1);
    };
    await this.#dies('nas', 'lease.given-up', () => this.#changed(fails));
    await world.start('laptop');
  }

  async #scrubbed(point: Failpoint, state: string): Promise<void> {
    const { world } = this;
    const packs = join(world.store('nas'), 'states', state, 'packs');
    const [first] = readdirSync(packs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const path = join(first!.parentPath, first!.name);
    const good = readFileSync(path);
    world.hurt.nas.add(first!.name);
    const hurt = async (): Promise<void> => {
      writeFileSync(path, good.subarray(0, good.length >> 1));
      await world.until(`${path} is whole again after ${point}`, () => isWhole(path, good));
    };
    await this.#dies('nas', point, hurt, ['--scrub-every', '2s']);
    world.hurt.nas.delete(first!.name);
  }

  async #detached(): Promise<void> {
    const { world } = this;
    const args = [...CAPTURE.slice(0, 3), world.tree, '--detach'];
    await world.done('laptop', args);
    const jobs = join(world.run.dir, 'laptop', 'jobs');
    await world.until('the job is done', () => existsSync(jobs) && readdirSync(jobs).length === 0);
  }

  /** A destination that is named after the capture gets its key. */
  async #named(): Promise<void> {
    const { world } = this;
    const named = async (): Promise<void> => {
      const made = await world.done('laptop', ['associate', 'laptop', '--to-be-named', '--points', 'nas']);
      const [{ association }] = made.last.associations as [{ association: string }];
      const { last } = await world.done('laptop', ['capture', world.tree, '--for', association, '--wait', '0s']);
      await world.done('laptop', ['associate', association, 'den']);
      const keys = join(world.store('nas'), 'states', String(last.state), 'keys');
      await world.until('the key is there', () => readdirSync(keys).length > 0);
    };
    await this.#dies('laptop', 'source.key-added', named);
    await this.#dies('nas', 'commit.key-added', named);
  }

  /** What was restored and is to be kept no longer goes, whenever its point dies. */
  async #deleted(): Promise<void> {
    const { world } = this;
    const { dir } = world.run;
    await world.start('nas', {}, SOON);
    const made = ['associate', 'laptop', 'den', '--paths', world.tree, '--points', 'nas', '--keep', '0'];
    await world.done('laptop', made);
    await this.#dies('laptop', 'source.associated', () =>
      world.done('laptop', ['capture', world.tree, '--for', 'nas', '--points', 'den', '--wait', '0s']),
    );
    const { last } = await world.done('laptop', ['capture', world.tree, '--for', 'den', '--wait', '0s']);
    const into = join(dir, 'deleted');
    const restore = ['restore', '--from', 'laptop', '--state', String(last.state), '--into', into, '--strip', '--yes'];
    const [first, ...others] = DELETION;
    await this.#dies('nas', first!, () => world.done('den', restore), SOON);
    for (const point of others) await this.#dies('nas', point, async () => {}, SOON);
    assert.ok(!existsSync(join(world.store('nas'), 'states', String(last.state))), 'the state is gone');
    assertSame(world.tree, into, 'restored');
  }

  /** A machine that is installed anew: its key comes back in shares. */
  async #inPlace(): Promise<void> {
    const { world } = this;
    await world.done('laptop', ['associate', 'laptop', '--in-place', '--paths', world.tree, '--points', 'nas']);
    const capture = (): Promise<unknown> =>
      world.done('laptop', ['capture', world.tree, '--for', 'laptop', '--points', 'nas', '--wait', '0s']);
    await this.#dies('laptop', 'share.given', capture);
    await this.#dies('desk', 'share.kept', () => this.#dealtAnew(capture));
    await this.#dies('laptop', 'share.deal-noted', () => this.#dealtAnew(capture));
    await capture();
    const { token } = await resettle(['fleet', 'invite', '--ticket', 'laptop', ...world.home('nas')]);
    await world.stop('laptop');
    rmSync(join(world.run.dir, 'laptop'), { recursive: true });
    await world.start('laptop');
    await resettle(['fleet', 'join', '-', ...world.home('laptop')], { input: String(token) });
    const into = join(world.run.dir, 'anew');
    const restore = ['restore', '--into', into, '--strip', '--yes'];
    await this.#dies('desk', 'share.release-noted', () => world.done('laptop', restore));
    assertSame(world.tree, into, 'restored in place');
    for (const name of MACHINES) await world.start(name);
  }

  /** The source has forgotten its deal, and makes another one. */
  async #dealtAnew(capture: () => Promise<unknown>): Promise<void> {
    rmSync(join(this.world.run.dir, 'laptop', 'dealt'), { recursive: true, force: true });
    await this.#changed(capture);
  }
}
