import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILPOINTS, type Failpoint } from '../../../src/common/failpoint.ts';
import { Command, type Ended } from '../../support/agents.ts';
import type { Run } from '../scenario.ts';

/** Which failpoints were passed, and at which of them a process was killed. */
export class Ledger {
  readonly run: Run;
  readonly killed = new Set<string>();
  readonly #log: string;

  constructor(run: Run) {
    this.run = run;
    this.#log = join(run.dir, 'passed');
  }

  /** Its part of the environment of a process: everything that it passes is noted, and it dies at that point. */
  env(point?: Failpoint): NodeJS.ProcessEnv {
    return { RESETTLE_FAILPOINT_LOG: this.#log, ...(point && { RESETTLE_FAILPOINT: point }) };
  }

  /** A process was killed there. */
  note(point: Failpoint): void {
    this.killed.add(point);
    this.run.note(`killed at ${point}`);
  }

  /** Runs a command that dies at each of these points in turn, `afterKill` every time, then once more to its end. */
  async chain(
    args: readonly string[],
    points: readonly Failpoint[],
    afterKill: (point: Failpoint) => Promise<void> | void = () => {},
  ): Promise<Ended> {
    for (const point of points) {
      const ended = await new Command([...args, '--json'], { env: this.env(point) }).ended;
      const said = `${args[0]} at ${point}: ${ended.stdout.slice(-1500)}${ended.stderr.slice(-1500)}`;
      assert.equal(ended.signal, 'SIGKILL', said);
      this.note(point);
      await afterKill(point);
    }
    return await new Command([...args, '--json'], { env: this.env() }).ended;
  }

  /** Throws where one was never passed, or never killed at. */
  checkAll(): void {
    const passed = new Set(existsSync(this.#log) ? readFileSync(this.#log, 'utf8').split('\n') : []);
    const all = Object.keys(FAILPOINTS);
    assert.deepEqual(
      all.filter((name) => !passed.has(name)),
      [],
      'every failpoint is passed',
    );
    assert.deepEqual(
      all.filter((name) => !this.killed.has(name)),
      [],
      'somebody was killed at every failpoint',
    );
  }
}
