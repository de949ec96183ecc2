/** A fleet whose machines are killed at failpoints, each in the middle of a work that ends right all the same. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failpoint } from '../../../src/common/failpoint.ts';
import { FleetWorld, type Machine } from '../support/fleet-world.ts';
import type { Ledger } from './ledger.ts';

export class FleetKills {
  readonly world: FleetWorld;
  readonly #ledger: Ledger;

  private constructor(ledger: Ledger, world: FleetWorld) {
    this.#ledger = ledger;
    this.world = world;
  }

  /** Does this to a fleet, and ends it. */
  static async within(ledger: Ledger, work: (kills: FleetKills) => Promise<void>): Promise<void> {
    const kills = new FleetKills(ledger, await FleetWorld.make(ledger.run, ledger.env()));
    try {
      await work(kills);
      await kills.world.checkEnd();
    } finally {
      await kills.world.end();
    }
  }

  /** Something is there to be sent. */
  async changed(work: () => Promise<unknown>): Promise<void> {
    appendFileSync(join(this.world.tree, 'changed'), this.world.run.random.bytes(1000));
    await work();
  }

  /** A machine dies there, in the middle of that work, starts again, and the work ends right. */
  async dies(
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
}
