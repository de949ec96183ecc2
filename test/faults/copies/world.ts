/** An office with points and states, and what must hold of them whatever happens. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AssociationId } from '../../../src/common/ids.ts';
import { type Capture, Office, type TestPack } from '../../node/point/support/office.ts';
import { HOUR_MS, TestMachine } from './machine.ts';

/** What an association asks for. */
export interface Terms {
  readonly replicas: number;
  readonly keepMs: number;
  readonly deadlineMs: number | null;
}

/** A state of the source, with all that was acknowledged to it. */
export interface TestState {
  readonly terms: Terms;
  readonly association: AssociationId;
  /** Ascending. */
  readonly captures: Capture[];
  /** Its destination has restored one. */
  isRestored: boolean;
}

/** Time is moved by so much at once while something is waited for. */
const STRIDE_MS = HOUR_MS / 6;
/** Two days: longer than anything that a point waits for. What it does then takes real time, on a busy machine much of it. */
const STRIDES_MAX = 288;
const REAL_MAX_MS = 30_000;
const BREATH_MS = 20;

export class World {
  readonly office: Office;
  readonly machines: TestMachine[];
  readonly states: TestState[] = [];
  /** Time that was moved, in all. */
  movedMs = 0;
  readonly #ends: (() => Promise<void>)[];

  private constructor(office: Office, ends: (() => Promise<void>)[]) {
    this.office = office;
    this.#ends = ends;
    this.machines = office.points.map((point) => new TestMachine(point));
  }

  static async open(points: number): Promise<World> {
    const ends: (() => Promise<void>)[] = [];
    const world = new World(await Office.open({ after: (end) => void ends.push(end) }, points), ends);
    for (const machine of world.machines) await machine.start();
    return world;
  }

  async close(): Promise<void> {
    for (const end of this.#ends) await end();
  }

  /** Stores a snapshot: of a new state, or the next one of a state. Undefined where nobody takes it. */
  async capture(machine: TestMachine, packs: readonly TestPack[], terms: Terms, of?: TestState): Promise<void> {
    const state = of ?? (await this.#newState(terms));
    const last = state.captures.at(-1);
    const more = last ? { state: last.state, snapshot: last.snapshot + 1 } : {};
    const before = last?.packs.slice(0, last.packs.length >> 1) ?? [];
    const capture = await this.office.snapshot(state.association, [...before, ...packs], more);
    await this.office.capture(machine.point, capture);
    state.captures.push(capture);
    state.isRestored = false;
    if (!of) this.states.push(state);
  }

  /** The destination says that it has the newest snapshot. */
  async acknowledge(state: TestState): Promise<void> {
    const capture = state.captures.at(-1)!;
    for (const machine of this.machines) {
      const had = machine.had.get(capture);
      if (had) had.acknowledgedMs ??= machine.ranMs();
    }
    state.isRestored = true;
    await this.office.acknowledge(capture);
  }

  async move(ms: number): Promise<void> {
    this.movedMs += ms;
    for (const machine of this.machines) machine.move(ms);
    await this.breathe();
  }

  /** Lets points do what they would do now. */
  async breathe(): Promise<void> {
    await Promise.all(this.machines.filter(({ runs }) => runs).map(({ point }) => point.role.tick()));
    await sleep(BREATH_MS);
  }

  /** Whatever was acknowledged and is not due lies where it lay, but for what the test took away. */
  checkKept(): void {
    for (const machine of this.machines) {
      for (const state of this.states) {
        for (const capture of state.captures) this.#checkKept(machine, state, capture);
      }
    }
  }

  /** Moves time until each state that somebody there has whole is there as often as it was asked for. */
  async copiesComeBack(): Promise<void> {
    const end = performance.now() + REAL_MAX_MS;
    for (let stride = 0; ; stride += 1) {
      this.checkKept();
      const short = this.states.map((state) => this.#shortOf(state)).find((text) => text !== undefined);
      if (short === undefined) return;
      assert.ok(stride < STRIDES_MAX || performance.now() < end, `${short}, and nothing comes of it`);
      // A transfer that is under way would stand still for all that time.
      if (this.#isBusy()) await this.breathe();
      else await this.move(STRIDE_MS);
    }
  }

  #isBusy(): boolean {
    return this.machines.some(({ runs, point }) => runs && point.role.held().some(({ door }) => door !== 'closed'));
  }

  #checkKept(machine: TestMachine, state: TestState, capture: Capture): void {
    const had = machine.had.get(capture);
    machine.noteMended(capture);
    if (!had) {
      if (!machine.has(capture)) return;
      const acknowledgedMs = state.isRestored && capture === state.captures.at(-1) ? machine.ranMs() : undefined;
      machine.had.set(capture, { sinceMs: machine.ranMs(), acknowledgedMs });
      return;
    }
    const lost = machine.lostByItself(capture);
    if (lost === undefined) return;
    const { keepMs, deadlineMs } = state.terms;
    const newest = state.captures.filter((one) => machine.had.has(one)).at(-1)!;
    const { sinceMs, acknowledgedMs } = machine.had.get(newest)!;
    const ranMs = machine.ranMs();
    const isDue =
      (acknowledgedMs !== undefined && ranMs - acknowledgedMs >= keepMs) ||
      (deadlineMs !== null && ranMs - sinceMs >= deadlineMs);
    assert.ok(isDue, `${machine.point.machine.name} has deleted ${lost} before its time`);
    for (const one of state.captures) machine.had.delete(one);
  }

  /** Undefined where there are enough copies, or more cannot be expected. */
  #shortOf(state: TestState): string | undefined {
    // Once a copy may be deleted nobody needs to make another one.
    if (state.isRestored || (state.terms.deadlineMs !== null && this.#mayBeOver(state))) return undefined;
    const there = this.machines.filter(({ isThere }) => isThere);
    const capture = state.captures.findLast((one) => there.some((machine) => machine.has(one)));
    if (!capture) return undefined;
    const counting = there.filter((machine) => !machine.isDraining);
    const having = counting.filter((machine) => machine.has(capture));
    const possible = counting.filter((machine) => machine.has(capture) || machine.isOpen);
    const wanted = Math.min(state.terms.replicas, possible.length);
    if (having.length >= wanted) return undefined;
    const names = (machines: readonly TestMachine[]): string =>
      machines.map(({ point }) => point.machine.name).join(', ') || 'nobody';
    return `snapshot ${capture.snapshot} of ${capture.state.slice(0, 8)} is with ${names(having)}, ${wanted} of ${names(possible)} should have it`;
  }

  #mayBeOver(state: TestState): boolean {
    return this.machines.some((machine) =>
      state.captures.some((capture) => {
        const had = machine.had.get(capture);
        return had !== undefined && machine.ranMs() - had.sinceMs >= state.terms.deadlineMs! - 2 * HOUR_MS;
      }),
    );
  }

  async #newState(terms: Terms): Promise<TestState> {
    const association = await this.office.associate(terms);
    return { terms, association, captures: [], isRestored: false };
  }
}
