/** A fleet on loopback, each machine an agent of its own. One that is killed starts again, with its old HOME and store. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AgentProcess, Command, type Ended, resettle } from '../../support/agents.ts';
import type { Run } from '../scenario.ts';
import { checkStore, type FoundSnapshot } from './store-invariants.ts';
import { aim, armed, howItEnded, type Strike, shown } from './strike.ts';
import { changeTree, copyTree, makeTree } from './tree.ts';

export const MACHINES = ['nas', 'den', 'laptop', 'desk'] as const;
export type Machine = (typeof MACHINES)[number];
export type Point = 'nas' | 'den';
const POINTS: readonly Point[] = ['nas', 'den'];

/** Nothing takes so long on a machine that works. */
const WAIT_MAX_MS = 240_000;
const LOOK_MS = 100;
/** A command is given again so often when its agent or a point was killed. */
const ATTEMPTS = 6;

const isPoint = (name: Machine): name is Point => name === 'nas' || name === 'den';

export class FleetWorld {
  readonly run: Run;
  readonly tree: string;
  kills = 0;
  /** How often each machine was killed. */
  readonly killsOf: Record<Machine, number> = { nas: 0, den: 0, laptop: 0, desk: 0 };
  /** Packs that were damaged on a point's disk, and are not whole again. */
  readonly hurt: Record<Point, Set<string>> = { nas: new Set(), den: new Set() };
  /** States whose key is with members, in shares. */
  readonly shared = new Set<string>();
  readonly #agents = new Map<Machine, AgentProcess>();
  readonly #ports = new Map<Machine, number>();
  /** Of those that start again after a kill. */
  readonly #restarts = new Map<Machine, Promise<void>>();
  /** What must be in a store, by the descriptor's hash. */
  readonly #acknowledged: Record<Point, Map<number, string>> = { nas: new Map(), den: new Map() };
  #isEnding = false;
  #failure: unknown;
  #version: string;
  #changes = 0;

  readonly #env: NodeJS.ProcessEnv;

  private constructor(run: Run, env: NodeJS.ProcessEnv) {
    this.run = run;
    this.#env = env;
    this.tree = makeTree(join(run.dir, 'tree'), run.random);
    this.#version = copyTree(this.tree, join(run.dir, 'tree-0'));
  }

  /** The fleet, with an association of laptop and desk that wants two copies. `env`: of all its agents. */
  static async make(run: Run, env: NodeJS.ProcessEnv = {}): Promise<FleetWorld> {
    const world = new FleetWorld(run, env);
    try {
      for (const name of MACHINES) world.#ports.set(name, await freePort());
      await Promise.all(MACHINES.map((name) => world.start(name)));
      await resettle(['fleet', 'init', '--name', 'faults', ...world.home('nas')]);
      const { token } = await resettle(['fleet', 'invite', '--uses', '3', ...world.home('nas')]);
      for (const name of ['den', 'laptop', 'desk'] as const) {
        await resettle(['fleet', 'join', '-', ...world.home(name)], { input: String(token) });
      }
      const associate = ['associate', 'laptop', 'desk', '--paths', world.tree, '--replicas', '2'];
      await resettle([...associate, '--points', 'nas,den', ...world.home('laptop')]);
      return world;
    } catch (error) {
      await world.end();
      throw error;
    }
  }

  home(name: Machine): string[] {
    return ['--home', join(this.run.dir, name)];
  }

  store(name: Point): string {
    return join(this.run.dir, `${name}-store`);
  }

  /** The tree as it is now. */
  get version(): string {
    return this.#version;
  }

  change(): void {
    changeTree(this.tree, this.run.random);
    this.#changes += 1;
    this.#version = copyTree(this.tree, join(this.run.dir, `tree-${this.#changes}`));
  }

  /** Starts a machine, again where it runs; the strike kills it sooner or later, or never. */
  async start(name: Machine, strike: Strike = {}, more: readonly string[] = []): Promise<void> {
    await this.#restarts.get(name);
    await this.#start(name, strike, more);
  }

