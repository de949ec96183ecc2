/** One machine with a store in a folder: every command is a process of its own, that can be killed and run again. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, resettle } from '../../support/agents.ts';
import { attributesIn, compareTrees } from '../../support/compare-trees.ts';
import type { Run } from '../scenario.ts';
import { checkStore } from './store-invariants.ts';
import { type Strike, untilDone } from './strike.ts';
import { changeTree, copyTree, makeTree } from './tree.ts';

export class FolderWorld {
  readonly run: Run;
  readonly home: string;
  readonly store: string;
  readonly tree: string;
  kills = 0;
  /** The tree as it was when each snapshot was made, by its number. */
  readonly #versions = new Map<number, string>();
  /** What a command has said that it is done: it must stay there. */
  readonly #acknowledged = new Set<number>();
  #version: string;

  readonly #self: string;

  private constructor(run: Run, home: string, self: string) {
    this.run = run;
    this.#self = self;
    this.home = home;
    this.store = join(run.dir, 'store');
    this.tree = makeTree(join(run.dir, 'tree'), run.random);
    this.#version = copyTree(this.tree, join(run.dir, 'tree-1'));
  }

  static async make(run: Run): Promise<FolderWorld> {
    const home = join(run.dir, 'home');
    const { peerId } = await resettle(['fleet', 'init', '--name', 'faults', '--home', home]);
    return new FolderWorld(run, home, String(peerId));
  }

  /** Kills a command as often as there are strikes, looks at the store each time, then lets it end. */
  async work(args: readonly string[], strikes: readonly Strike[]): Promise<Ended> {
    const { kills, ended } = await untilDone([...args, '--home', this.home], strikes, this.run, () => this.check());
    this.kills += kills;
    return ended;
  }

  change(): void {
    changeTree(this.tree, this.run.random);
    this.#version = copyTree(this.tree, join(this.run.dir, `tree-${this.#versions.size + 2}-${this.kills}`));
  }

  async capture(strikes: readonly Strike[]): Promise<number> {
    const { last, status, stdout, stderr } = await this.work(
      ['capture', this.tree, '--store', this.store, '--for', this.#self],
      strikes,
    );
    assert.equal(status, 0, `${stdout}${stderr}`);
    this.#acknowledged.add(Number(last.snapshot));
    await this.check();
    return Number(last.snapshot);
  }

  async prune(keep: number, strikes: readonly Strike[]): Promise<void> {
    const kept = new Set((await this.snapshots()).slice(-keep));
    for (const snapshot of [...this.#acknowledged]) if (!kept.has(snapshot)) this.#acknowledged.delete(snapshot);
    const { status, stdout } = await this.work(['store', 'prune', this.store, '--keep-last', `${keep}`], strikes);
    assert.equal(status, 0, stdout);
    assert.deepEqual(await this.snapshots(), [...kept], 'what is not kept is gone, and nothing else');
  }

  /** The invariants, everything acknowledged, and what the program itself says of its store. */
  async check(): Promise<void> {
    const snapshots = await this.snapshots();
    for (const snapshot of this.#acknowledged) {
      assert.ok(snapshots.includes(snapshot), `snapshot ${snapshot} was acknowledged, and is gone`);
    }
    // Of one that was killed behind its descriptor nobody knows, but it is one of that tree.
    for (const snapshot of snapshots) {
      if (!this.#versions.has(snapshot)) this.#versions.set(snapshot, this.#version);
    }
    if (snapshots.length > 0) await resettle(['store', 'verify', this.store, '--home', this.home]);
  }

  /** The tree that a snapshot must bring. */
  versionOf(snapshot: number): string {
    return this.#versions.get(snapshot)!;
  }

  async snapshots(): Promise<number[]> {
    const found = existsSync(this.store) ? await checkStore(this.store) : [];
    return found.map(({ snapshot }) => snapshot).sort((a, b) => a - b);
  }

  /** Restores that can be undone: of one that was cut short before its record had its name, an empty folder stays. */
  restores(): string[] {
    const folder = join(this.home, 'restores');
    return existsSync(folder) ? readdirSync(folder).filter((id) => existsSync(join(folder, id, 'restore.json'))) : [];
  }

  async restore(into: string, snapshot: number, more: readonly string[], strikes: readonly Strike[]): Promise<Ended> {
    const args = ['restore', '--store', this.store, '--snapshot', `${snapshot}`, '--into', into, '--strip', '--yes'];
    const ended = await this.work([...args, ...more], strikes);
    // 3: what its policy says that it leaves out.
    assert.ok(ended.status === 0 || ended.status === 3, `${ended.stdout.slice(-2000)}${ended.stderr}`);
    return ended;
  }

  /** Undoes everything that can be undone, the newest first. */
  async undoAll(strikes: readonly Strike[]): Promise<void> {
    let left = [...strikes];
    while (this.restores().length > 0) {
      const before = this.kills;
      const newest = this.restores().at(-1)!;
      const ended = await this.work(['undo', newest], left);
      left = left.slice(this.kills - before);
      // It changed nothing, and was killed when it was forgotten.
      const isOver = ended.status === 6 && !this.restores().includes(newest);
      assert.ok(ended.status === 0 || isOver, `${ended.stdout}${ended.stderr}`);
    }
  }
}

/** Nothing differs, but for what may: names, types, contents, metadata, attributes. */
export function assertSame(
  as: string,
  dir: string,
  what: string,
  may: (difference: string) => boolean = () => false,
): void {
  const { differences } = compareTrees(as, dir);
  assert.deepEqual(
    differences.filter((one) => !may(one)),
    [],
    what,
  );
  assert.deepEqual(attributesIn(dir), attributesIn(as), what);
}

export function remove(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}
