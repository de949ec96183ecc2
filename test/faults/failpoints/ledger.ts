import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failpoint } from '../../../src/common/failpoint.ts';
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

  /** Undoes every restore of a HOME, and dies at these points where they are: some of the restores changed nothing. */
  async undoAll(home: readonly string[], points: readonly Failpoint[]): Promise<void> {
    const folder = join(home[1]!, 'restores');
    const waiting = [...points];
    for (let left = restoresIn(folder); left.length > 0; left = restoresIn(folder)) {
      const [point] = waiting;
      const ended = await new Command(['undo', left.at(-1)!, '--json', ...home], { env: this.env(point) }).ended;
      if (ended.signal === 'SIGKILL') this.note(waiting.shift()!);
      else assert.equal(ended.status, 0, ended.stdout);
    }
  }

  /** Throws where one of them was never passed, or never killed at. */
  check(points: readonly Failpoint[]): void {
    const passed = new Set(existsSync(this.#log) ? readFileSync(this.#log, 'utf8').split('\n') : []);
    const lacking = points.filter((point) => !passed.has(point));
    assert.deepEqual(lacking, [], 'every failpoint is passed');
    const alive = points.filter((point) => !this.killed.has(point));
    assert.deepEqual(alive, [], 'somebody was killed at every failpoint');
  }
}

/** Of one that was cut short before its record had its name, an empty folder stays. */
function restoresIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const isOne = (id: string): boolean => ['restore.json', 'areas'].some((name) => existsSync(join(folder, id, name)));
  return readdirSync(folder).filter(isOne).sort();
}