  async #start(name: Machine, strike: Strike, more: readonly string[]): Promise<void> {
    const before = this.#agents.get(name);
    this.#agents.delete(name);
    await before?.end('SIGTERM');
    const listen = ['--listen', `/ip4/127.0.0.1/tcp/${this.#ports.get(name)}`];
    const point = isPoint(name) ? ['--point', this.store(name), '--keep-free', '0MB'] : [];
    const home = join(this.run.dir, name);
    const starting = AgentProcess.start(name, home, [...listen, ...point, ...more], {
      env: { ...this.#env, ...armed(strike) },
    });
    let agent: AgentProcess;
    try {
      agent = await starting;
    } catch (error) {
      // A command that found no agent does its work itself, and has the HOME meanwhile.
      if (/"code":"agent-already-running"/.test(String(error))) {
        await new Promise((later) => setTimeout(later, LOOK_MS));
        return this.#start(name, strike, more);
      }
      // Struck before it was there.
      if (strike.failpoint === undefined) throw error;
      this.run.note(`${name}: ${shown(strike)}: before it was ready`);
      await this.#afterKill(name);
      return this.#start(name, {}, more);
    }
    this.#agents.set(name, agent);
    void agent.command.ended.then((ended) => {
      if (ended.signal !== 'SIGKILL' || this.#agents.get(name) !== agent || this.#isEnding) return;
      this.run.note(`${name}: ${shown(strike)}: killed`);
      const again = this.#afterKill(name)
        .then(() => this.#start(name, {}, more))
        .catch((error: unknown) => {
          this.#failure ??= error;
        })
        .finally(() => this.#restarts.delete(name));
      this.#restarts.set(name, again);
    });
  }

  /** Ends it, for good. */
  async stop(name: Machine): Promise<void> {
    const agent = this.#agents.get(name);
    this.#agents.delete(name);
    await agent?.end('SIGTERM');
  }

  /** Kills it now; it starts again by itself. */
  kill(name: Machine): void {
    this.#agents.get(name)?.command.kill('SIGKILL');
  }

  /** The time of a strike counts from now. */
  aim(name: Machine, strike: Strike): () => void {
    return aim(strike, () => {
      this.run.note(`${name}: ${shown(strike)}`);
      this.kill(name);
    });
  }

  async #afterKill(name: Machine): Promise<void> {
    this.kills += 1;
    this.killsOf[name] += 1;
    if (isPoint(name)) await this.checkStoreOf(name);
  }

  /** Everyone who was killed is there again. Throws what a look after a kill has found. */
  async settled(): Promise<void> {
    while (this.#restarts.size > 0) await Promise.all(this.#restarts.values());
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Gives a command to a machine until it is done. It may end with an error when its agent, or a point that it needs, is
   * killed; `isDone` says that one of them means that it was done already.
   */
  async done(name: Machine, args: readonly string[], isDone: (ended: Ended) => boolean = () => false): Promise<Ended> {
    for (let attempt = 1; ; attempt += 1) {
      await this.settled();
      const command = new Command([...args, '--json', ...this.home(name)]);
      const ended = await command.ended;
      this.run.note(`${name}: ${args[0]}: ${howItEnded(ended)}`);
      // 3: done, and not safe yet, or with something left out by its own wish.
      if (ended.last.event === 'done' || isDone(ended)) return ended;
      assert.equal(ended.last.event, 'error', `${ended.stdout}${ended.stderr}`);
      // Both points may be away at once, and nobody is waited for; an agent that starts has the HOME before it answers.
      const passing = ['failed', 'agent-not-running', 'agent-already-running', 'no-point'];
      const mayEndSo = passing.includes(String(ended.last.code));
      // Its end may be known to the command before it is to us.
      await new Promise((later) => setTimeout(later, 3 * LOOK_MS));
      assert.ok(mayEndSo && attempt < ATTEMPTS, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
    }
  }

  /** That point has told somebody that it has the snapshot. */
  acknowledge(name: Point, snapshot: number, descriptorHash: string): void {
    this.#acknowledged[name].set(snapshot, descriptorHash);
  }

  /** Of a store whose point does not run: as FORMAT.md says, and with everything acknowledged. */
  async checkStoreOf(name: Point): Promise<FoundSnapshot[]> {
    const found = await checkStore(this.store(name), this.hurt[name], this.shared);
    for (const [snapshot, hash] of this.#acknowledged[name]) {
      const there = found.find((one) => one.snapshot === snapshot);
      assert.equal(there?.descriptorHash, hash, `snapshot ${snapshot}, which ${name} has acknowledged`);
    }
    return found;
  }

  descriptorFile(name: Point, state: string, snapshot: number): string {
    return join(this.store(name), 'states', state, 'snapshots', `${snapshot}`);
  }

  /** Waits until both points have a snapshot. */
  async copied(state: string, snapshot: number): Promise<void> {
    for (const name of POINTS) {
      const file = this.descriptorFile(name, state, snapshot);
      await this.until(`${name} has snapshot ${snapshot}`, () => existsSync(file));
    }
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const before = performance.now();
    while (!isSo()) {
      if (this.#failure !== undefined) throw this.#failure;
      if (performance.now() - before > WAIT_MAX_MS) throw new Error(`never came true: ${what}\n${this.#said()}`);
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  }

  #said(): string {
    return MACHINES.map((name) => `${name}: ${this.#agents.get(name)?.command.stderr.slice(-2000)}`).join('\n');
  }

  /** Ends everybody; then both stores must be whole. */
  async checkEnd(): Promise<void> {
    await this.settled();
    await this.end();
    for (const name of POINTS) {
      await this.checkStoreOf(name);
      await resettle(['store', 'verify', this.store(name), ...this.home('laptop')]);
    }
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#restarts.values());
    const all = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(all.map((agent) => agent.end('SIGTERM')));
    for (const { name, command } of all) {
      const { status, stderr } = await command.ended;
      if (status !== 0) this.run.note(`${name} ended with ${status}: ${stderr.slice(-500)}`);
    }
  }
}

/** A port that is free now: the machine comes back on it. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/** Whether a pack is there, whole. */
export function isWhole(path: string, good: Buffer): boolean {
  return existsSync(path) && readFileSync(path).equals(good);
}
